#pragma once

#include <stdint.h>

#include "common/error.h"

/*
 * What the configuration says of the Bragg reflections (key `bragg`). All lengths in pixels, rows y
 * downwards, columns x to the right, (0, 0) the middle of the first pixel. docs/bragg.md has the
 * method.
 */
struct bragg_settings {
    double centre_y, centre_x; /* of the pattern */
    double inner, outer;       /* of the annulus; nothing outside of it is looked at */
    double disk_radius;        /* R_d, of a reflection: the image of the aperture */
    /* Of the second, wider template for clusters smaller than the probe. 0: chosen from R_d by
     * bragg_wide_radius; negative: none. */
    double wide_radius;
    double alpha; /* family-wise false-alarm rate per frame over all positions and both widths */
    /* F, variance over mean of the counts in a disk that charge sharing causes, at least 1; NAN:
     * measure. */
    double overdispersion;
    /* V, variance over squared mean of the speckle in a matched disk of R_d; NAN: measure. */
    double speckle;
    double contrast_min;       /* rho_0 of the headline fraction, excess over background */
    double centre_uncertainty; /* standard deviation of the centre, per axis */
};

#define BRAGG_ALPHA 0.01
#define BRAGG_OVERDISPERSION 2.0 /* where F is to be measured and has not been yet */
#define BRAGG_SPECKLE 0.02       /* the same of V */
#define BRAGG_CONTRAST_MIN 2.0
#define BRAGG_CENTRE_UNCERTAINTY 0.5
#define BRAGG_DISK_RADIUS_MAX 32.0

/* The defaults; centre, annulus and radius are 0 and have to be set. */
void bragg_settings_init(struct bragg_settings *settings);

/*
 * Whether patterns of height x width pixels can be searched with these settings; bad[height][width]
 * is not 0 where a pixel is not to be used (NULL: all are good). -EINVAL with a sentence that
 * begins with the key at fault: `bragg.centre`, `bragg.annulus`, `bragg.disk_radius`,
 * `bragg.wide_radius`, `bragg.alpha`, `bragg.overdispersion`, `bragg.speckle`,
 * `bragg.contrast_min`, `bragg.centre_uncertainty`, or `calibration.bad_pixels` where masked pixels
 * leave too little.
 */
int bragg_settings_check(const struct bragg_settings *settings, uint32_t height, uint32_t width,
                         const uint8_t *bad, struct error *error);

/* Radius of the wider template, 0: there is none. */
double bragg_wide_radius(const struct bragg_settings *settings);
