#pragma once

#include <math.h>

#include "processing/bragg/bragg_search.h"

/* Reflections of a pattern as vectors from its centre, and which of them fit each other. */

struct bragg_vector {
    double y, x;
};

struct bragg_vectors {
    const struct bragg_scratch *scratch;
    struct bragg_result *result;
    double centre_sigma;
    struct bragg_vector g[BRAGG_REFLECTIONS_MAX]; /* of the result's reflections */
};

/*
 * How far from its prediction a reflection may be, squared: `sigma2` of what it is compared with,
 * and how many times the centre's error comes in. A centre that is off by d moves h g1 + k g2 by
 * (h + k - 1) d against where a reflection is seen, g + (-g) by 2 d.
 */
#define BRAGG_TOLERANCE_MIN 1.5 /* pixels */
#define BRAGG_DEVIATIONS 3
/* Pixels: the scan moves the pattern besides (descan). Not of higher orders, which then would fit
 * anything. */
#define BRAGG_CENTRE_SIGMA_MIN 0.75
static inline double bragg_tolerance2(const struct bragg_vectors *vectors, double sigma2,
                                      double centres)
{
    const double own2 = BRAGG_DEVIATIONS * BRAGG_DEVIATIONS * sigma2;
    const double own2_min = BRAGG_TOLERANCE_MIN * BRAGG_TOLERANCE_MIN;
    const double centre_min = (centres < 2 ? centres : 2) * BRAGG_CENTRE_SIGMA_MIN;
    const double centre = centres * vectors->centre_sigma;
    const double off = BRAGG_DEVIATIONS * (centre > centre_min ? centre : centre_min);
    return (own2 > own2_min ? own2 : own2_min) + off * off;
}

static inline bool bragg_is_near(struct bragg_vector a, struct bragg_vector b, double within2)
{
    const double dy = a.y - b.y, dx = a.x - b.x;
    return dy * dy + dx * dx < within2;
}

/* An angle that lines are compared with, and its tangent; NAN: not known. */
struct bragg_angle {
    double angle, tangent;
};

/* Whether lines are at most this far apart. */
bool bragg_is_within(struct bragg_vector a, struct bragg_vector b, struct bragg_angle limit);

/* Whether there is a reflection at g that the search of the whole annulus could not tell from
 * chance: the relaxed test for a place that is known beforehand, one of so many. */
bool bragg_is_there(const struct bragg_vectors *vectors, struct bragg_vector g, double centres,
                    uint32_t tests);

/* Whether two reflections span a lattice that holds a third or a partner, half of all reflections
 * at least, and that is hardly one by chance; flags those of it. */
bool bragg_find_lattice(const struct bragg_vectors *vectors);
