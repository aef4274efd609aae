#include "processing/scan/placement.h"

#include <inttypes.h>

#include "common/counter.h"
#include "common/log.h"
#include "common/probe.h"

/* ---- chunks ---- */

static void close_open_chunk(struct placement *placement)
{
    if (!placement->open)
        return;
    ring_publish(placement->ring, placement->open, true);
    placement->open = NULL;
    placement->open_dirty = false;
}

void placement_flush(struct placement *placement)
{
    if (!placement->open || !placement->open_dirty)
        return;
    ring_publish(placement->ring, placement->open, false);
    placement->open_dirty = false;
}

static void note_first_frame(struct product_set *set, uint64_t frame_index)
{
    if (atomic_load_explicit(&set->first_frame, memory_order_relaxed) == UINT64_MAX)
        atomic_store_explicit(&set->first_frame, frame_index, memory_order_relaxed);
}

/* A chunk of the newest products, which are used from this frame on when they are new. */
static struct chunk *open_chunk(struct placement *placement, uint64_t frame_index,
                                uint32_t capacity, bool extra, int64_t first_place)
{
    struct run *const run = placement->run;
    struct product_set *const set = atomic_load_explicit(&run->set, memory_order_acquire);
    /* Before the chunk can be claimed: whoever finishes it takes this back. */
    atomic_fetch_add_explicit(&run->pending, 1, memory_order_relaxed);
    if (!extra)
        epochs_open(&run->epochs, frame_index);
    struct chunk *const chunk =
        ring_open_chunk(placement->ring, run, set, capacity, extra, first_place);
    if (chunk) {
        note_first_frame(set, frame_index);
        return chunk;
    }
    if (!extra)
        epochs_open_failed(&run->epochs, frame_index);
    atomic_fetch_sub_explicit(&run->pending, 1, memory_order_relaxed);
    return NULL;
}

/* Where a placed frame goes: the open chunk, a new one, or (late) one of its own. false: no room.
 */
static bool chunk_for(struct placement *placement, const struct arrival *arrival,
                      struct chunk **chunk, bool *late)
{
    const struct run *const run = placement->run;
    struct scan_chunk where;
    scan_geometry_chunk(&run->scan, run->chunk_frames, arrival->index, &where);
    *late = false;
    if (placement->open && where.order == placement->open_order) {
        *chunk = placement->open;
        return true;
    }
    if (where.order < placement->next_order) {
        *late = true;
        *chunk = open_chunk(placement, arrival->index, 1, true, arrival->position);
        return *chunk != NULL;
    }
    close_open_chunk(placement);
    *chunk = placement->open =
        open_chunk(placement, arrival->index, where.n * run->n_layers, false, where.first_place);
    if (!*chunk)
        return false;
    placement->open_order = where.order;
    placement->next_order = where.order + 1;
    return true;
}

static void append(const struct placement *placement, struct chunk *chunk,
                   const struct arrival *arrival, uint8_t flags)
{
    struct frame_slot *const slot = ring_append(chunk);
    slot->body = arrival->message->body;
    slot->body_size = (uint32_t)arrival->message->body_size;
    slot->flags = flags;
    slot->layer = (uint8_t)arrival->layer;
    slot->arrival = counter_read(&placement->run->counts.received);
    slot->arrived_ns = counter_read(&placement->run->last_frame_ns);
    slot->frame_index = arrival->index;
    slot->number = arrival->number;
    slot->position = arrival->position;
    slot->place = arrival->position >= 0
                      ? scan_geometry_place(&placement->run->scan, arrival->index)
                      : arrival->position;
    PROBE3(frame_received, slot->frame_index + 1, slot->layer, slot->body_size);
}

static bool place_extra(struct placement *placement, const struct arrival *arrival, uint8_t flags)
{
    struct chunk *const chunk = open_chunk(placement, arrival->index, 1, true, arrival->position);
    if (!chunk)
        return false;
    append(placement, chunk, arrival, flags);
    ring_publish(placement->ring, chunk, true);
    return true;
}

static bool place_frame(struct placement *placement, const struct arrival *arrival)
{
    struct chunk *chunk;
    bool late;
    if (!chunk_for(placement, arrival, &chunk, &late))
        return false;
    append(placement, chunk, arrival, late ? FRAME_FLAG_LATE : 0);
    if (late)
        ring_publish(placement->ring, chunk, true);
    else if (chunk->n_appended == chunk->capacity)
        close_open_chunk(placement);
    else
        placement->open_dirty = true;
    return true;
}

/* ---- frames ---- */

/* Which image of the run: a bit of `seen`. */
static uint64_t image_index(const struct run *run, const struct arrival *arrival)
{
    return arrival->index * run->n_layers + arrival->layer;
}

/* Of an unending scan only the newest frame is known. */
static bool is_duplicate(const struct placement *placement, const struct arrival *arrival)
{
    if (placement->run->recycle)
        return arrival->index + (placement->run->n_layers > 1) < placement->next_index;
    return frame_set_has(&placement->seen, image_index(placement->run, arrival));
}

/* It is taken all the same: only one that comes twice would be recorded twice. */
static void tell_forgotten(struct placement *placement, const struct arrival *arrival)
{
    if (!placement->forgets)
        log_error("ingest",
                  "run %s: no memory to remember which frames have come: from frame %" PRIu64
                  " on those that come twice are taken for new ones",
                  placement->run->plan->id, arrival->index + 1);
    placement->forgets = true;
}

static void remember_frame(struct placement *placement, const struct arrival *arrival)
{
    if (!placement->run->recycle &&
        frame_set_add(&placement->seen, image_index(placement->run, arrival)) < 0)
        tell_forgotten(placement, arrival);
    if (arrival->index < placement->next_index)
        return;
    placement->next_index = arrival->index + 1;
    frame_table_raise_end(placement->run->frames, arrival->index + 1);
}

static void count_frame(struct run_counts *counts, int64_t position, bool duplicate)
{
    counter_add(&counts->received, 1);
    if (duplicate)
        counter_add(&counts->duplicate, 1);
    else if (position >= 0)
        counter_add(&counts->placed, 1);
    else if (position == SCAN_POSITION_SKIPPED)
        counter_add(&counts->skipped, 1);
    else
        counter_add(&counts->surplus, 1);
}

bool placement_store(struct placement *placement, struct arrival *arrival)
{
    struct run *const run = placement->run;
    arrival->position = scan_geometry_position(&run->scan, arrival->index);
    const bool duplicate = is_duplicate(placement, arrival);
    bool placed;
    if (duplicate)
        placed = place_extra(placement, arrival, FRAME_FLAG_DUPLICATE);
    else if (arrival->position >= 0)
        placed = place_frame(placement, arrival);
    else
        placed = place_extra(placement, arrival,
                             arrival->position == SCAN_POSITION_SKIPPED ? FRAME_FLAG_SKIPPED
                                                                        : FRAME_FLAG_SURPLUS);
    if (!placed)
        return false;
    remember_frame(placement, arrival);
    count_frame(&run->counts, arrival->position, duplicate);
    return true;
}

/* ---- runs ---- */

void placement_begin(struct placement *placement, struct run *run)
{
    placement->run = run;
    frame_set_clear(&placement->seen);
    placement->forgets = false;
    placement->next_index = 0;
    placement->next_order = 0;
}

void placement_close(struct placement *placement)
{
    close_open_chunk(placement);
    placement->run = NULL;
}

void placement_finish(struct placement *placement)
{
    frame_set_finish(&placement->seen);
}
