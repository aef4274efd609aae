#include "daemon/record/file_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/record/file_output.h"
#include "daemon/record/file_progress.h"
#include "daemon/record/hdf5_error.h"

/* ---- chunks ---- */

static void note_chunk(struct file_check *check, const char *group, uint64_t place, bool good)
{
    check->chunks++;
    if (!good && check->bad_chunks++ == 0)
        snprintf(check->first_bad_chunk, sizeof check->first_bad_chunk,
                 "/entry/%s/data from place %" PRIu64, group, place);
}

static void check_store(struct file_check *check, const struct image_store *store,
                        const char *group)
{
    uint8_t *const images =
        malloc((store->chunk_frames ? store->chunk_frames : 1) * store->frame_size);
    uint32_t n = 1;
    for (uint64_t place = 0; place < image_store_places(store); place += n) {
        hsize_t bytes = 0;
        image_store_chunk(store, place, &n);
        const bool found = image_store_chunk_bytes(store, place, &bytes) == 0;
        if (!found || bytes > 0)
            note_chunk(check, group, place,
                       found && images && image_store_read(store, place, n, images) == 0);
        hdf5_error_forget();
    }
    free(images);
}

void file_check_chunks(struct file_check *check, const struct file_recording *recording)
{
    for (unsigned i = 0; i < recording->n_layers; i++)
        check_store(check, &recording->layers[i].images, recording->layers[i].group);
    if (recording->extra.id >= 0)
        check_store(check, &recording->extra, "extra");
}

/* ---- messages ---- */

static void count(struct file_check *check, uint64_t arrival, enum file_payload_state state)
{
    if (state == FILE_PAYLOAD_NOT_RECORDED)
        return;
    check->messages++;
    check->proven += state == FILE_PAYLOAD_PROVEN;
    check->lost += state == FILE_PAYLOAD_LOST;
    check->spoilt += state == FILE_PAYLOAD_SPOILT;
    check->unreadable += state == FILE_PAYLOAD_UNREADABLE;
    if (state != FILE_PAYLOAD_PROVEN && check->messages - check->proven == 1)
        check->first_bad = arrival;
}

int file_check_messages(struct file_check *check, struct file_payloads *payloads,
                        file_check_fn tell, void *data, struct error *error)
{
    const uint64_t n = payloads->messages.n;
    struct file_progress progress;
    int r = 0;
    check->has_messages = true;
    check->arrived = n;
    file_progress_init(&progress, n);
    for (uint64_t i = 0; r == 0 && i < n; i++) {
        struct file_message message;
        enum file_payload_state state;
        r = file_payloads_get(payloads, i, &message, &state);
        if (r < 0) {
            r = error_set(error, -EIO, "cannot read /entry/messages of %.300s: it is damaged",
                          payloads->recording->path);
            break;
        }
        count(check, i, state);
        if (tell && tell(data, i, &message, state) < 0)
            r = error_set(error, -ENOMEM, "no memory for the list of messages");
        file_progress_draw(&progress, i + 1);
        if (r == 0 && file_interrupted())
            r = error_set(error, -EINTR, "interrupted");
    }
    file_progress_finish(&progress);
    return r;
}
