#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/*
 * k per pixel from the rings of a polycrystal. The profile is the radial one about the right
 * centre, on the ellipse-corrected radius: n bins of one pixel each, bin i from radius i to i + 1;
 * counts and areas (pixels used; 0: none).
 */
struct ring_profile {
    size_t n;
    const double *counts;
    const double *areas;
    double overdispersion; /* F, variance over mean of the counts of a bin; at least 1 */
};

#define RINGS_MAX 64

struct found_ring {
    double radius, radius_error; /* pixels */
    double significance;         /* standard errors above the surroundings */
};

/*
 * Finds rings: the profile (counts / area) is filtered with a Mexican hat of sigma `width` pixels
 * (about that of the rings: 1 to 3; blind to constant and ramp), and every local maximum at least 6
 * of its standard errors high is a ring, placed by a parabola. *n_rings of them in order of the
 * radius; of more than RINGS_MAX the first. -EINVAL: width outside 0.5 to 20.
 */
int rings_find(struct found_ring rings[RINGS_MAX], size_t *n_rings,
               const struct ring_profile *profile, double width, struct error *error);

struct ring_assignment {
    size_t spacing;                        /* index into the list of d-spacings */
    double radius, radius_error, residual; /* pixels; residual: radius - k / k_per_pixel */
    bool blended;                          /* with another ring of the list: not used for the fit */
};

struct ring_calibration {
    double k_per_pixel, k_per_pixel_error; /* nm^-1 */
    double reduced_chi2;                   /* of the radii; errors are widened by it when above 1 */
    size_t n_found;                        /* rings in the profile */
    size_t n_assigned;
    struct ring_assignment assigned[RINGS_MAX];
};

struct ring_settings {
    const double *d_spacings; /* nm, of the rings that are expected, in any order */
    size_t n_spacings;        /* 1 to RINGS_MAX */
    double nominal;           /* k per pixel, nm^-1, as camera length and kV say; 0: not known */
    double tolerance;         /* relative, by how much the nominal one may be wrong: 0.15, say */
    double width;             /* of the rings, as above */
};

/*
 * Assigns the rings and fits k per pixel: radius = k / k_per_pixel, k = 1 / d, weighted least
 * squares. Every pairing of a ring with a spacing proposes a value; rings of the list that lie
 * within 1 pixel (or 4 errors) of a found one are its support. Those expected inside the profile
 * and missing speak against it, and so do found rings up to the last assigned that are not in the
 * list (so the list begins with the crystal's first ring): when they are more than half as many as
 * those assigned, the proposal is dropped. The best one must assign at least 3 rings (2 with a
 * nominal value) and be better than every other by more than one ring, else it is refused: a wrong
 * assignment is worse than none. Rings of the list closer to each other than 4 widths are assigned
 * but not used for the fit.
 *
 * -ENODATA: too few rings; -EDOM: two assignments are as good, or none fits; -EINVAL. The sentence
 * lists what was found.
 */
int rings_calibrate(struct ring_calibration *calibration, const struct ring_profile *profile,
                    const struct ring_settings *settings, struct error *error);
