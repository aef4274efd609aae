#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/sim/glass_map.h"
#include "detector/sim/glass_pattern.h"

/* The synthetic specimen and how it is seen, as the command line has it. Lengths are pixels of a
 * frame of 256 x 256. */
struct specimen_options {
    double counts; /* mean per pixel on the halo ring */
    double br_fraction[2], br_contrast[2], br_classes[GLASS_CLASSES];
    double br_gradient, br_blur;
    double ring_radius[2], phase_intensity;
    double thickness, ellipticity, descan, centre_offset[2];
    double disk_radius, speckle, overlap;
    bool friedel, charge_sharing;
    double flat_field, dead, hot, beam_stop;
};

struct specimen_options specimen_options_default(void);

/* Prepares map and patterns of frames of `side` pixels for a scan of ny x nx positions. Returns 0
 * or -ENOMEM. */
int specimen_init(struct glass_map *map, struct glass_pattern *pattern,
                  const struct specimen_options *options, uint64_t seed, uint32_t side, uint32_t ny,
                  uint32_t nx);
