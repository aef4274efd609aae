#pragma once

#include "daemon/publish/publisher.h"
#include "processing/run.h"

/*
 * Publishes the maps of the newest run as rows that changed, with key frames for those who come
 * late, and its patterns. Belongs to the service thread.
 */
struct result_publisher {
    struct publisher *publisher;
    struct run *run;      /* whose maps go out; holds a reference */
    uint64_t *row_counts; /* [ny]: analysed positions when the row was last sent */
    uint64_t n_rows;
    uint64_t key_ns;       /* monotonic time of the last key frame */
    uint64_t generation;   /* of subscriptions at the last key frame */
    uint32_t latest_given; /* the pattern that was sent last */
    uint64_t sum_analysed; /* frames in the sum that was sent last */
};

void result_publisher_init(struct result_publisher *results, struct publisher *publisher);
void result_publisher_finish(struct result_publisher *results);

/* From now on this run (a reference is taken). */
void result_publisher_follow(struct result_publisher *results, struct run *run);

/* Sends what changed. `final`: the run is finished, everything goes out once more. */
void result_publisher_maps(struct result_publisher *results, bool final);
void result_publisher_patterns(struct result_publisher *results, bool final);
