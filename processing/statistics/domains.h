#pragma once

#include "processing/statistics/reflections.h"

/*
 * Domains: reflections that neighbouring positions (the eight around) share, linked directly or
 * over others. They share one when g is equal to within a tolerance, or opposite: Friedel's -g is
 * the same reflection, of which a two-beam pattern may show either. Reflections are linked, not
 * positions: where two crystals overlap, a position belongs to two domains, and one crystal has as
 * many domains as reflections that differ by more than their sign.
 */
struct domain {
    uint32_t n_positions; /* its area, scan positions */
    double gy, gx; /* mean, detector pixels; of +g and -g that with gy > 0, or gy = 0 and gx > 0 */
    double centre_y, centre_x; /* mean, scan positions */
};

struct domains {
    size_t n;
    struct domain *domains; /* by falling area */
    uint32_t *of;           /* [n reflections]: index of the domain of each */
};

/* Tolerance in detector pixels. -EINVAL: it is not above 0, the list is out of order or a position
 * lies outside the map; -ENOMEM. domains_finish frees it. */
int domains_init(struct domains *domains, const struct scan_reflection *reflections, size_t n,
                 uint32_t ny, uint32_t nx, double tolerance, struct error *error);
/* Also of zeroed domains. */
void domains_finish(struct domains *domains);
