#pragma once

#include "processing/run/run.h"

/*
 * The classes that a run's frames would have had at a lower dose: its frames are read again from
 * the file, thinned (statistics/thinning.h) and classified with the reference that they were
 * classified with. Scans of a series are compared at the dose of the lowest in this way, because
 * the smallest contrast that can be seen rises as the dose falls.
 */
struct bragg_thinning {
    struct run *run; /* compared with a kept reference */
    double keep;     /* the chance of every count */
    uint64_t seed;
    unsigned n_threads;
    /* Out: of each exposure, [n_exposures], owned. */
    uint8_t *classes; /* BRAGG_NOT_ANALYSED where there is none */
    double *contrast; /* of the strongest reflection, NAN where there is none */
    uint64_t n_exposures;
};

/*
 * Fills classes, contrast and n_exposures; bragg_thinning_finish frees them. -ENODATA with a
 * sentence: the run learned its own reference, of which thinned frames are no part; -ENOENT, -EIO,
 * -ENOMEM. Blocks.
 */
int bragg_thin(struct bragg_thinning *thinning, struct error *error);
/* Also of a zeroed one. */
void bragg_thinning_finish(struct bragg_thinning *thinning);
