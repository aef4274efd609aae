#include "detector/sim/scan_path.h"

#include <math.h>

/* A frame's place in the rhythm of passes and lines. */
struct step {
    uint64_t pass, line; /* line: ny while the pass ends */
    uint64_t column;     /* of the line, from 0; nx and more: flyback */
};

static uint64_t line_frames(const struct scan_path *path)
{
    return (uint64_t)path->nx + path->flyback;
}

uint64_t scan_path_pass_frames(const struct scan_path *path)
{
    return path->ny * line_frames(path) + path->skip_end;
}

uint64_t scan_path_first_pass_frames(const struct scan_path *path)
{
    return path->skip_start + scan_path_pass_frames(path);
}

/* False: before the first line. */
static bool find_step(const struct scan_path *path, uint64_t index, struct step *step)
{
    if (index < path->skip_start)
        return false;
    const uint64_t in_scan = index - path->skip_start;
    const uint64_t in_pass = in_scan % scan_path_pass_frames(path);
    const uint64_t line = in_pass / line_frames(path);
    step->pass = in_scan / scan_path_pass_frames(path);
    step->line = line < path->ny ? line : path->ny;
    step->column = in_pass - step->line * line_frames(path);
    return true;
}

/* `at` moved back by so many passes' drift, inside [0, n). */
static uint64_t drifted(uint64_t at, uint64_t pass, int32_t drift, uint32_t n)
{
    const int64_t back = (int64_t)(pass % n) * (drift % (int64_t)n);
    const int64_t moved = ((int64_t)at - back) % (int64_t)n;
    return (uint64_t)(moved < 0 ? moved + n : moved);
}

bool scan_path_position(const struct scan_path *path, uint64_t index, uint64_t *position)
{
    struct step step;
    if (!find_step(path, index, &step) || step.line == path->ny || step.column >= path->nx)
        return false;
    const bool backwards = path->serpentine && step.line % 2 == 1;
    const uint64_t column = backwards ? path->nx - 1 - step.column : step.column;
    *position = drifted(step.line, step.pass, path->drift_y, path->ny) * path->nx +
                drifted(column, step.pass, path->drift_x, path->nx);
    return true;
}

static uint64_t longer(double factor, uint64_t exposure_ns)
{
    return factor > 1 ? (uint64_t)llround((factor - 1) * (double)exposure_ns) : 0;
}

void scan_path_stretch(const struct scan_path *path, uint64_t index, uint64_t exposure_ns,
                       uint64_t *longer_ns, uint64_t *later_ns)
{
    const uint64_t line_ns = longer(path->line_exposure, exposure_ns);
    const uint64_t flyback_ns = longer(path->flyback_exposure, exposure_ns);
    struct step step;
    *longer_ns = *later_ns = 0;
    if ((!line_ns && !flyback_ns) || !find_step(path, index, &step))
        return;
    const bool in_line = step.line < path->ny;
    const uint64_t lines = step.pass * path->ny + step.line; /* those that are over */
    uint64_t begun = lines, flown = lines * path->flyback;   /* before this frame */
    if (in_line) {
        begun += step.column > 0;
        flown += step.column > path->nx ? step.column - path->nx : 0;
        *longer_ns = step.column == 0 ? line_ns : step.column >= path->nx ? flyback_ns : 0;
    }
    *later_ns = begun * line_ns + flown * flyback_ns;
}
