#pragma once

#include "processing/analysis/calibration_rings.h"
#include "processing/analysis/halo.h"
#include "processing/pixels/calibration_values.h"
#include "processing/run/run.h"

/* What a calibration is measured in: the patterns of the newest run, summed over its frames. */
struct summed_pattern {
    uint32_t height, width;
    uint64_t n_frames;
    uint64_t *sums;     /* [height][width], as counted */
    double *counts;     /* the same, NaN at bad pixels */
    const uint8_t *bad; /* of the calibration; NULL: none for frames of this size */
    double overdispersion;
    double centre_y, centre_x; /* of the calibration, else of the frame */
};

/* The sum pattern of the run's first layer as the workers gave it last. -ENODATA: no counts yet;
 * -ENOMEM; with a sentence. Valid as long as the calibration. */
int summed_pattern_init(struct summed_pattern *pattern, const struct run *run,
                        const struct calibration *calibration, struct error *error);
void summed_pattern_finish(struct summed_pattern *pattern);

/* A radial profile: bins of one pixel on the corrected radius. */
struct measured_profile {
    size_t n;
    double *counts, *areas;
};

/* About the calibrated centre, on the calibrated ellipse (`ellipse` false: on circles about the
 * pattern's centre_y and centre_x). */
int measured_profile_init(struct measured_profile *profile, const struct summed_pattern *pattern,
                          const struct calibration *calibration, bool ellipse, struct error *error);
void measured_profile_finish(struct measured_profile *profile);

/*
 * Where the first halo is: the peak that stands highest above the lowest place inside it, and 1.3
 * times its FWHM to both sides, not beyond that place. -ENODATA: there is no such peak.
 */
int halo_window(const struct summed_pattern *pattern, const struct calibration *calibration,
                double *inner, double *outer, struct error *error);
