#pragma once

#include <stdint.h>

#include "detector/sim/alias_table.h"
#include "detector/sim/glass_map.h"

/*
 * Diffraction patterns of the synthetic specimen, without speckle:
 * a halo (Gaussian ring plus a tail), a bright central disk, and disks on the ring where the map
 * says so. Counts are Poisson: each part's total is drawn and its counts are scattered one by one,
 * so the cost goes with the dose.
 */
struct glass_optics {
    double ring_radius, ring_fwhm; /* pixels */
    double disk_radius;            /* pixels, of the aperture: central disk and reflections */
    double centre;                 /* pixels, y and x */
    double counts;                 /* mean per pixel on the ring */
    double contrast;               /* of a reflection, in units of `counts` */
};

#define GLASS_RING_RADIUS 35.3 /* pixels of a 256-pixel frame (ZrCu, 200 kV, k = 4.18 nm-1) */

struct glass_pattern {
    uint32_t side; /* pixels of the square frame, a power of two */
    uint64_t seed;
    struct glass_optics optics;
    struct alias_table halo;
};

/* Returns 0 or -ENOMEM. */
int glass_pattern_init(struct glass_pattern *pattern, uint32_t side, uint64_t seed, double counts,
                       double contrast);
void glass_pattern_finish(struct glass_pattern *pattern);

/* Adds the counts of frame `index` to counts[side * side], which the caller has zeroed. */
void glass_pattern_draw(const struct glass_pattern *pattern, const struct glass_position *position,
                        uint64_t index, uint32_t *counts);
