#include "processing/run/stall_lines.h"

#include <string.h>

#include "processing/run/run.h"

/* Shorter ones have no inside to compare with. */
#define SHORTEST_LINE 3

/* Exposures of the whole run, 0: unknown or without end. */
static uint64_t whole_scan(const struct run *run)
{
    return run->frames_to_come ? run->frames_to_come : scan_geometry_frames(&run->scan);
}

static enum stall_trigger trigger_of(const struct run *run)
{
    const char *const start = run->acquisition.trigger_start;
    const uint64_t burst = run->acquisition.frames_per_trigger, whole = whole_scan(run);
    if (!run->hdr || start[0] == '\0')
        return STALL_TRIGGER_UNKNOWN;
    if (strcmp(start, "Internal") == 0)
        return STALL_TRIGGER_INTERNAL;
    if (burst <= 1) /* 0 is what some servers say of single frames */
        return STALL_TRIGGER_FRAMES;
    return whole > 0 && burst >= whole ? STALL_TRIGGER_INTERNAL : STALL_TRIGGER_BURSTS;
}

static enum stall_readout readout_of(const struct run *run)
{
    const char *const counters = run->acquisition.active_counters;
    if (!run->hdr || counters[0] == '\0')
        return STALL_READOUT_UNKNOWN;
    return strcmp(counters, "Alternating") == 0 ? STALL_READOUT_CONTINUOUS : STALL_READOUT_SINGLE;
}

void stall_lines_init(struct stall_lines *lines, const struct run *run)
{
    *lines = (struct stall_lines){
        .trigger = trigger_of(run),
        .readout = readout_of(run),
        .looked_for = run->plan->find_lines,
    };
    if (lines->trigger == STALL_TRIGGER_BURSTS)
        lines->burst = run->acquisition.frames_per_trigger;
    (void)stall_lines_follow(lines, run);
}

static bool has_lines(const struct scan_geometry *scan)
{
    return scan->ny > 0 && scan->order != SCAN_ORDER_LIST &&
           (uint64_t)scan->nx + scan->skip_line >= SHORTEST_LINE;
}

/* The lines begin at the same frames. Their number grows while a scan's end is unknown. */
static bool same_lines(const struct scan_geometry *a, const struct scan_geometry *b)
{
    return (a->ny > 0) == (b->ny > 0) && a->nx == b->nx && a->skip_line == b->skip_line &&
           a->skip_start == b->skip_start && a->shift == b->shift;
}

bool stall_lines_follow(struct stall_lines *lines, const struct run *run)
{
    const struct scan_geometry *const seen = run_scan(run);
    struct scan_geometry scan = has_lines(seen) ? *seen : run->scan;
    if (!has_lines(&scan))
        scan = (struct scan_geometry){.skip_start = seen->skip_start, .shift = seen->shift};
    const bool changed = !same_lines(&scan, &lines->scan);
    lines->scan = scan;
    lines->scan.list = NULL;
    if (scan.ny > 0)
        lines->found_length = 0;
    return changed;
}

bool stall_lines_unknown(const struct stall_lines *lines)
{
    return lines->scan.ny == 0 && lines->found_length == 0 &&
           (lines->looked_for || lines->trigger == STALL_TRIGGER_FRAMES ||
            lines->trigger == STALL_TRIGGER_UNKNOWN);
}

static enum stall_place flyback_place(uint64_t nth)
{
    const uint64_t place = STALL_PLACE_FLYBACK + nth;
    return place < STALL_PLACES ? (enum stall_place)place : STALL_PLACE_OUTSIDE;
}

static enum stall_place found_place(const struct stall_lines *lines, uint64_t frame_index)
{
    const uint64_t length = lines->found_length;
    const uint64_t column = (frame_index + length - lines->found_first) % length;
    return column < lines->found_n ? flyback_place(column) : STALL_PLACE_INNER;
}

static enum stall_place scan_place(const struct scan_geometry *scan, uint64_t frame_index)
{
    const int64_t time = (int64_t)frame_index - ((int64_t)scan->skip_start + scan->shift);
    if (time < 0)
        return STALL_PLACE_OUTSIDE;
    if (scan->ny == 0)
        return STALL_PLACE_INNER;
    const uint64_t length = (uint64_t)scan->nx + scan->skip_line;
    const uint64_t in_pass = (uint64_t)time % scan_geometry_pass_frames(scan);
    const uint64_t column = in_pass % length;
    if (in_pass / length >= scan->ny)
        return STALL_PLACE_OUTSIDE;
    if (column >= scan->nx)
        return flyback_place(column - scan->nx);
    if (column == 0)
        return STALL_PLACE_FIRST;
    return column == scan->nx - 1 ? STALL_PLACE_LAST : STALL_PLACE_INNER;
}

enum stall_place stall_lines_place(const struct stall_lines *lines, uint64_t frame_index)
{
    if (lines->trigger == STALL_TRIGGER_BURSTS) {
        const uint64_t in_burst = frame_index % lines->burst;
        if (in_burst == 0)
            return STALL_PLACE_BURST_FIRST;
        if (in_burst == lines->burst - 1)
            return STALL_PLACE_BURST_LAST;
    }
    if (lines->found_length > 0)
        return found_place(lines, frame_index);
    return scan_place(&lines->scan, frame_index);
}

bool stall_lines_shifted(const struct stall_lines *lines, const struct run *run,
                         uint64_t frame_index, uint64_t *from)
{
    const uint64_t whole = whole_scan(run);
    switch (lines->trigger) {
    case STALL_TRIGGER_BURSTS:
        *from = (frame_index / lines->burst + 1) * lines->burst;
        break;
    case STALL_TRIGGER_FRAMES:
        *from = frame_index + 1;
        break;
    default:
        return false;
    }
    return whole == 0 || *from < whole;
}
