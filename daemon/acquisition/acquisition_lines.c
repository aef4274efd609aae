#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/counter.h"
#include "common/log.h"
#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/acquisition/run_geometry.h"
#include "daemon/event.h"
#include "processing/scan/find_lines.h"

/*
 * A run whose flyback frames nobody knows is stored as a stack. Its lines are looked for in the
 * exposures of its first frames, now and then until they are found, and it is seen as a scan from
 * then on. When nobody said how many lines there are, the view grows with them.
 */

/* No line is longer; what has not shown 64 lines in so many frames has none. */
#define LONGEST_LINE 8192
#define LINES_TO_TRY 64
#define FIRST_LOOK 16

/* The first image of each exposure tells for all of them. */
static struct line_frame *copy_frames(const struct run *run, size_t n)
{
    struct line_frame *const frames = calloc(n, sizeof *frames);
    for (size_t i = 0; frames && i < n; i++) {
        const struct frame_facts *const facts = frame_table_seen(run->frames, i * run->n_layers);
        if (!facts)
            continue;
        frames[i].exposure_ns = facts->exposure_ns;
        frames[i].timestamp_ns = facts->timestamp_ns;
    }
    return frames;
}

static uint64_t lines_in(const struct scan_geometry *scan, uint64_t frames)
{
    const uint64_t line = (uint64_t)scan->nx + scan->skip_line;
    const uint64_t with_last_flyback = frames + scan->skip_line;
    return line > 0 && with_last_flyback > scan->skip_start
               ? (with_last_flyback - scan->skip_start) / line
               : 0;
}

static bool is_over(const struct run *run)
{
    return atomic_load_explicit(&run->phase, memory_order_acquire) == RUN_FINISHED;
}

/*
 * How many lines the view has: as many as were asked for, or as the frames to come make; else, with
 * room to grow, those that are there, and when the run is over just these.
 */
static uint32_t choose_ny(struct acquisition *acquisition, const struct scan_geometry *scan)
{
    const struct run *const run = acquisition->run;
    const uint64_t there = lines_in(scan, frame_table_end(run->frames));
    uint64_t ny = run->plan->scan.ny;
    if (ny == 0 && run->frames_to_come > 0)
        ny = lines_in(scan, run->frames_to_come);
    acquisition->lines.grown_to = 0;
    if (ny == 0) {
        ny = there;
        if (!is_over(run))
            ny = 2 * there > scan->nx ? 2 * there : scan->nx;
        acquisition->lines.grown_to = ny;
    }
    return ny > UINT32_MAX ? UINT32_MAX : ny > 0 ? (uint32_t)ny : 1;
}

static void see_lines(struct acquisition *acquisition, struct scan_geometry *scan)
{
    struct error error = {0};
    scan->ny = choose_ny(acquisition, scan);
    if (scan_geometry_check(scan, &error) < 0 ||
        acquisition_see_as(acquisition, scan, "exposures", &error) < 0)
        log_error("acquisition", "the lines of run %s were found, but cannot be shown: %s",
                  acquisition->run->plan->id, error.text);
}

/* Whoever sees the run through a geometry of their own does not want ours. */
static bool is_ours(const struct acquisition *acquisition)
{
    const struct run_view *const view = run_view(acquisition->run);
    return view->version == 1 || (view->source && strcmp(view->source, "exposures") == 0);
}

static void grow(struct acquisition *acquisition)
{
    const struct run *const run = acquisition->run;
    struct scan_geometry scan = *run_scan(run);
    const uint64_t there = lines_in(&scan, frame_table_end(run->frames));
    const bool over = is_over(run);
    if (there > acquisition->lines.grown_to || (over && there != acquisition->lines.grown_to))
        see_lines(acquisition, &scan);
    if (over)
        acquisition->lines.grown_to = 0;
}

static void give_up(struct acquisition *acquisition, const struct error *error)
{
    acquisition->lines.done = true;
    event_publish(&acquisition->observer, "geometry", acquisition->run,
                  json_pack("{s:o}", "geometry", run_view_json(run_view(acquisition->run))),
                  "no lines were found, the run stays a stack of frames: %s; tell them with "
                  "\"merlinctl geometry\"",
                  error->text);
}

static void look(struct acquisition *acquisition, uint64_t end)
{
    const struct run *const run = acquisition->run;
    const uint32_t nx = run->plan->scan.nx;
    const uint64_t limit = (uint64_t)LINES_TO_TRY * (nx > 0 ? 2 * (uint64_t)nx : LONGEST_LINE);
    const size_t n = end < limit ? end : limit;
    struct line_frame *const frames = copy_frames(run, n);
    struct found_lines found = {0};
    struct error error = {0};
    const int r = frames ? find_lines(&found, frames, n, nx, &error)
                         : error_set(&error, -ENOMEM, "no memory for %zu frames", n);
    free(frames);
    acquisition->lines.looked_at = end;
    if (r == 0) {
        struct scan_geometry scan = {
            .order = run->plan->scan.order,
            .nx = found.nx,
            .skip_start = found.skip_start,
            .skip_line = found.skip_line,
        };
        acquisition->lines.done = true;
        see_lines(acquisition, &scan);
    } else if (end >= limit || is_over(run)) {
        give_up(acquisition, &error);
    }
}

void acquisition_find_lines(struct acquisition *acquisition)
{
    const struct run *const run = acquisition->run;
    if (!run || !run->plan->find_lines)
        return;
    if (!is_ours(acquisition))
        return;
    if (acquisition->lines.done) {
        if (acquisition->lines.grown_to > 0)
            grow(acquisition);
        return;
    }
    /* Twice as many frames each time: all looks together cost as much as two of the last. */
    const uint64_t end = frame_table_end(run->frames);
    const bool due = end >= FIRST_LOOK && end >= 2 * acquisition->lines.looked_at;
    if (due || is_over(run))
        look(acquisition, end);
}
