#include "processing/worker_tap.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "processing/stored/chunk_codec.h"

void worker_tap_make_room(struct worker *worker, size_t n_images)
{
    if (!worker->tap || worker->n_notes >= n_images)
        return;
    free(worker->notes);
    worker->notes = calloc(n_images, sizeof *worker->notes);
    worker->n_notes = worker->notes ? n_images : 0;
    if (!worker->notes)
        log_error("workers", "no memory for the frame stream: it gets nothing of a chunk of %zu",
                  n_images);
}

void worker_tap_begin(struct worker *worker)
{
    for (size_t i = 0; i < worker->n_notes; i++)
        worker->notes[i].owed = false;
}

void worker_tap_note(struct worker *worker, size_t place, const struct frame_slot *slot)
{
    if (!worker->notes || (slot->flags & FRAME_FLAG_DUPLICATE))
        return;
    worker->notes[place] = (struct tap_note){
        .frame =
            {
                .frame_index = slot->frame_index,
                .number = slot->number,
                .position = slot->position,
                .layer = slot->layer,
                .flags = slot->flags,
            },
        .owed = true,
    };
}

static size_t count_owed(const struct worker *worker, size_t first, size_t n)
{
    size_t owed = 0;
    for (size_t i = first; i < first + n; i++)
        owed += worker->notes[i].owed;
    return owed;
}

static void forget(struct worker *worker, size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++)
        worker->notes[i].owed = false;
}

/* ---- images ---- */

static void give_image(const struct worker *worker, size_t place, struct tapped_frames *frames)
{
    const size_t image_size = worker->run->format.image_size;
    const size_t at = frames->n++;
    frames->frames[at] = worker->notes[place].frame;
    frames->frames[at].image = (uint32_t)at;
    memcpy(frames->bytes + at * image_size, worker->images + place * image_size, image_size);
}

/* The chunk's images are the worker's, and it goes on with them: so they are copied, once, while
 * they are in its cache. */
void worker_tap_give_images(struct worker *worker)
{
    if (!worker_taps(worker, FRAME_TAP_IMAGES))
        return;
    struct run *const run = worker->run;
    const size_t k = run->chunk_frames, n_places = k * run->n_layers;
    const size_t n = count_owed(worker, 0, n_places), size = n * run->format.image_size;
    struct tapped_frames *const frames =
        n > 0 ? worker->tap->acquire(worker->tap->data, run, n, size) : NULL;
    if (frames) {
        for (size_t i = 0; i < n_places; i++) {
            const size_t place = i / run->n_layers + (i % run->n_layers) * k;
            if (worker->notes[place].owed)
                give_image(worker, place, frames);
        }
        frames->n_images = (uint32_t)n;
        frames->size = size;
        worker->tap->submit(worker->tap->data, frames);
    }
    forget(worker, 0, n_places);
}

/* ---- packed ---- */

static void list_owed(const struct worker *worker, size_t first, size_t n,
                      struct tapped_frames *frames)
{
    for (size_t i = first; i < first + n; i++) {
        if (!worker->notes[i].owed)
            continue;
        frames->frames[frames->n] = worker->notes[i].frame;
        frames->frames[frames->n++].image = (uint32_t)(i - first);
    }
    frames->n_images = (uint32_t)n;
}

static struct tapped_frames *acquire_packed(struct worker *worker, size_t first, size_t n,
                                            size_t size)
{
    if (!worker_taps(worker, FRAME_TAP_PACKED))
        return NULL;
    const size_t owed = count_owed(worker, first, n);
    struct tapped_frames *const frames =
        owed > 0 ? worker->tap->acquire(worker->tap->data, worker->run, owed, size) : NULL;
    if (frames)
        list_owed(worker, first, n, frames);
    forget(worker, first, n);
    return frames;
}

void worker_tap_give_packed(struct worker *worker, size_t first, size_t n, const uint8_t *bytes,
                            size_t size)
{
    struct tapped_frames *const frames = acquire_packed(worker, first, n, size);
    if (!frames)
        return;
    memcpy(frames->bytes, bytes, size);
    frames->size = size;
    worker->tap->submit(worker->tap->data, frames);
}

void worker_tap_pack(struct worker *worker, size_t first, size_t n)
{
    struct run *const run = worker->run;
    const size_t room = chunk_codec_bound(run, n);
    struct tapped_frames *const frames = acquire_packed(worker, first, n, room);
    if (!frames)
        return;
    const ptrdiff_t packed =
        chunk_codec_pack(run, worker->kept + first * worker->kept_size, n, frames->bytes, room);
    /* An empty one is for the stream to count. */
    frames->size = packed > 0 ? (size_t)packed : 0;
    if (packed < 0)
        log_error("workers", "Blosc refused a chunk of %zu frames", n);
    worker->tap->submit(worker->tap->data, frames);
}
