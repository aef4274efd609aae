#include "processing/worker_hand_over.h"

#include <string.h>

#include "common/clock.h"
#include "processing/run/run_loss.h"
#include "processing/stored/chunk_codec.h"
#include "processing/worker_message.h"
#include "processing/worker_tap.h"

void worker_count_unrecorded(struct run *run, bool in_place, uint32_t n_frames)
{
    atomic_fetch_add_explicit(in_place ? &run->counts.unrecorded : &run->counts.extra_unrecorded,
                              n_frames, memory_order_relaxed);
}

/* Compresses n of the worker's kept frames, from place `first` among them on, and hands them over.
 * `describe` carries what the sink needs to know of them. */
static void submit(struct worker *worker, struct run *run, size_t first, size_t n,
                   const struct compressed_chunk *describe, bool in_place)
{
    const struct chunk_sink *const sink = worker->sink;
    if (!sink->wants(sink->data, run)) {
        message_batch_clear(&worker->messages);
        worker_count_unrecorded(run, in_place, describe->n_frames);
        return;
    }
    heartbeat_wait(worker->heartbeat, true);
    struct compressed_chunk *const chunk = sink->acquire(sink->data, chunk_codec_bound(run, n));
    heartbeat_wait(worker->heartbeat, false);
    if (!chunk) {
        message_batch_clear(&worker->messages);
        run_tell_loss(run, describe->n_frames, "no memory for a compressed chunk");
        worker_count_unrecorded(run, in_place, describe->n_frames);
        return;
    }
    chunk->run = run;
    chunk->extra = describe->extra;
    chunk->again = describe->again;
    chunk->layer = describe->layer;
    chunk->first_place = describe->first_place;
    chunk->frame_index = describe->frame_index;
    chunk->position = describe->position;
    chunk->flags = describe->flags;
    chunk->n_frames = describe->n_frames;
    const uint64_t start = clock_monotonic_ns();
    const ptrdiff_t packed = chunk_codec_pack(run, worker->kept + first * worker->kept_size, n,
                                              chunk->bytes, chunk->capacity);
    stage_times_add(worker->times, STAGE_COMPRESS, start);
    chunk->size = packed > 0 ? (size_t)packed : 0;
    chunk->raw_size = packed > 0 ? n * run->format.image_size : chunk->raw_size;
    worker_hand_over_messages(worker, chunk);
    if (packed < 0)
        run_tell_loss(run, describe->n_frames, "Blosc refused a chunk");
    else
        worker_tap_give_packed(worker, first, n, chunk->bytes, chunk->size);
    sink->submit(sink->data, chunk);
}

static void clear_absent(struct worker *worker, size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++) {
        if (worker->present[i] == IMAGE_ABSENT)
            memset(worker->kept + i * worker->kept_size, 0, worker->kept_size);
    }
}

static void record_layer(struct worker *worker, const struct chunk_work *work, unsigned layer)
{
    const uint32_t k = work->run->chunk_frames;
    const struct compressed_chunk describe = {
        .again = work->submitted[layer] > 0,
        .layer = layer,
        .first_place = work->first_place,
        .n_frames = work->in_layer[layer] - work->submitted[layer],
    };
    const uint64_t start = clock_monotonic_ns();
    submit(worker, work->run, (size_t)layer * k, k, &describe, true);
    worker_time_note(&worker->pace.keeping, clock_monotonic_ns() - start, describe.n_frames);
}

static void hand_over_layer(struct worker *worker, struct chunk_work *work, unsigned layer)
{
    const size_t k = work->run->chunk_frames, first = layer * k;
    if (work->recorded || worker_taps(worker, FRAME_TAP_PACKED))
        clear_absent(worker, first, k);
    if (work->recorded)
        record_layer(worker, work, layer);
    else
        worker_count_unrecorded(work->run, true, work->in_layer[layer] - work->submitted[layer]);
    worker_tap_pack(worker, first, k);
    work->submitted[layer] = work->in_layer[layer];
}

void worker_hand_over_chunk(struct worker *worker, struct chunk_work *work)
{
    worker_tap_give_images(worker);
    for (unsigned layer = 0; layer < work->run->n_layers; layer++) {
        if (work->in_layer[layer] > work->submitted[layer])
            hand_over_layer(worker, work, layer);
    }
    work->n_submitted = work->n_frames;
}

void worker_hand_over_extra(struct worker *worker, const struct frame_slot *slot, bool recorded)
{
    const struct compressed_chunk describe = {
        .extra = true,
        .layer = slot->layer,
        .first_place = slot->place,
        .position = slot->position,
        .frame_index = slot->frame_index,
        .flags = slot->flags,
        .n_frames = 1,
    };
    const bool in_place = slot->flags & FRAME_FLAG_LATE;
    worker_tap_give_images(worker);
    if (recorded)
        submit(worker, worker->run, 0, 1, &describe, in_place);
    else
        worker_count_unrecorded(worker->run, in_place, 1);
    worker_tap_pack(worker, 0, 1);
}
