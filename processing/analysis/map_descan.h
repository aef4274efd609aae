#pragma once

#include <stdint.h>

#include "common/error.h"

/*
 * Descan: how the pattern wanders over the detector because the beam is not brought back exactly,
 * as a smooth function of the scan position.
 *
 * Maps are double [ny][nx], C order, NaN where not measured; com_y is the shift along the
 * detector's rows (down), com_x along its columns (right), in detector pixels.
 */
enum descan_model {
    DESCAN_CONSTANT, /* 1 */
    DESCAN_PLANE,    /* 1, v, u */
    DESCAN_PARABOLA, /* 1, v, u, v^2, v u, u^2 */
};

#define DESCAN_MAX_TERMS 6

/*
 * How the pattern wanders over the scan: each component is a polynomial in v = row - centre_y and u
 * = column - centre_x, in scan positions, terms in the order above; pixels per position^degree.
 * noise is a robust standard deviation of one position (1.4826 * median |residual| over all that
 * were measured), and the standard errors of the coefficients come from it.
 */
struct descan_fit {
    enum descan_model model;
    unsigned n_terms;
    double centre_y, centre_x; /* of the map it was fitted to: (ny - 1) / 2, (nx - 1) / 2 */
    double y[DESCAN_MAX_TERMS], x[DESCAN_MAX_TERMS];
    double y_error[DESCAN_MAX_TERMS], x_error[DESCAN_MAX_TERMS];
    double noise_y, noise_x;     /* pixels */
    uint64_t n_measured, n_used; /* positions; the others were left out as outliers */
};

/*
 * Fits to a vacuum or reference scan by least squares; in three further steps positions whose
 * residual in either component is above twice the rms are left out (py4DSTEM's robust fit). Fitted
 * to the specimen itself it takes its long-range fields away. -ENODATA: too few positions; -EDOM:
 * they do not fix the model (all on one line); -ENOMEM.
 */
int descan_fit(struct descan_fit *fit, enum descan_model model, const double *com_y,
               const double *com_x, uint32_t ny, uint32_t nx, struct error *error);

/* What the fit says at a position (rows and columns of the map; fractions and positions outside are
 * allowed). */
void descan_at(const struct descan_fit *fit, double row, double column, double *shift_y,
               double *shift_x);

/* Subtracts it from maps of the same scan, in place. */
void descan_subtract(const struct descan_fit *fit, double *com_y, double *com_x, uint32_t ny,
                     uint32_t nx);
