#include "detector/sim/outbox.h"

#include <errno.h>
#include <sys/socket.h>

void outbox_clear(struct outbox *outbox)
{
    outbox->count = outbox->piece = outbox->written = outbox->completed = 0;
}

void outbox_add(struct outbox *outbox, void *head, size_t head_size, const void *body,
                size_t body_size, bool ends_exposure)
{
    const size_t before = outbox->count ? outbox->ends[outbox->count - 1] : 0;
    struct iovec *pieces = outbox->pieces + 2 * outbox->count;
    pieces[0] = (struct iovec){.iov_base = head, .iov_len = head_size};
    /* An iovec knows no const, as it serves reading too; sendmsg only looks. */
    const union {
        const void *seen;
        void *given;
    } bytes = {.seen = body};
    pieces[1] = (struct iovec){.iov_base = bytes.given, .iov_len = body_size};
    outbox->exposures[outbox->count] = ends_exposure;
    outbox->ends[outbox->count++] = before + head_size + body_size;
}

static void advance(struct outbox *outbox, size_t written)
{
    outbox->written += written;
    while (outbox->piece < 2 * outbox->count && written >= outbox->pieces[outbox->piece].iov_len)
        written -= outbox->pieces[outbox->piece++].iov_len;
    if (written > 0) {
        struct iovec *piece = &outbox->pieces[outbox->piece];
        piece->iov_base = (uint8_t *)piece->iov_base + written;
        piece->iov_len -= written;
    }
    while (outbox->completed < outbox->count && outbox->ends[outbox->completed] <= outbox->written)
        outbox->completed++;
}

int outbox_send(struct outbox *outbox, int socket)
{
    while (!outbox_empty(outbox)) {
        const struct msghdr message = {.msg_iov = outbox->pieces + outbox->piece,
                                       .msg_iovlen = 2 * outbox->count - outbox->piece};
        const ssize_t written = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        advance(outbox, (size_t)written);
    }
    return 0;
}

void outbox_cut(struct outbox *outbox)
{
    if (outbox_empty(outbox))
        return;
    const size_t begun_at = outbox->completed ? outbox->ends[outbox->completed - 1] : 0;
    const size_t begun = outbox->written > begun_at ? 1 : 0;
    outbox->count = outbox->completed + begun;
}
