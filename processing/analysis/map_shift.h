#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * The pattern's shift (centre of mass or DPC) turned into scan directions, and what is made of it.
 *
 * Maps are double [ny][nx], C order, row 0 at the top; NaN means not measured and stays NaN. com_y
 * is the shift along the detector's rows (down), com_x along its columns (right), in detector
 * pixels. Angles are degrees from +x towards +y, which is clockwise as the map is seen:
 * docs/orientation.md.
 */

/*
 * From detector to scan directions: C' = R(angle) * flip * C; the flip, first, turns the sign of
 * com_y. R turns by `angle` from +x towards +y: x' = x cos - y sin, y' = x sin + y cos.
 */
struct shift_transform {
    double angle; /* degrees */
    bool flip_y;
};

void shift_transform_apply(const struct shift_transform *transform, double *com_y, double *com_x,
                           uint64_t n_positions);

struct shift_rotation {
    struct shift_transform transform; /* the angle in (-180, 180] */
    double angle_error;         /* degrees, block jackknife over bands of rows; NaN: too few */
    double curl_rms;            /* after the transform, pixels per position */
    double curl_rms_other_flip; /* the best with the other flip: how sure the flip is */
    double curl_rms_worst;      /* at the worst angle of the chosen flip */
    double mean_divergence;     /* after the transform, pixels per position */
    double divergence_skewness; /* after the transform, <= 0 */
    bool polarity_sure;         /* the skewness stands out: see below */
    uint64_t n_positions;       /* with all four neighbours measured */
};

/*
 * The transform after which the shift is a gradient (curl dCy'/dx - dCx'/dy minimal in the mean
 * square), as the field of an electrostatic potential is; for maps without descan. With A the curl
 * and B the divergence of the flipped, unrotated map (central differences), curl(angle) = A cos + B
 * sin, so 2 angle = atan2(-2 <AB>, <B^2> - <A^2>): no search. Both flips are tried.
 *
 * The curl cannot tell an angle from the one opposite. Electrons are drawn to the nuclei, most
 * strongly next to them, so the divergence has its long tail on the negative side (LiberTEM's
 * guess_corrections): the angle with the negative third moment is taken. (The mean of the
 * divergence is a sum over the border only, and near zero on any lattice.) Where the skewness is
 * not above 5 of its standard errors, polarity_sure is false, and the angle is the one in (-90,
 * 90].
 *
 * -ENODATA: fewer than 16 positions with all neighbours; -EDOM: the map is flat.
 */
int shift_rotation_find(struct shift_rotation *rotation, const double *com_y, const double *com_x,
                        uint32_t ny, uint32_t nx, struct error *error);

/* Length of the shift, pixels; azimuth of the shift, degrees in (-180, 180], NaN for no shift. */
void shift_magnitude(double *magnitude, const double *com_y, const double *com_x,
                     uint64_t n_positions);
void shift_azimuth(double *azimuth, const double *com_y, const double *com_x, uint64_t n_positions);

/*
 * Differential phase contrast from four quadrants A, B, C, D in the order of growing azimuth, the
 * middle of A at azimuth_a (degrees; 0: A right, B below, C left, D above; 45: A from 0 to 90): (A
 * - C) / sum along azimuth_a and (B - D) / sum 90 degrees further, turned to y and x. No units,
 * each in [-1.42, 1.42]. NaN where a quadrant was not measured or all four are 0.
 */
void shift_from_quadrants(double *dpc_y, double *dpc_x, const double *const quadrants[4],
                          double azimuth_a, uint64_t n_positions);
