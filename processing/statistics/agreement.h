#pragma once

#include <stdint.h>

#include "common/error.h"
#include "processing/statistics/class_counts.h"
#include "processing/statistics/proportion.h"

/*
 * How far a classifier and a person agree on the same frames, which the person should have judged
 * without knowing what the classifier said.
 */
struct agreement {
    uint64_t n;                                     /* frames that both judged */
    uint64_t confusion[SCAN_CLASSES][SCAN_CLASSES]; /* [person][classifier] */
    double observed;                                /* fraction on the diagonal */
    /* (observed - chance) / (1 - chance), chance = sum of products of the margins (Cohen, Educ.
     * Psychol. Meas. 20, 37, 1960), its standard error and interval as in Fleiss, Cohen and Everitt
     * (Psychol. Bull. 72, 323, 1969, eq. 13). NAN where both always say the same one class. */
    double kappa, kappa_error;
    struct interval kappa_interval; /* within [-1, 1] */
};

/* Pairs in which either is no class (excluded, not analysed) are left out. -ENODATA: none is left.
 */
int agreement_of(struct agreement *agreement, const uint8_t *person, const uint8_t *classifier,
                 uint64_t n, double confidence, struct error *error);

/* The same without the kinds of reflections: none against any. */
int agreement_on_bragg(struct agreement *agreement, const uint8_t *person,
                       const uint8_t *classifier, uint64_t n, double confidence,
                       struct error *error);
