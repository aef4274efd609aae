#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Two maps of the same scan against each other, over the positions measured in both. Maps are
 * double [ny][nx], C order, NaN where not measured.
 */

struct map_correlation {
    double r, r_error;           /* Pearson's coefficient */
    double slope, slope_error;   /* b = offset + slope * a, least squares in b */
    double offset, offset_error; /* unit of b */
    double residual_rms;         /* about that line, unit of b */
    double mean_a, mean_b;
    uint64_t n;        /* positions measured in both */
    uint32_t n_blocks; /* that held any */
};

/*
 * Errors are standard errors from a jackknife over square blocks of `block` positions a side
 * (delete one; Künsch 1989), since neighbouring positions see overlapping parts of the specimen:
 * take at least two probe diameters, and more where the maps have coarser structure. NaN with
 * fewer than 4 blocks. -EINVAL: block is 0; -ENODATA: fewer than 3 positions; -EDOM: a map is
 * constant there; -ENOMEM.
 */
int map_correlate(struct map_correlation *correlation, const double *a, const double *b,
                  uint32_t ny, uint32_t nx, uint32_t block, struct error *error);

/* Sum of two maps (bands of two phases, to be held against the HAADF map); NaN where either is. */
void map_add(double *sum, const double *a, const double *b, uint64_t n_positions);
