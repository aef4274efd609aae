#pragma once

#include "common/time_histogram.h"

/* How long the stages of a chunk's way take. One for the whole path of frames; zeroed. */
enum path_stage {
    STAGE_RESULT,   /* from a frame's arrival until its results stand in the maps; the oldest frame
                       of those that a worker takes at once; not of those that are put off */
    STAGE_COMPRESS, /* compressing a chunk */
    STAGE_WAIT,     /* a compressed chunk, until the writer takes it */
    STAGE_WRITE,    /* giving it to HDF5 */
    STAGE_FLUSH,    /* flushing the file, for readers of the growing file */
    STAGE_SYNC,     /* bringing it to the disk (fdatasync) */
    N_STAGES
};

struct stage_times {
    struct time_histogram stages[N_STAGES];
};

static inline const char *stage_name(enum path_stage stage)
{
    static const char *const names[N_STAGES] = {"result", "compress", "wait",
                                                "write",  "flush",    "sync"};
    return names[stage];
}

/* That a stage which began then (monotonic) is over now. `times` NULL: nobody counts. */
static inline void stage_times_add(struct stage_times *times, enum path_stage stage,
                                   uint64_t began_ns)
{
    if (times)
        time_histogram_add(&times->stages[stage], clock_monotonic_ns() - began_ns);
}
