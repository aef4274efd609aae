#include "processing/worker_chunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/probe.h"
#include "detector/bit_plane.h"
#include "processing/run/run_loss.h"
#include "processing/run/stored_chunks.h"
#include "processing/stored/chunk_codec.h"
#include "processing/worker_deferred.h"
#include "processing/worker_hand_over.h"
#include "processing/worker_message.h"
#include "processing/worker_tap.h"

/* A worker that waits for frames of its chunk looks this often whether somebody wants its sums. */
#define LOOK_NS (200 * NS_PER_MS)
/* A chunk whose frames are this long in coming is handed over as it is, and again when there is
 * more. */
#define HAND_OVER_NS NS_PER_S

static uint32_t place_in_images(const struct chunk_work *work, const struct frame_slot *slot)
{
    return (uint32_t)(slot->place - work->first_place) + slot->layer * work->run->chunk_frames;
}

static struct frame frame_in_place(struct worker *worker, const struct chunk_work *work,
                                   const struct frame_slot *slot)
{
    const size_t offset = place_in_images(work, slot) * work->run->format.image_size;
    return worker_frame(worker, work->set, slot, worker->images + offset);
}

/* What is packed of a frame, to its place among the kept ones. */
static void keep_frame(struct worker *worker, uint32_t place, struct frame *frame)
{
    if (worker->kept == worker->images)
        frame_store_image(frame);
    else
        bit_plane_decode(worker->kept + place * worker->kept_size, frame->payload,
                         &worker->run->format);
}

static bool is_deferred(const struct chunk_work *work)
{
    return work->analysis == ANALYSE_FROM_FILE || work->analysis == ANALYSE_FROM_BACKLOG;
}

/* Returns whether it is analysed, or will be. */
static bool analyse_or_defer(struct worker *worker, const struct chunk_work *work,
                             const struct frame_slot *slot, struct frame *frame)
{
    switch (work->analysis) {
    case ANALYSE_NOW:
        break;
    case ANALYSE_FROM_FILE:
    case ANALYSE_FROM_BACKLOG:
        return worker_defer_frame(worker, work->set, slot);
    case ANALYSE_NEVER:
        worker_pass_over_frame(worker, work->set, slot);
        return false;
    }
    return worker_analyse_frame(worker, work->set, slot, true, frame);
}

static bool process_frame(struct worker *worker, struct chunk_work *work,
                          const struct frame_slot *slot, struct frame *frame)
{
    const bool done = analyse_or_defer(worker, work, slot, frame);
    worker->present[place_in_images(work, slot)] =
        frame->image == frame->room ? IMAGE_THERE : IMAGE_NOT_STORED;
    work->in_layer[slot->layer]++;
    return done;
}

/* As many frames as it is worth to have at once. The bank of weights has the masks of all layers,
 * and a frame needs only those of its own. */
static uint32_t take_at_once(const struct worker *worker, const struct chunk_work *work,
                             uint32_t n_left)
{
    const bool now = work->analysis == ANALYSE_NOW && work->run->n_layers == 1;
    const uint32_t n = now ? frames_at_once(&worker->forms, work->set->shared) : 1;
    return n < n_left ? n : n_left;
}

/* Returns how many of the frames are analysed, or will be. */
static uint64_t process_some(struct worker *worker, struct chunk_work *work,
                             const struct frame_slot *slots, uint32_t n)
{
    /* Else only those that analysis asks for. */
    const bool keeps_frames = work->recorded || work->analysis == ANALYSE_FROM_BACKLOG ||
                              worker_taps(worker, FRAME_TAP_PACKED);
    const bool keeps_images = worker_taps(worker, FRAME_TAP_IMAGES);
    struct frame frames[WEIGHT_IMAGES];
    uint64_t done = 0;
    for (uint32_t i = 0; i < n; i++) {
        frames[i] = frame_in_place(worker, work, &slots[i]);
        if (keeps_frames)
            keep_frame(worker, place_in_images(work, &slots[i]), &frames[i]);
        if (keeps_images)
            frame_store_image(&frames[i]);
        worker_tap_note(worker, place_in_images(work, &slots[i]), &slots[i]);
    }
    frames_weigh_ahead(frames, n);
    for (uint32_t i = 0; i < n; i++)
        done += process_frame(worker, work, &slots[i], &frames[i]);
    return done;
}

/* The newest image of each layer among the frames [first, end) of the chunk. */
static void give_latest(struct worker *worker, const struct chunk_work *work,
                        const struct chunk *chunk, uint32_t first, uint32_t end)
{
    const struct run *const run = work->run;
    const uint32_t newest = end - first > run->n_layers ? end - run->n_layers : first;
    for (uint32_t i = newest; i < end; i++) {
        const struct frame_slot *const slot = &chunk->frames[i];
        struct frame frame = frame_in_place(worker, work, slot);
        if (worker->present[place_in_images(work, slot)] == IMAGE_THERE)
            frame.image = frame.room;
        worker_give_latest(worker, slot->layer, &frame, slot->frame_index + 1);
    }
}

static void process_frames(struct worker *worker, struct chunk_work *work,
                           const struct chunk *chunk, uint32_t n_frames)
{
    const uint64_t start = clock_monotonic_ns();
    uint64_t done = 0;
    if (work->n_frames == 0) {
        work->first_exposure = chunk->frames[0].frame_index;
        worker_take_epoch(worker, work->set, work->first_exposure);
    }
    for (uint32_t i = work->n_frames, n = 0; i < n_frames; i += n) {
        n = take_at_once(worker, work, n_frames - i);
        done += process_some(worker, work, &chunk->frames[i], n);
    }
    if (work->analysis == ANALYSE_NOW) {
        const uint64_t arrived_ns = chunk->frames[work->n_frames].arrived_ns;
        worker_time_note(&worker->pace.analysis, clock_monotonic_ns() - start,
                         n_frames - work->n_frames);
        if (arrived_ns > 0)
            stage_times_add(worker->times, STAGE_RESULT, arrived_ns);
    }
    give_latest(worker, work, chunk, work->n_frames, n_frames);
    struct run_counts *const counts = &work->run->counts;
    const uint64_t not_done = n_frames - work->n_frames - done;
    atomic_fetch_add_explicit(is_deferred(work) ? &counts->deferred : &counts->analysed, done,
                              memory_order_relaxed);
    if (not_done > 0)
        atomic_fetch_add_explicit(&counts->not_analysed, not_done, memory_order_relaxed);
    if (work->analysis == ANALYSE_NEVER)
        atomic_fetch_add_explicit(&counts->no_room, not_done, memory_order_relaxed);
    work->n_frames = n_frames;
}

static void process_placed_chunk(struct worker *worker, struct chunk_work *work,
                                 struct chunk *chunk)
{
    bool closed = false;
    uint64_t waited_ns = 0;
    while (!closed) {
        const uint32_t n_frames = chunk_wait(chunk, work->n_frames, LOOK_NS, &closed);
        if (n_frames > work->n_frames) {
            process_frames(worker, work, chunk, n_frames);
            waited_ns = 0;
            continue;
        }
        heartbeat_beat(worker->heartbeat);
        worker_merge_if_asked(worker);
        waited_ns += LOOK_NS;
        if (!closed && waited_ns >= HAND_OVER_NS && work->n_frames > work->n_submitted)
            worker_hand_over_chunk(worker, work);
    }
    ring_release(worker->ring, chunk);
    if (work->n_frames > work->n_submitted)
        worker_hand_over_chunk(worker, work);
}

/*
 * A frame without a place. A late one counts as placed; one that the geometry leaves out is
 * analysed all the same, because another geometry may give it a position; a duplicate is not.
 */
static void process_extra_frame(struct worker *worker, const struct chunk *chunk,
                                const struct frame_slot *slot, bool recorded)
{
    struct run *const run = worker->run;
    struct frame frame = worker_frame(worker, chunk->set, slot, worker->images);
    if (recorded || worker_taps(worker, FRAME_TAP_PACKED))
        keep_frame(worker, 0, &frame);
    if (worker_taps(worker, FRAME_TAP_IMAGES))
        frame_store_image(&frame);
    worker_tap_note(worker, 0, slot);
    if (slot->flags & FRAME_FLAG_DUPLICATE) {
        worker_note_message(worker, slot, NULL);
        worker_flag_frame(worker, slot);
        return;
    }
    const bool late = slot->flags & FRAME_FLAG_LATE;
    worker_take_epoch(worker, chunk->set, slot->frame_index);
    const bool analysed = worker_analyse_frame(worker, chunk->set, slot, late, &frame);
    if (late)
        atomic_fetch_add_explicit(analysed ? &run->counts.analysed : &run->counts.not_analysed, 1,
                                  memory_order_relaxed);
}

static void process_extra_chunk(struct worker *worker, struct chunk *chunk)
{
    bool closed;
    (void)chunk_wait(chunk, 0, UINT64_MAX, &closed);
    const struct frame_slot slot = chunk->frames[0];
    const bool recorded = worker->sink->wants(worker->sink->data, worker->run);
    process_extra_frame(worker, chunk, &slot, recorded);
    ring_release(worker->ring, chunk);
    worker_hand_over_extra(worker, &slot, recorded);
}

/* ---- chunks ---- */

/* All frames of the chunk were taken in; what waits is computed from the file, if there is one. */
static void settle(struct worker *worker, const struct chunk_work *work)
{
    const struct deferred_chunk chunk = {
        .run = work->run,
        .set = work->set,
        .number = stored_chunks_number(work->run, work->first_place),
        .first_exposure = work->first_exposure,
        .waits = true,
    };
    epochs_settle(&work->run->epochs, work->first_exposure);
    if (work->analysis == ANALYSE_NOW && worker->waits && work->recorded && !work->run->recycle)
        worker_remember_deferred(worker, &chunk, ANALYSE_FROM_FILE, work->in_layer, work->n_frames);
}

int worker_make_room(struct worker *worker, const struct run *run)
{
    const size_t n_images = (size_t)run->chunk_frames * run->n_layers;
    const bool planes = chunk_codec_takes_planes(run);
    const size_t images_size = n_images * run->format.image_size;
    const size_t size = images_size + (planes ? n_images * bit_plane_size(&run->format) : 0);
    if (worker->images_size < size) {
        free(worker->images);
        worker->images = aligned_alloc(64, (size + 63) / 64 * 64);
        worker->images_size = worker->images ? size : 0;
    }
    worker->kept = worker->images && planes ? worker->images + images_size : worker->images;
    worker->kept_size = chunk_codec_frame_size(run);
    if (worker->present_size < n_images) {
        free(worker->present);
        worker->present = malloc(n_images);
        worker->present_size = worker->present ? n_images : 0;
    }
    worker_tap_make_room(worker, n_images);
    return worker->images && worker->present ? 0 : -ENOMEM;
}

/* Without memory to work in: the frames are counted and let go. */
static void pass_over(struct worker *worker, struct run *run, struct chunk *chunk)
{
    bool closed = false;
    uint32_t n_frames = 0;
    while (!closed)
        n_frames = chunk_wait(chunk, n_frames, UINT64_MAX, &closed);
    const bool in_place = !chunk->extra || (chunk->frames[0].flags & FRAME_FLAG_LATE);
    if (!chunk->extra)
        epochs_settle(&run->epochs, chunk->frames[0].frame_index);
    ring_release(worker->ring, chunk);
    worker_count_unrecorded(run, in_place, n_frames);
    if (in_place)
        atomic_fetch_add_explicit(&run->counts.not_analysed, n_frames, memory_order_relaxed);
    run_tell_loss(run, n_frames, "no memory for a chunk to work on");
}

static void remember(struct worker *worker, const struct chunk_work *work)
{
    const struct deferred_chunk chunk = {
        .run = work->run,
        .set = work->set,
        .number = stored_chunks_number(work->run, work->first_place),
        .first_exposure = work->first_exposure,
    };
    worker_remember_deferred(worker, &chunk, work->analysis, work->in_layer, work->n_frames);
}

void worker_process_chunk(struct worker *worker, struct chunk *chunk)
{
    struct run *const run = chunk->run;
    PROBE3(chunk_claimed, worker->index, chunk->first_place, chunk->capacity);
    worker_take_run(worker, run);
    if (worker_make_room(worker, run) < 0) {
        pass_over(worker, run, chunk);
    } else {
        struct chunk_work work = {
            .run = run,
            .set = chunk->set,
            .analysis = chunk->extra ? ANALYSE_NOW : worker_plan_analysis(worker, run),
            .first_place = chunk->first_place,
        };
        const bool chunk_is_extra = chunk->extra;
        work.recorded = worker->sink->wants(worker->sink->data, run);
        memset(worker->present, 0, (size_t)run->chunk_frames * run->n_layers);
        worker_tap_begin(worker);
        if (chunk_is_extra)
            process_extra_chunk(worker, chunk);
        else
            process_placed_chunk(worker, &work, chunk);
        if (is_deferred(&work))
            remember(worker, &work);
        else if (!chunk_is_extra)
            settle(worker, &work);
    }
    worker_merge_if_asked(worker);
    run_drop_pending(run, worker->sink);
}
