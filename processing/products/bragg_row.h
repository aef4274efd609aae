#pragma once

#include <stdint.h>

#include "processing/bragg/bragg_classifier.h"
#include "processing/pixels/analysis_settings.h"
#include "processing/pixels/calibration_values.h"

/*
 * A reflection with the numbers that people quote, as file and messages have it. Azimuth: degrees,
 * [0, 360), from +x towards +y (docs/orientation.md). k and d are those of the corrected radius
 * (ellipse of the calibration), NAN without a pixel size.
 */
struct bragg_row {
    uint64_t frame;            /* index */
    double y, x;               /* pixels */
    double counts, background; /* in the disk at the best place */
    double contrast;           /* (counts - background) / background */
    double log10_p;            /* of one place */
    double sigma;              /* of y and of x, pixels */
    double g_y, g_x, g;        /* from the centre, pixels */
    double k;                  /* nm^-1, 1 / d */
    double d;                  /* nm */
    double azimuth;            /* degrees */
    int32_t partner;           /* row of -g among those of the frame, -1: none */
    uint8_t width, flags;      /* bragg_classifier.h */
};

struct bragg_rows {
    struct radial_settings rings; /* centre and ellipse */
    double pixel_size_k;          /* NAN: not known */
};

struct bragg_rows bragg_rows_of(const struct bragg_settings *settings,
                                const struct calibration *calibration);

struct bragg_row bragg_row_of(const struct bragg_rows *rows, uint64_t frame,
                              const struct bragg_reflection *reflection);
