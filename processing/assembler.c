#include "processing/assembler.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"

/* Numbers have six digits in every software version seen; what follows 999,999 is not published, so
 * a restart is understood. */
#define NUMBER_WRAP UINT64_C(1000000)
/* A number further ahead than this is a broken header rather than that many lost frames. */
#define MAX_JUMP (UINT64_C(1) << 22)
/* How long late frames may take after the one that should have been the last. */
#define LINGER_NS (30 * NS_PER_MS)
/* An HDR in the middle of a run is either a new run or a stray repetition; silence after it means a
 * new run that is armed. */
#define HEADER_QUIET_NS (200 * NS_PER_MS)

void assembler_finish(struct assembler *assembler)
{
    free(assembler->hdr);
    frame_set_finish(&assembler->seen);
    acquisition_plan_unref(assembler->default_plan);
    acquisition_plan_unref(assembler->next_plan);
}

/* ---- chunks ---- */

static void close_open_chunk(struct assembler *assembler)
{
    if (!assembler->open)
        return;
    ring_publish(assembler->ring, assembler->open, true);
    assembler->open = NULL;
    assembler->open_dirty = false;
}

void assembler_flush(struct assembler *assembler)
{
    if (!assembler->open || !assembler->open_dirty)
        return;
    ring_publish(assembler->ring, assembler->open, false);
    assembler->open_dirty = false;
}

static struct chunk *open_chunk(struct assembler *assembler, uint32_t capacity, bool extra,
                                int64_t first_position)
{
    struct run *const run = assembler->run;
    /* Before the chunk can be claimed: whoever finishes it takes this back. */
    atomic_fetch_add_explicit(&run->pending, 1, memory_order_relaxed);
    struct chunk *const chunk =
        ring_open_chunk(assembler->ring, run, capacity, extra, first_position);
    if (!chunk)
        atomic_fetch_sub_explicit(&run->pending, 1, memory_order_relaxed);
    return chunk;
}

/* The chunk that the place belongs to: its first position and the position after it. */
static void chunk_of_position(const struct run *run, int64_t position, int64_t *first, int64_t *end)
{
    const int64_t k = run->chunk_frames;
    if (run->scan.ny == 0) {
        *first = position / k * k;
        *end = *first + k;
        return;
    }
    const int64_t nx = run->scan.nx;
    const int64_t column = position % nx;
    const int64_t first_column = column / k * k;
    const int64_t end_column = first_column + k < nx ? first_column + k : nx;
    *first = position - column + first_column;
    *end = position - column + end_column;
}

/* Where a placed frame goes: the open chunk, a new one, or (late) one of its own. false: no room.
 */
static bool chunk_for_position(struct assembler *assembler, int64_t position, struct chunk **chunk,
                               bool *late)
{
    int64_t first, end;
    *late = false;
    if (!assembler->open || position >= assembler->open_end) {
        close_open_chunk(assembler);
        chunk_of_position(assembler->run, position, &first, &end);
        *late = first < assembler->open_end;
        if (!*late) {
            assembler->open = open_chunk(assembler, (uint32_t)(end - first), false, first);
            if (!assembler->open)
                return false;
            assembler->open_end = end;
        }
    } else {
        *late = position < assembler->open->first_position;
    }
    *chunk = *late ? open_chunk(assembler, 1, true, position) : assembler->open;
    return *chunk != NULL;
}

static void append(struct chunk *chunk, const struct mpx_message *message, uint64_t index,
                   uint64_t number, int64_t position, uint8_t flags)
{
    struct frame_slot *const slot = ring_append(chunk);
    slot->body = message->body;
    slot->body_size = (uint32_t)message->body_size;
    slot->flags = flags;
    slot->frame_index = index;
    slot->number = number;
    slot->position = position;
}

/* ---- runs ---- */

void assembler_end_run(struct assembler *assembler, enum run_end end)
{
    struct run *const run = assembler->run;
    if (!run)
        return;
    close_open_chunk(assembler);
    assembler->open_end = 0;
    assembler->quiet_end = RUN_END_NONE;
    atomic_store_explicit(&run->ended_ns, clock_realtime_ns(), memory_order_relaxed);
    atomic_store_explicit(&run->end, end, memory_order_release);
    int acquiring = RUN_ACQUIRING;
    atomic_compare_exchange_strong_explicit(&run->phase, &acquiring, RUN_FINISHING,
                                            memory_order_release, memory_order_relaxed);
    assembler->events.run_ended(assembler->events.data, run);
    ring_nudge(assembler->ring);
    assembler->run = NULL;
    run_drop_pending(run, &assembler->sink);
    run_unref(run);
}

void assembler_end_when_quiet(struct assembler *assembler, enum run_end end, uint64_t quiet_ns)
{
    if (quiet_ns == 0) {
        assembler_end_run(assembler, end);
        return;
    }
    assembler->quiet_end = end;
    assembler->quiet_ns = quiet_ns;
}

static struct acquisition_plan *take_plan(struct assembler *assembler)
{
    struct acquisition_plan *const plan = assembler->next_plan;
    assembler->next_plan = NULL;
    assembler->draining = false;
    return plan ? plan : acquisition_plan_copy(assembler->default_plan);
}

/* Remembers fields 2 to 8 of the header, which begin at geometry_at. */
static void remember_geometry(struct assembler *assembler, const struct mpx_message *message,
                              size_t geometry_at)
{
    size_t end = geometry_at;
    for (int commas = 0; end < message->body_size && commas < 7; end++)
        commas += message->body[end] == ',';
    const size_t size = end - geometry_at;
    assembler->geometry_size = size <= sizeof assembler->geometry ? size : 0;
    memcpy(assembler->geometry, message->body + geometry_at, assembler->geometry_size);
    assembler->body_size = message->body_size;
}

/* What raw frames do not tell comes with the plan of the run that they belong to or would begin. */
static uint32_t gap_of_detector(const struct assembler *assembler)
{
    const struct acquisition_plan *const plan = assembler->run         ? assembler->run->plan
                                                : assembler->next_plan ? assembler->next_plan
                                                                       : assembler->default_plan;
    return plan ? plan->detector_gap : 0;
}

static int read_format(const struct assembler *assembler, const struct mpx_message *message,
                       struct pixel_format *format, struct error *error)
{
    struct frame_header header;
    int r = frame_header_parse(&header, message->body, message->body_size, error);
    if (r < 0)
        return r;
    struct acquisition_header acquisition;
    const bool has_hdr = assembler->hdr && acquisition_header_parse(&acquisition, assembler->hdr,
                                                                    assembler->hdr_size, NULL) == 0;
    return pixel_format_from_header(format, &header, has_hdr ? &acquisition : NULL,
                                    gap_of_detector(assembler), message->body_size, error);
}

static int begin_run(struct assembler *assembler, const struct mpx_message *message,
                     size_t geometry_at)
{
    struct error error = {0};
    struct pixel_format format;
    struct acquisition_plan *plan = NULL;
    int r = read_format(assembler, message, &format, &error);
    if (r < 0)
        goto refused;
    plan = take_plan(assembler);
    r = plan ? run_create(&assembler->run, plan, &format,
                          assembler->hdr_fresh ? assembler->hdr : NULL, assembler->hdr_size,
                          assembler->n_workers, &error)
             : error_set(&error, -ENOMEM, "no memory for a run");
    acquisition_plan_unref(plan);
    if (r < 0)
        goto refused;
    remember_geometry(assembler, message, geometry_at);
    frame_set_clear(&assembler->seen);
    assembler->wrap = 0;
    assembler->next_index = 0;
    assembler->open_end = 0;
    assembler->hdr_fresh = false;
    assembler->sink.begin(assembler->sink.data, assembler->run);
    assembler->events.run_began(assembler->events.data, assembler->run);
    return 0;

refused:
    error_prefix(&error, "frame at byte %" PRIu64 " of the stream", message->offset);
    assembler->hdr_fresh = false;
    assembler->events.run_refused(assembler->events.data, &error);
    return r;
}

/* ---- frames ---- */

static void stray(struct assembler *assembler, const struct mpx_message *message)
{
    counter_add(&assembler->stray_frames, message->kind == MPX_KIND_FRAME);
    counter_add(&assembler->stray_bytes, message->body_size);
}

static bool same_format(const struct assembler *assembler, const struct mpx_message *message,
                        size_t geometry_at)
{
    if (message->body_size == assembler->body_size && assembler->geometry_size > 0 &&
        geometry_at + assembler->geometry_size <= message->body_size &&
        memcmp(message->body + geometry_at, assembler->geometry, assembler->geometry_size) == 0)
        return true;
    struct pixel_format format;
    if (read_format(assembler, message, &format, NULL) < 0)
        return false;
    const struct pixel_format *const run_format = &assembler->run->format;
    return format.width == run_format->width && format.height == run_format->height &&
           format.pixel_type == run_format->pixel_type && format.layout == run_format->layout &&
           format.data_offset == run_format->data_offset && format.packing == run_format->packing &&
           format.payload_size == run_format->payload_size;
}

static void reject(struct assembler *assembler, const struct mpx_message *message, const char *why)
{
    struct run_counts *const counts = &assembler->run->counts;
    if (counter_read(&counts->rejected) == 0)
        log_warning("ingest", "frame at byte %" PRIu64 " of the stream left out: %s",
                    message->offset, why);
    counter_add(&counts->rejected, 1);
}

/* Continues a count that began again after 999,999. Returns 0 for a number that cannot be one of
 * this run. */
static uint64_t unwrap_number(struct assembler *assembler, uint64_t number)
{
    if (number + assembler->wrap + NUMBER_WRAP / 2 < assembler->next_index &&
        number < NUMBER_WRAP / 2)
        assembler->wrap += NUMBER_WRAP;
    const uint64_t unwrapped = number + assembler->wrap;
    return unwrapped <= assembler->next_index + MAX_JUMP && unwrapped < FRAME_TABLE_MAX_FRAMES
               ? unwrapped
               : 0;
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

static bool place_extra(struct assembler *assembler, const struct mpx_message *message,
                        uint64_t index, uint64_t number, int64_t position, uint8_t flags)
{
    struct chunk *const chunk = open_chunk(assembler, 1, true, position);
    if (!chunk)
        return false;
    append(chunk, message, index, number, position, flags);
    ring_publish(assembler->ring, chunk, true);
    return true;
}

static bool place_frame(struct assembler *assembler, const struct mpx_message *message,
                        uint64_t index, uint64_t number, int64_t position)
{
    struct chunk *chunk;
    bool late;
    if (!chunk_for_position(assembler, position, &chunk, &late))
        return false;
    append(chunk, message, index, number, position, late ? FRAME_FLAG_LATE : 0);
    if (late)
        ring_publish(assembler->ring, chunk, true);
    else if (position + 1 == assembler->open_end)
        close_open_chunk(assembler);
    else
        assembler->open_dirty = true;
    return true;
}

static bool store_frame(struct assembler *assembler, const struct mpx_message *message,
                        uint64_t number, uint64_t index)
{
    struct run *const run = assembler->run;
    const int64_t position = scan_geometry_position(&run->scan, index);
    const bool duplicate = frame_set_has(&assembler->seen, index);
    bool placed;
    if (duplicate)
        placed = place_extra(assembler, message, index, number, position, FRAME_FLAG_DUPLICATE);
    else if (position >= 0)
        placed = place_frame(assembler, message, index, number, position);
    else
        placed = place_extra(assembler, message, index, number, position,
                             position == SCAN_POSITION_SKIPPED ? FRAME_FLAG_SKIPPED
                                                               : FRAME_FLAG_SURPLUS);
    if (!placed)
        return false;
    (void)frame_set_add(&assembler->seen, index);
    if (index >= assembler->next_index) {
        assembler->next_index = index + 1;
        frame_table_raise_end(run->frames, index + 1);
    }
    count_frame(&run->counts, position, duplicate);
    return true;
}

static void end_if_last(struct assembler *assembler)
{
    const struct run *const run = assembler->run;
    if (run->frames_to_come == 0 || assembler->next_index < run->frames_to_come)
        return;
    const struct run_counts *const counts = &run->counts;
    const uint64_t distinct = counter_read(&counts->received) - counter_read(&counts->duplicate);
    if (distinct >= run->frames_to_come && run->hdr)
        assembler_end_run(assembler, RUN_END_LAST);
    else
        assembler_end_when_quiet(assembler, RUN_END_LAST, LINGER_NS);
}

/* An HDR came and the run had not ended: is this frame the next of the old run, or the first of a
 * new one? */
static bool header_was_a_repetition(const struct assembler *assembler, uint64_t number)
{
    return number != 1 && number + assembler->wrap == assembler->next_index + 1;
}

static bool ready_for_run(const struct assembler *assembler, uint64_t number)
{
    if (assembler->hdr_fresh)
        return true;
    return number == 1 && !assembler->draining;
}

static bool take_frame(struct assembler *assembler, const struct mpx_message *message)
{
    uint64_t number;
    size_t geometry_at;
    if (!frame_header_number(message->body, message->body_size, &number, &geometry_at)) {
        if (assembler->run)
            reject(assembler, message, "its header has no frame number");
        else
            stray(assembler, message);
        return true;
    }
    if (assembler->run && assembler->hdr_fresh) {
        if (header_was_a_repetition(assembler, number)) {
            assembler->hdr_fresh = false;
            counter_add(&assembler->repeated_headers, 1);
        } else {
            assembler_end_run(assembler, RUN_END_NEXT_RUN);
        }
    }
    if (!assembler->run &&
        (!ready_for_run(assembler, number) || begin_run(assembler, message, geometry_at) < 0)) {
        stray(assembler, message);
        return true;
    }
    if (!same_format(assembler, message, geometry_at)) {
        reject(assembler, message, "its format is not that of the run's first frame");
        return true;
    }
    const uint64_t unwrapped = unwrap_number(assembler, number);
    if (unwrapped == 0) {
        reject(assembler, message, "its number cannot belong to this run");
        return true;
    }
    if (!store_frame(assembler, message, number, unwrapped - 1))
        return false;
    end_if_last(assembler);
    return true;
}

static void take_header(struct assembler *assembler, const struct mpx_message *message)
{
    uint8_t *const hdr = malloc(message->body_size);
    if (!hdr) {
        log_error("ingest", "no memory for the acquisition header; it is left out");
        return;
    }
    memcpy(hdr, message->body, message->body_size);
    free(assembler->hdr);
    assembler->hdr = hdr;
    assembler->hdr_size = message->body_size;
    assembler->hdr_fresh = true;
    if (!assembler->run)
        assembler->events.header(assembler->events.data);
}

bool assembler_take(struct assembler *assembler, const struct mpx_message *message)
{
    switch (message->kind) {
    case MPX_KIND_HDR:
        take_header(assembler, message);
        return true;
    case MPX_KIND_FRAME:
        return take_frame(assembler, message);
    case MPX_KIND_OTHER:
        break;
    }
    stray(assembler, message);
    return true;
}

void assembler_quiet(struct assembler *assembler, uint64_t quiet_ns)
{
    if (!assembler->run)
        return;
    if (assembler->quiet_end != RUN_END_NONE && quiet_ns >= assembler->quiet_ns) {
        assembler_end_run(assembler, assembler->quiet_end);
    } else if (assembler->hdr_fresh && quiet_ns >= HEADER_QUIET_NS) {
        assembler_end_run(assembler, RUN_END_NEXT_RUN);
        assembler->events.header(assembler->events.data);
    }
}

/* ---- plans ---- */

void assembler_expect(struct assembler *assembler, struct acquisition_plan *plan, bool drain,
                      bool link_is_busy)
{
    acquisition_plan_unref(assembler->next_plan);
    assembler->next_plan = plan;
    assembler->draining = drain && link_is_busy;
    if (drain)
        assembler->hdr_fresh = false;
}

void assembler_expect_nothing(struct assembler *assembler)
{
    acquisition_plan_unref(assembler->next_plan);
    assembler->next_plan = NULL;
    assembler->draining = false;
}
