#pragma once

#include "daemon/logbook/logbook.h"
#include "processing/run/run.h"

/*
 * A series for one run: its samples by time, and its value at the middle of each exposure: linear
 * between two samples, that of the nearest one before the first and after the last. Times of frames
 * are the detector's clock, moved by what that and our own clock differed when the run began: its
 * first frame came when its exposure was over. NaN: the frame did not come, or tells no time.
 */
struct series_values {
    size_t n;
    uint64_t *times; /* UNIX time, ns, rising */
    double *values;
    uint64_t n_frames; /* exposures */
    double *frames;
};

/* Samples from number `first` to `end` of the logbook. -ENOMEM; finish is to be called after 0
 * only. */
int series_values_make(struct series_values *values, struct logbook *logbook, unsigned which,
                       uint64_t first, uint64_t end, const struct run *run);
void series_values_finish(struct series_values *values);
