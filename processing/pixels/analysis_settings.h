#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * What a person may choose about profiles and fluctuation microscopy. A zeroed struct means the
 * defaults. Lengths are pixels, (0, 0) is the centre of the first pixel. Angles are azimuths in
 * degrees from +x (columns) towards +y (rows, down the frame).
 */

/*
 * Rings around a centre. Bin b holds the pixels with b <= radius / bin_width < b + 1, where radius
 * is sqrt(u^2 / ratio + v^2 ratio), u along the long axis of the ellipse and v across: of an
 * ellipse with axes a and b it is the radius sqrt(a b) of the circle with the same area.
 */
struct radial_settings {
    bool centre_given; /* else the centre of the frame, ((height - 1) / 2, (width - 1) / 2) */
    double centre_y, centre_x;
    double ellipse_ratio; /* long axis / short axis, at least 1; 0: 1, a circle */
    double ellipse_angle; /* azimuth of the long axis */
    double bin_width;     /* 0: 1 */
    uint32_t n_bins;      /* 0: up to the farthest pixel, as many as the product can hold */
};

/*
 * Variance of the rings. For the errors, the frames are dealt out to n_blocks blocks, block_length
 * consecutive ones at a time: to block (frame index / block_length) modulo n_blocks. Neighbouring
 * positions see the same structure, so that a stretch should be two probe diameters at least;
 * where lines of the scan are closer to each other than that, whole lines: two probe diameters of
 * them.
 */
struct variance_settings {
    struct radial_settings rings;
    double counts_per_electron; /* F, of ring sums: variance / mean of their noise; 0: 1, no charge
                                   sharing */
    uint32_t n_blocks;          /* 2 to VARIANCE_MAX_BLOCKS; 0: 16 */
    uint32_t block_length;      /* frames; 0: 16 */
};

#define VARIANCE_MAX_BLOCKS 64

/* Which of them are computed, and how. Both have the same rings: those of the variance. */
struct analysis_settings {
    bool radial_profile, variance;
    struct variance_settings variance_settings;
};
