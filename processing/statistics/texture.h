#pragma once

#include "processing/statistics/reflections.h"

/*
 * Texture: reflections that stay put over the whole scan. List them, never subtract them: a
 * textured film is crystalline, and a template that has them in it would hide that.
 */
struct static_reflection {
    double gy, gx;        /* mean of those that share it, detector pixels */
    uint64_t n_positions; /* that have it */
};

/*
 * Places at which at least min_fraction of n_positions have a reflection, by falling number, the
 * `room` strongest at most. A place is a square of twice the tolerance (pixels); squares lie half
 * their side apart, and of those that overlap the one with most positions is taken. *n_found tells
 * how many. -EINVAL: a tolerance not above 0, or so small that |g| is more than 2000 of them;
 * -ENOMEM.
 */
int static_reflections(struct static_reflection *found, size_t room, size_t *n_found,
                       const struct scan_reflection *reflections, size_t n, uint64_t n_positions,
                       double tolerance, double min_fraction, struct error *error);
