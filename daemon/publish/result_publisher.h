#pragma once

#include "daemon/publish/bragg_publisher.h"
#include "daemon/publish/publisher.h"
#include "processing/run/run.h"

/*
 * Publishes the maps of the newest run as rows that changed, with key frames for those who come
 * late and whenever the run is seen through another geometry, and its patterns and profiles.
 * Belongs to the service thread.
 */
struct result_publisher {
    struct publisher *publisher;
    struct run *run;      /* whose results go out; holds a reference */
    uint64_t *row_counts; /* [n_rows]: analysed images of all layers when the row was last sent */
    uint64_t n_rows;      /* of all passes */
    struct bragg_publisher bragg;
    uint32_t view_version, set_version; /* that row_counts belong to */
    uint64_t key_ns;                    /* monotonic time of the last key frame */
    uint64_t generation;                /* of subscriptions at the last key frame */
    uint64_t maps_analysed;             /* images in the maps that were sent last */
    uint64_t swept_to;        /* unending scans: exposures whose rows were sent last, up to here */
    uint64_t arrays_analysed; /* images in the arrays that were sent last */
    uint32_t latest_given[RUN_MAX_LAYERS]; /* the patterns that were sent last */
};

void result_publisher_init(struct result_publisher *results, struct publisher *publisher);
void result_publisher_finish(struct result_publisher *results);

/* From now on this run (a reference is taken). */
void result_publisher_follow(struct result_publisher *results, struct run *run);

/* Sends what changed. `final`: the run is finished, everything goes out once more. */
void result_publisher_maps(struct result_publisher *results, bool final);
/* Rows of a scan that have become whole since the last time and were not sent yet, each at once
 * (results.immediate): cheap when there is none. */
void result_publisher_whole_rows(struct result_publisher *results);

void result_publisher_arrays(struct result_publisher *results, bool final);

/* Does anybody want a pattern or a profile of this run? */
bool result_publisher_arrays_wanted(const struct result_publisher *results);
