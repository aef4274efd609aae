#pragma once

#include <stdint.h>

/*
 * What lies where in the synthetic specimen: an amorphous film of two layers that differ in
 * intensity, in stripes, with small domains that give Bragg reflections (BR). A pure function of
 * the parameters.
 */
enum glass_class { GLASS_NONE, GLASS_TWO_BEAM, GLASS_THREE_BEAM, GLASS_ON_AXIS };

#define GLASS_REFLECTIONS 4

struct glass_position {
    enum glass_class class;
    unsigned phase;   /* 0 or 1: which layer */
    double intensity; /* of the halo, relative to --counts: 1 for phase 0 */
    unsigned reflections;
    double g[GLASS_REFLECTIONS][2]; /* y, x from the centre, pixels of a 256-pixel frame */
};

struct glass_map {
    uint64_t seed;
    uint32_t ny, nx;
    uint64_t threshold; /* noise below it is inside a domain */
    double ring_radius; /* pixels of a 256-pixel frame: reflections lie on the halo */
};

/*
 * Prepares the map of a scan in which round(fraction * ny * nx) positions have reflections. Returns
 * 0 or -ENOMEM.
 */
int glass_map_init(struct glass_map *map, uint64_t seed, uint32_t ny, uint32_t nx, double fraction,
                   double ring_radius);

/* What is at frame `index`; positions beyond the scan begin again at its start. */
void glass_map_position(const struct glass_map *map, uint64_t index,
                        struct glass_position *position);

/* "none", "two-beam", "three-beam", "on-axis". */
const char *glass_class_name(enum glass_class class);
