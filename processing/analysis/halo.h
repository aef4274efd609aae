#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * The first halo of a glass in a summed pattern: its centre, ellipse, radius and width.
 *
 * Patterns are double [height][width], C order: counts summed over the frames (not the mean: the
 * errors come from the counts), NaN where a pixel is not to be used. Rows y downwards, columns x to
 * the right, (0, 0) the middle of the first pixel; azimuths from +x towards +y.
 *
 * The ellipse is a matrix that makes the ring round: R = |(1 + E) (q - c)|, E = ((e1, e2), (e2,
 * -e1)) in the order x, y, which has the form of a strain without dilatation. e1 > 0: the ring is
 * shorter along x (as after tension along x); the long axis over the short one is 1 + 2 hypot(e1,
 * e2) to first order.
 */
struct halo_settings {
    double centre_y, centre_x; /* about: within a third of the ring's radius */
    double inner, outer;       /* radii about the centre, pixels: the first peak and the valleys on
                                  both its sides, and no other peak */
    double overdispersion;     /* F, variance over mean of the counts of a large area: about 2 with
                                  charge sharing, 1 without; at least 1 */
    double minimum_counts; /* inside the ring's window; 0: 10000, which gives about 0.25 pixels */
};

struct halo {
    double centre_y, centre_x, centre_y_error, centre_x_error; /* pixels */
    double e1, e2, e1_error, e2_error;
    double radius, radius_error; /* of the peak, pixels, on the ellipse-corrected radius R */
    double width, width_error;   /* FWHM in R, pixels; the probe's disk is in it */
    double height;               /* of the peak over the background under it, counts per pixel */
    double background;           /* under the peak, counts per pixel */
    double counts;               /* in the window */
    uint64_t n_pixels;           /* in the window */
    double reduced_chi2;         /* of the radial profile against the model, F taken out */
};

/*
 * Centre and ellipse: those for which no harmonic of order 1 and 2 is left in the ring's radius
 * around the azimuth, each azimuth weighted by what its counts tell (scoring steps on the Poisson
 * likelihood; the mean of every bin of R, 1 pixel wide, is taken out of data and model, so that
 * masked sectors pull nowhere). Radius and width: a Gaussian on an exponential background,
 * Poisson-fitted to the profile in R (counts and areas). Errors are those of the Poisson law times
 * sqrt(F), and sqrt(reduced chi^2) more where the model does not describe the profile.
 *
 * A halo is not a Gaussian: the radius is defined by this model, and the same for a specimen and
 * its reference, which is what strain needs.
 *
 * -EINVAL: settings that make no sense; -EDOM: too much of the ring is masked; -ENODATA: fewer
 * counts than needed, or no peak (its height below 5 of its standard errors); -ERANGE: no
 * convergence, the window does not hold the peak; -ENOMEM. The sentence says what was measured and
 * what to do.
 */
int halo_measure(struct halo *halo, const struct halo_settings *settings, const double *counts,
                 uint32_t height, uint32_t width, struct error *error);

/* k of the peak, nm^-1 (k = 1 / d), for k_per_pixel nm^-1 with its error (0: not known). */
void halo_peak_k(const struct halo *halo, double k_per_pixel, double k_per_pixel_error, double *k,
                 double *k_error);

/* Long axis over short axis of the ring, and the azimuth of the long axis, degrees in (-90, 90]. */
void halo_ellipse(const struct halo *halo, double *ratio, double *azimuth);

/*
 * Strain against an unstrained reference, in detector directions: tension along x is exx > 0, and
 * makes the ring shorter along x. exy is the tensor's component, half of the engineering shear. The
 * mean (exx + eyy) / 2 comes from the radii: camera length and centre must be those of the
 * reference.
 */
struct halo_strain {
    double exx, eyy, exy;
    double exx_error, eyy_error, exy_error;
    double mean_error;       /* of (exx + eyy) / 2 */
    double difference_error; /* of (exx - eyy) / 2; independent of the former */
};

/*
 * Polar decomposition of M = A_strained A_reference^-1, A = (1 + E) / radius: 1 + strain = sqrt(M^T
 * M). The reference takes out whatever distortion the lenses add to both. Errors add in squares,
 * to first order.
 */
void halo_strain_against(struct halo_strain *strain, const struct halo *halo,
                         const struct halo *reference);

/* The same strain with axes turned: its xx along `azimuth` (degrees from +x towards +y, the
 * tensile axis). */
void halo_strain_turn(struct halo_strain *turned, const struct halo_strain *strain, double azimuth);
