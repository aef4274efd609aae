#pragma once

#include <stdint.h>

#include "processing/pixels/radial_bins.h"
#include "processing/products/variance_sums.h"

/* From the sums of the variance product to its profiles, when somebody looks. */
enum variance_profile {
    VARIANCE_V_IMAGE,
    VARIANCE_V_R,
    VARIANCE_V_RE,
    VARIANCE_OMEGA,
    N_VARIANCE_PROFILES,
};

struct variance_profile_source {
    const struct variance_layout *layout;
    const struct radial_bins *bins;
    const void *accumulator; /* merged */
    double counts_per_electron;
};

/* values[n_bins]; NaN for rings without pixels or counts, and all of them without memory. */
void variance_profile(const struct variance_profile_source *source, enum variance_profile profile,
                      double *values);

/* Their standard errors, errors[n_bins]. */
void variance_profile_errors(const struct variance_profile_source *source,
                             enum variance_profile profile, double *errors);
