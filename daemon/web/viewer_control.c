#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"
#include "daemon/page_identity.h"
#include "daemon/web/viewer.h"
#include "daemon/web/web_internal.h"
#include "daemon/zmq_message.h"

/* Every viewer is a client of the control socket of its own, so that the daemon knows them apart.
 */

#define MAX_FRAMES (1 + BRIDGE_MAX_PARTS)
/* Replies that wait for a viewer; one alone may be larger. */
#define MAX_WAITING_BYTES ((size_t)64 << 20)

static struct message *make_message(zmq_msg_t *frames, unsigned n)
{
    struct message_part parts[1 + MAX_FRAMES] = {{"reply/", strlen("reply/")}};
    for (unsigned i = 0; i < n; i++)
        parts[1 + i] = (struct message_part){zmq_msg_data(&frames[i]), zmq_msg_size(&frames[i])};
    return n == 1 ? message_text(parts[1].bytes, parts[1].size) : message_binary(parts, 1 + n);
}

static void pass_on(struct viewer *viewer, struct message *message)
{
    const bool waits = viewer->outbox.first;
    if (outbox_push(&viewer->outbox, message) < 0) {
        log_error("web", "no memory for a reply to viewer %s", viewer->name);
        return;
    }
    if (waits && viewer->outbox.bytes > MAX_WAITING_BYTES) {
        viewer_drop(viewer, "it does not read its replies");
        return;
    }
    lws_callback_on_writable(viewer->wsi);
}

static void on_reply(void *data)
{
    struct viewer *const viewer = data;
    zmq_msg_t frames[MAX_FRAMES];
    const unsigned n = zmq_message_receive(viewer->control, frames, MAX_FRAMES);
    const unsigned kept = n < MAX_FRAMES ? n : MAX_FRAMES;
    if (n > kept)
        log_error("web", "a reply of %u parts is too long to pass on whole", n);
    if (n > 0) {
        viewer->n_pending -= viewer->n_pending > 0;
        if (viewer->wsi)
            pass_on(viewer, make_message(frames, kept));
    }
    zmq_message_close(frames, n, MAX_FRAMES);
}

int viewer_control_open(struct viewer *viewer)
{
    const int linger = 0;
    char identity[32];
    struct web *const web = viewer->web;
    viewer->control = zmq_socket(web->live.bridge.context, ZMQ_DEALER);
    if (!viewer->control)
        return -ENOMEM;
    snprintf(identity, sizeof identity, "%s%llu",
             web->listener.is_loopback ? PAGE_IDENTITY_HERE : PAGE_IDENTITY_AWAY,
             (unsigned long long)viewer->number);
    zmq_setsockopt(viewer->control, ZMQ_ROUTING_ID, identity, strlen(identity));
    zmq_setsockopt(viewer->control, ZMQ_LINGER, &linger, sizeof linger);
    int r = 0;
    if (zmq_connect(viewer->control, viewer->source->control_endpoint) != 0)
        r = -errno;
    if (r == 0)
        r = zmq_poll_init(&viewer->poll, &web->loop, viewer->control, on_reply, viewer);
    if (r < 0) {
        zmq_close(viewer->control);
        viewer->control = NULL;
    }
    return r;
}

void viewer_control_send(struct viewer *viewer, const char *text, size_t size)
{
    if (zmq_send(viewer->control, text, size, ZMQ_DONTWAIT) >= 0) {
        viewer->n_pending++;
        viewer->web->counts.requests++;
    } else {
        log_error("web", "a request of viewer %s was lost: %s", viewer->name, zmq_strerror(errno));
    }
}

void viewer_control_close(struct viewer *viewer, void (*closed)(void *viewer))
{
    if (viewer->control)
        zmq_poll_close(&viewer->poll, closed);
    else
        closed(viewer);
}
