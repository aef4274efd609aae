#pragma once

#include "processing/run/run.h"

/*
 * Maps of a run as arrays of numbers to compute with: double [ny][nx] of one pass of the scan, as
 * the run is seen through a view, NaN where nothing was measured. Any thread.
 */

/* What is computed on request takes its maps from at most so many positions: 0.1 to 0.5 s of work.
 */
#define MAP_VALUES_MAX_POSITIONS (UINT64_C(1) << 20)

/* One pass of the scan through one view; a stack grows, so its size is taken once. */
struct map_pass {
    const struct run_view *view; /* valid as long as the run */
    uint64_t pass, passes;       /* pass < passes; 0 and 1 without repeats */
    uint32_t ny, nx;
};

#define MAP_PASS_NEWEST (-1)

/*
 * `view`: NULL: the newest. `wanted`: of the passes from 0 on, or MAP_PASS_NEWEST, the newest one
 * that has analysed frames of the first layer. Returns 0, or with a sentence -EFBIG: more positions
 * than above; -ERANGE: there is no such pass; -ENODATA: nothing was measured yet.
 */
int map_pass_choose(struct map_pass *chosen, const struct run *run, const struct run_view *view,
                    int64_t wanted, struct error *error);

/* The same of any size, and a pass that has begun, whether something of it was analysed or not. */
int map_pass_begun(struct map_pass *chosen, const struct run *run, const struct run_view *view,
                   int64_t wanted, struct error *error);

/* A map by its name, LAYER/NAME included; values[ny][nx] is the caller's to free. -ENOENT with a
 * sentence: there is no such map; -ENOMEM. */
int map_values_read(double **values, const struct run *run, const struct map_pass *pass,
                    const char *name, struct error *error);
