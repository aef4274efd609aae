#pragma once

#include <stdint.h>

#include "common/error.h"

/*
 * The image of the probe-forming aperture in a vacuum reference: where the disk is, how large, how
 * round and how sharp. Patterns are double [height][width], C order: counts summed over the frames,
 * NaN where a pixel is not to be used. Rows y downwards, columns x to the right, (0, 0) the middle
 * of the first pixel.
 */
struct probe_disk {
    double centre_y, centre_x, centre_y_error, centre_x_error; /* pixels */
    double radius, radius_error; /* pixels, where the edge is at half height; of an ellipse the
                                    geometric mean to first order */
    double axis_ratio, axis_ratio_error; /* long over short axis, at least 1 */
    double axis_azimuth; /* of the long axis, degrees from +x towards +y, in (-90, 90] */
    double edge_width, edge_width_error; /* pixels from 10 % to 90 % */
    double level, background;            /* counts per pixel inside and outside */
    double counts;                       /* of the disk, background taken off */
    double reduced_chi2; /* of the pixels, F taken out: large where the disk is not uniform */
};

/*
 * Fits background + (level - background) * erfc((R - radius) / (sqrt(2) s)) / 2, R = |(1 + E) (q -
 * c)|, E = ((e1, e2), (e2, -e1)) as in halo.h, to all pixels by the Poisson likelihood, from the
 * half-height region round the brightest 3x3 pixels. Errors are those of the Poisson law times
 * sqrt(F * max(1, reduced chi^2)). A disk of radius below 1.5 pixels has no edge to fit.
 *
 * -EINVAL: overdispersion below 1 or a frame below 8x8; -ENODATA: fewer than 1000 counts in the
 * disk, or no disk; -ERANGE: the disk is cut by the frame's border, or the fit does not converge.
 * The sentence says what was measured.
 */
int probe_disk_measure(struct probe_disk *disk, const double *counts, uint32_t height,
                       uint32_t width, double overdispersion, struct error *error);
