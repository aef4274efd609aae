#include "processing/worker_deferred.h"

#include <errno.h>

#include "common/clock.h"
#include "common/log.h"
#include "processing/run/run_loss.h"
#include "processing/run/stored_chunks.h"
#include "processing/stored/backlog.h"
#include "processing/stored/chunk_codec.h"
#include "processing/worker_chunk.h"

/* From this part of the ring on analysis waits: chunks are only kept, which frees the ring. */
#define DEFER_FILL 0.5
/* From this part on chunks that cannot be kept are let go, before the detector is held up. */
#define LET_GO_FILL 0.75

static size_t room_of_chunk(const struct run *run)
{
    return run->n_layers * chunk_codec_bound(run, run->chunk_frames);
}

enum chunk_analysis worker_plan_analysis(struct worker *worker, const struct run *run)
{
    struct ring_load load;
    if (run->recycle)
        return ANALYSE_NOW;
    ring_load(worker->ring, &load);
    if ((double)load.used <= DEFER_FILL * (double)load.size || !worker_pace_defers(&worker->pace))
        return ANALYSE_NOW;
    if (worker->sink->wants(worker->sink->data, run))
        return ANALYSE_FROM_FILE;
    if (backlog_reserve(worker->backlog, room_of_chunk(run)))
        return ANALYSE_FROM_BACKLOG;
    return (double)load.used <= LET_GO_FILL * (double)load.size ? ANALYSE_NOW : ANALYSE_NEVER;
}

/* Whether all products of a set can be computed of frames of an epoch. */
static bool is_ready(const struct product_set *set, unsigned epoch)
{
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        if (product->class->ready && !product->class->ready(product, epoch))
            return false;
    }
    return true;
}

void worker_take_epoch(struct worker *worker, const struct product_set *set,
                       uint64_t first_exposure)
{
    worker->epoch = epoch_of_exposure(first_exposure);
    worker->waits = !is_ready(set, worker->epoch);
}

static void give_up_deferred(struct run *run, uint64_t n)
{
    atomic_fetch_sub_explicit(&run->counts.deferred, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&run->counts.not_analysed, n, memory_order_relaxed);
}

void worker_remember_deferred(struct worker *worker, const struct deferred_chunk *chunk,
                              enum chunk_analysis analysis, const uint32_t *in_layer,
                              uint32_t n_frames)
{
    struct run *const run = chunk->run;
    struct deferred_chunk kept = *chunk;
    if (analysis == ANALYSE_FROM_BACKLOG) {
        const uint64_t start = clock_monotonic_ns();
        kept.packed =
            backlog_pack(worker->backlog, room_of_chunk(run), run, worker->kept, in_layer);
        worker_time_note(&worker->pace.keeping, clock_monotonic_ns() - start, n_frames);
        if (!kept.packed) {
            run_tell_loss(run, n_frames, "no memory for frames whose analysis was put off");
            give_up_deferred(run, n_frames);
            epochs_settle(&run->epochs, chunk->first_exposure);
            return;
        }
    }
    atomic_fetch_add_explicit(&run->pending, 1, memory_order_relaxed);
    if (catch_up_add(worker->catch_up, &kept))
        return;
    backlog_free(worker->backlog, kept.packed);
    if (!chunk->waits) {
        give_up_deferred(run, n_frames);
        epochs_settle(&run->epochs, chunk->first_exposure);
    }
    run_drop_pending(run, worker->sink);
}

/* ---- catching up ---- */

/* 0, -EAGAIN (not in the file yet) or another negative errno (it never will be). */
static int read_from_file(struct worker *worker, unsigned layer, uint64_t number)
{
    struct run *const run = worker->run;
    struct error error = {0};
    /* Asked first: what was written before the recorder gave up is then seen. */
    const bool recording = worker->sink->wants(worker->sink->data, run);
    int r = worker->reader.run ? 0 : chunk_reader_init(&worker->reader, run, &error);
    if (r == 0)
        r = chunk_reader_read(&worker->reader, layer, number, &error);
    if (r == -ENOENT && recording)
        return -EAGAIN;
    if (r < 0)
        log_error("workers", "frames whose analysis was put off cannot be analysed: %s",
                  error.code ? error.text : "they are not in the file");
    return r;
}

/* Sets *images to those of a layer of the chunk, NULL when there are none. false: not yet. */
static bool read_layer(struct worker *worker, const struct deferred_chunk *chunk, unsigned layer,
                       const uint8_t **images)
{
    int r;
    if (chunk->packed) {
        /* No chunk is in hand: its place is free. */
        r = worker_make_room(worker, chunk->run);
        if (r == 0)
            r = backlog_unpack(chunk->packed, chunk->run, layer, worker->images);
        *images = r == 0 ? worker->images : NULL;
    } else {
        r = read_from_file(worker, layer, chunk->number);
        *images = r == 0 ? worker->reader.images : NULL;
    }
    return r != -EAGAIN;
}

/* Analyses what is deferred of a layer of the chunk; all of it is given up without images. */
static void analyse_deferred(struct worker *worker, const struct deferred_chunk *chunk,
                             unsigned layer, const uint8_t *images)
{
    struct run *const run = chunk->run;
    uint32_t n;
    uint64_t done = 0, failed = 0;
    const int64_t first = stored_chunks_place(run, chunk->number, &n);
    for (uint32_t i = 0; i < n; i++) {
        const int64_t exposure = scan_geometry_frame_at_place(&run->scan, (uint64_t)first + i);
        const uint8_t *const image = images ? images + i * run->format.image_size : NULL;
        bool analysed;
        if (exposure < 0 || !worker_analyse_deferred(worker, chunk->set, layer, (uint64_t)exposure,
                                                     image, &analysed))
            continue;
        done += analysed;
        failed += !analysed;
    }
    atomic_fetch_sub_explicit(&run->counts.deferred, done, memory_order_relaxed);
    atomic_fetch_add_explicit(&run->counts.analysed, done, memory_order_relaxed);
    give_up_deferred(run, failed);
}

/* Computes what waited of a layer of the chunk. */
static void analyse_waiting(struct worker *worker, const struct deferred_chunk *chunk,
                            unsigned layer, const uint8_t *images)
{
    struct run *const run = chunk->run;
    uint32_t n;
    const int64_t first = stored_chunks_place(run, chunk->number, &n);
    for (uint32_t i = 0; images && i < n; i++) {
        const int64_t exposure = scan_geometry_frame_at_place(&run->scan, (uint64_t)first + i);
        if (exposure >= 0)
            worker_analyse_waiting(worker, chunk->set, layer, (uint64_t)exposure,
                                   images + i * run->format.image_size);
    }
}

/* false: it cannot be read now. What was analysed already will be passed over next time. */
static bool catch_up_layer(struct worker *worker, const struct deferred_chunk *chunk,
                           unsigned layer)
{
    const uint8_t *images;
    if (!read_layer(worker, chunk, layer, &images))
        return false;
    if (chunk->waits)
        analyse_waiting(worker, chunk, layer, images);
    else
        analyse_deferred(worker, chunk, layer, images);
    return true;
}

bool worker_catch_up(struct worker *worker)
{
    struct deferred_chunk chunk;
    if (!catch_up_take(worker->catch_up, &chunk))
        return false;
    worker_take_run(worker, chunk.run);
    worker_take_epoch(worker, chunk.set, chunk.first_exposure);
    /* Deferred frames can be taken in; those that have been can only wait. */
    if (worker->waits && chunk.waits && catch_up_add(worker->catch_up, &chunk))
        return false;
    for (unsigned layer = 0; layer < chunk.run->n_layers; layer++) {
        if (!catch_up_layer(worker, &chunk, layer) && catch_up_add(worker->catch_up, &chunk))
            return false;
    }
    if (!chunk.waits)
        epochs_settle(&chunk.run->epochs, chunk.first_exposure);
    if (worker->waits && !chunk.waits) {
        chunk.waits = true;
        if (catch_up_add(worker->catch_up, &chunk))
            return true;
    }
    backlog_free(worker->backlog, chunk.packed);
    worker_merge_if_asked(worker);
    run_drop_pending(chunk.run, worker->sink);
    return true;
}
