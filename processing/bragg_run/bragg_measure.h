#pragma once

#include "processing/bragg/bragg_learner.h"
#include "processing/products/annulus_counts.h"
#include "processing/run/run.h"

/*
 * A reference measured on the frames of a run, read again from its file: first a sum of them (where
 * nobody has one), then passes that leave out what holds reflections and measure the noise
 * (bragg_learner.h). It depends on the frames alone, not on the number of threads.
 */
struct bragg_measuring {
    struct run *run;
    struct bragg_settings settings;                /* complete */
    const uint8_t *bad;                            /* [height][width], NULL: none */
    double counts_min, counts_max;                 /* bragg_plan.h */
    const struct bragg_learner *sum;               /* of the frames; NULL: they are summed here */
    bool (*wanted)(void *data, uint64_t exposure); /* NULL: all frames */
    void *data;                                    /* for wanted; any thread */
    bool waits;                                    /* for chunks on their way to the file */
    unsigned n_threads;
};

/* -ENODATA with a sentence: there are no frames to learn from; -EINVAL, -ENOTSUP, -EIO, -ENOENT,
 * -ENOMEM. Blocks for as long as reading all frames takes, twice or three times. */
int bragg_measure(const struct bragg_measuring *measuring, struct bragg_reference **reference,
                  struct error *error);
