#pragma once

#include "processing/run.h"

/*
 * Maps of a run as arrays of numbers to compute with: double [ny][nx] of one pass of the scan, as
 * the run is seen now, NaN where nothing was measured. Service thread.
 */

/* What is computed on request takes its maps from at most so many positions: it holds the service
 * thread up, see daemon/control/analysis.h. */
#define MAP_VALUES_MAX_POSITIONS (UINT64_C(1) << 20)

/* One pass of the scan as it is seen at this moment; a stack grows, so its size is taken once. */
struct map_pass {
    uint64_t pass, passes; /* pass < passes; 0 and 1 without repeats */
    uint32_t ny, nx;
};

#define MAP_PASS_NEWEST (-1)

/*
 * `wanted`: of the passes from 0 on, or MAP_PASS_NEWEST, the newest one that has analysed frames of
 * the first layer. Returns 0, or with a sentence -EFBIG: more positions than above; -ERANGE: there
 * is no such pass; -ENODATA: nothing was measured yet.
 */
int map_pass_choose(struct map_pass *chosen, const struct run *run, int64_t wanted,
                    struct error *error);

/* A map by its name, LAYER/NAME included; values[ny][nx] is the caller's to free. -ENOENT with a
 * sentence: there is no such map; -ENOMEM. */
int map_values_read(double **values, const struct run *run, const struct map_pass *pass,
                    const char *name, struct error *error);
