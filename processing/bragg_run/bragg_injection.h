#pragma once

#include "processing/bragg/bragg_reference.h"
#include "processing/run/run.h"
#include "processing/statistics/found_rate.h"

/*
 * How often a reflection of known contrast is found in a run's own frames: into frames that were
 * classed none, read again from the file, a disk of the matched radius is added at a random place
 * of the ring, and they are classified once more. Only that true-positive rate may be quoted for an
 * experiment, for it has the run's dose, speckle and detector.
 *
 * The disk's pixels get electrons by the Poisson law, contrast times the frame's background in the
 * mean; an electron counts in 1 to 4 pixels of a 2 x 2 square as often as makes the variance of a
 * disk's counts F times their mean. Every frame has its own numbers: the outcome does not depend on
 * order or threads.
 */
#define BRAGG_INJECTIONS_MAX 32

struct bragg_injection {
    struct run *run; /* with classes that are not provisional */
    unsigned n_contrasts;
    /* Contrasts in, the rest out: found is within max(2 pixels, R_d / 2). */
    struct found_rate rates[BRAGG_INJECTIONS_MAX];
    double overdispersion; /* out: variance over mean of the counts put in; NAN: there were none */
    uint64_t max_frames;   /* frames taken, evenly spread over the run */
    bool waits;            /* for frames that are still on their way to the file (frame_sweep.h) */
    unsigned n_threads;
};

/* -ENODATA with a sentence: the run has no final classes, or no frame without reflections; -ENOENT,
 * -EIO, -ENOMEM. Blocks. */
int bragg_injection_test(struct bragg_injection *injection, struct error *error);

/*
 * The same for the run's least contrast (contrast_min), kept with the run (run_bragg_found): the
 * rate that its headline fraction is told with. Due when it can be measured: classes are not
 * provisional and frames are in the file; else nothing is done. Blocks.
 */
bool bragg_found_is_due(const struct run *run);
int bragg_found_measure(struct run *run, struct error *error);
