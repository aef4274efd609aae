#pragma once

#include "processing/products/bragg_product.h"
#include "processing/run/run.h"

/*
 * Positions that somebody drew as no part of the film (vacuum, a hole, the cap), in every pass.
 * Frames are classified all the same; whoever looks at their Bragg reflections through these
 * functions finds them excluded. Immutable, the newest counts; older ones stay until the run is
 * freed.
 */
struct run_excluded {
    struct scan_geometry scan; /* in which they were drawn; holds a reference of its list */
    uint64_t n;                /* positions of one pass of it */
    uint8_t *mask;             /* [n]: not 0 is excluded */
    char *regions;             /* as they were drawn, JSON */
    struct run_excluded *older;
};

/*
 * Excludes what `mask` [n] does, positions of a pass of the run as it is seen now, and nothing that
 * was excluded before; mask NULL: nothing. Copies mask and text. -ENOMEM. Service thread only.
 */
int run_exclude(struct run *run, const uint8_t *mask, uint64_t n, const char *regions);

/* The newest; NULL: nothing is excluded. Any thread, as the following. */
const struct run_excluded *run_excluded(const struct run *run);
bool run_excludes(const struct run *run, uint64_t frame);

/* bragg_product_look with what is excluded. */
bool run_bragg_look(const struct run *run, const struct product *product, uint64_t exposure,
                    struct bragg_found *found);

/* When the run is freed. */
void run_excluded_finish(struct run *run);
