#pragma once

#include <stdint.h>

#include "common/error.h"

/* A phase as the bright part of a map: an HAADF image, a virtual detector, a profile's bin. */

enum threshold_rule {
    /* low + 0.5 * (high - low), low and high the 0.5 and 99.5 percentiles: the middle of the grey
     * scale of a picture whose contrast was stretched. It is not the median. */
    THRESHOLD_HALF,
    THRESHOLD_MEDIAN,
    THRESHOLD_OTSU,  /* largest variance between the classes (Otsu, IEEE Trans. SMC 9, 62, 1979), on
                        256 bins from low to high */
    THRESHOLD_VALUE, /* as given, in the unit of the map */
};

/* What the rules before THRESHOLD_VALUE are called; NULL behind them. */
extern const char *const threshold_rule_names[];

struct threshold {
    enum threshold_rule rule;
    double level;              /* in: of THRESHOLD_VALUE; out: in the unit of the map */
    double low, high;          /* out: the percentiles */
    uint64_t n_phase, n_other; /* out: above, and at most, the level */
};

/*
 * phase[i] = 1 where values[i] > level, 0 where not, 255 where values[i] is NAN. The percentiles
 * lie between values as in numpy's default. -ENODATA: no value, or all equal (but for
 * THRESHOLD_VALUE); -ENOMEM.
 */
int phase_from_map(uint8_t *phase, struct threshold *threshold, const double *values, uint64_t n,
                   struct error *error);

/*
 * Would a test of reflections against this mask be circular? It is when the map behind the mask
 * looked at pixels where reflections are looked for: a reflection then brightens the map by itself.
 * Both are weights of detector pixels, [n_pixels]; a pixel counts where neither is 0. -EDOM, with a
 * sentence, when any is shared; *n_shared (or NULL) gets how many.
 */
int phase_check_circular(const double *map_weights, const uint8_t *annulus, uint64_t n_pixels,
                         uint64_t *n_shared, struct error *error);
