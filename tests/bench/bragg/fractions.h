#pragma once

#include <stdio.h>

#include "common/error.h"

/*
 * What becomes of the errors of single patterns in the numbers that are published: the fraction of
 * patterns with reflections of at least a contrast, and its interval.
 */

#define FRACTIONS_CONDITIONS                                                                       \
    6                      /* dose 0.5, 1 and 1.5 of the reference's; thickness 1 and 1 to 2       \
                            */
#define FRACTIONS_TRUTHS 5 /* 0, 10, 40, 90 and 100 % */
#define FRACTIONS_MEANS 3  /* 0.1, 0.4 and 0.9 */

/* Scans of one film with this part of BR patterns. */
struct fraction {
    double dose, thickness, truth, found;
};

/* Simulated scans of 10 x 10 whose truth is correlated over three steps and varies between scans:
 * how many of their intervals cover it. */
struct covering {
    double mean;
    unsigned single, n_single;   /* scans: each its own chance */
    unsigned grouped, n_grouped; /* eight scans together: the mean of all scans there could be */
};

struct fractions {
    double counts;         /* per pixel on the ring, of the reference */
    double contrast[2];    /* of the reflections */
    double least_contrast; /* rho_0: reflections of less do not count */
    unsigned n_frames;     /* of each fraction */
    struct fraction fraction[FRACTIONS_CONDITIONS * FRACTIONS_TRUTHS];
    double false_rate, true_rate; /* that the scans have */
    struct covering covering[FRACTIONS_MEANS];
};

/* n_frames: of each fraction; n_scans: simulated ones. -errno and a sentence. */
int fractions_measure(struct fractions *fractions, unsigned n_frames, unsigned n_scans,
                      struct error *error);

/* The largest |found - truth|. */
double fractions_bias(const struct fractions *fractions);

/* A table, and a member "fractions" of a JSON object with the comma before it. */
void fractions_report(FILE *file, const struct fractions *fractions);
void fractions_json(FILE *file, const struct fractions *fractions);
