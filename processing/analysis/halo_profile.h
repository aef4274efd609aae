#pragma once

#include "common/error.h"

/*
 * A radial profile around one peak: height * exp(-(R - radius)^2 / (2 sigma^2)) + exp(a + b R),
 * counts per pixel.
 */
struct halo_profile {
    double radius, radius_error; /* pixels */
    double width, width_error;   /* FWHM of the Gaussian, pixels */
    double height, height_error; /* counts per pixel */
    double background;           /* under the peak, counts per pixel */
    double fall;                 /* b, per pixel */
    double reduced_chi2;         /* deviance over F and the degrees of freedom */
};

struct halo_profile_point {
    double radius; /* mean over its pixels */
    double area;   /* pixels, above 0 */
    double counts; /* sum over its pixels */
};

/*
 * Fits to n points in order of the radius by the Poisson likelihood. Errors are multiplied by
 * sqrt(overdispersion * max(1, reduced_chi2)). -ENODATA: fewer than 6 points or no peak, -ERANGE:
 * the peak is not inside; with a sentence.
 */
int halo_profile_fit(struct halo_profile *profile, const struct halo_profile_point *points,
                     unsigned n, double overdispersion, struct error *error);

/* d counts per pixel / d radius. */
double halo_profile_slope(const struct halo_profile *profile, double radius);
