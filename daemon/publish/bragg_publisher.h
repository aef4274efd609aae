#pragma once

#include "daemon/publish/publisher.h"
#include "processing/run/run.h"

/*
 * Publishes the Bragg reflections of a run: those of rows of the scan (topic bragg/rows/), as
 * result_publisher.h sends rows of maps, and the statistics (bragg/summary/). What nobody wants is
 * not computed. Belongs to the service thread.
 */
struct bragg_publisher {
    uint64_t next_ns; /* monotonic: no statistics before */
};

/* All reflections of rows [first, first + count) of the run as it is seen now. */
void bragg_publisher_rows(struct publisher *publisher, const struct run *run, uint64_t first,
                          uint64_t count);

/* The statistics, `final`: of the finished run; else from time to time, so that they cost this
 * thread a small part of its time. */
void bragg_publisher_summary(struct bragg_publisher *state, struct publisher *publisher,
                             const struct run *run, bool final);
