#pragma once

#include "processing/bragg/bragg_classifier.h"
#include "processing/statistics/proportion.h"
#include "tests/bench/bragg/cell.h"
#include "tests/bench/bragg/peers.h"

/*
 * What the classifier (and, as orientation, others) made of one cell. A reference is learnt from
 * frames of which a part has reflections, refined twice, and then fixed; all counts are of other
 * frames.
 */

struct rate {
    unsigned found, n;
};

#define TRIAL_CONTRASTS 7
extern const double trial_contrasts[TRIAL_CONTRASTS];

struct trial_size {
    unsigned reference, null;      /* frames */
    unsigned thresholds, lattices; /* of each contrast */
    unsigned classes;              /* of each class */
    unsigned peers;                /* at most, of those for other ways; 0: they are not asked */
};

struct trial {
    unsigned positions;  /* where a matched disk is looked for */
    double v_disk[2];    /* V of a matched disk on the ring: as it is, and as learnt */
    double contrast_90;  /* that should be found with 90 %: section 2.5 of the design */
    struct rate null[2]; /* false alarms, by phase */
    struct rate found[TRIAL_CONTRASTS], found_90; /* two-beam frames that are not classed none */
    unsigned confusion[GLASS_CLASSES][GLASS_CLASSES]; /* true, found */
    struct rate on_axis[TRIAL_CONTRASTS];             /* lattices that are classed on-axis */
    double class_contrast[2];                         /* least and largest of those frames */

    /* reflections of the frames with classes, and of what was found in them */
    struct rate recall, precision;
    double squares, expected_squares; /* of the distance, pixels: mean, and by the formula */
    unsigned matched;
    struct rate within; /* coordinates within 1.96 sigma */

    struct rate peer_null[PEERS], peer_found[PEERS][TRIAL_CONTRASTS];
};

/* -errno and a sentence when the cell cannot be classified at all. */
int trial_run(struct trial *trial, const struct cell *cell, const struct trial_size *size,
              struct error *error);

/* Both phases together. */
struct rate trial_null(const struct trial *trial);

/* 95 %, Clopper-Pearson. */
struct interval rate_interval(struct rate rate);
double rate_value(struct rate rate);

/* Part of the class frames that are classed as what they are, of the class that fares worst. */
struct rate trial_diagonal(const struct trial *trial);
