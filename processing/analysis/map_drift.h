#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * How far the specimen moved between two maps of the same size: what lies at (y, x) in the first
 * lies at (y + dy, x + dx) in the second. Scan positions, rows down, columns right.
 */
struct map_drift {
    double dy, dx;
    double error;   /* standard error of each, positions, from the correlation's own background */
    double quality; /* height of the peak over the rms of the surface around it */
    bool found;     /* quality is above what the highest of as many background points reaches by
                       chance, by a margin of 2 */
};

/*
 * Phase correlation (Kuglin & Hines 1975): both maps less their means, unmeasured positions at the
 * mean, under a Hann window; the cross spectrum divided by its magnitude, weighted by a Gaussian
 * (`smoothing` in positions, 1 where nothing else is known: more for noisy maps with coarse
 * structure); back. The peak, then a Gaussian of known width, is placed by a parabola through the
 * logarithms of it and its neighbours. Done again on the parts that overlap after that shift,
 * because what only one map shows pulls the peak towards zero.
 *
 * The error leaves out what interpolation costs where structure is as fine as the positions: about
 * 0.02. Shifts of up to half the map can be told; less where little structure is left in common.
 * Compare maps of the same kind. Not found is no error: look at `found`. -EINVAL: a side below 8,
 * above 32768, or a smoothing outside 0.5 to 100; -ENODATA: a map that is constant or not measured;
 * -ENOMEM.
 */
int map_drift_find(struct map_drift *drift, const double *first, const double *second, uint32_t ny,
                   uint32_t nx, double smoothing, struct error *error);
