#pragma once

#include <stdint.h>

#include "detector/sim/glass_reflections.h"

/*
 * What lies where in the synthetic specimen: an amorphous film of two phases in stripes, with small
 * domains that give Bragg reflections (BR). A pure function of the settings.
 */
struct glass_map_settings {
    uint64_t seed;
    uint32_t ny, nx;
    double fraction[2];            /* of each phase's positions that have reflections */
    double classes[GLASS_CLASSES]; /* how often domains are of each class, as weights; none: 0 */
    struct glass_reflection_range range;
    double phase_intensity; /* of the halo of phase 1, relative to phase 0 */
    double thickness;       /* intensity at the last column, 1 at the first */
    double descan;          /* pixels that the pattern moves along y and along x over the scan */
    double overlap; /* chance that a position has the speckle of the one before in its line */
};

struct glass_map {
    struct glass_map_settings settings;
    uint64_t threshold[2]; /* for each phase: noise below it is inside a domain */
};

/* A film of ny x nx positions of which a fifth has reflections, within 8 % of this radius. */
struct glass_map_settings glass_map_default(uint32_t ny, uint32_t nx, double ring_radius);

/*
 * Prepares the map of a scan in which round(fraction * positions) of each phase have reflections;
 * where both fractions are the same, so many of all positions. Returns 0 or -ENOMEM.
 */
int glass_map_init(struct glass_map *map, const struct glass_map_settings *settings);

/* What is at frame `index`; positions beyond the scan begin again at its start. */
void glass_map_position(const struct glass_map *map, uint64_t index,
                        struct glass_position *position);
