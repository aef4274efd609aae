#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/pixels/calibration_reference.h"
#include "processing/pixels/mask_values.h"
#include "processing/pixels/pixel_mask.h"

/*
 * What is known of the instrument, each value with where it came from and when. A plan has a copy,
 * which never changes; pixels are never corrected with it, only what is computed from them.
 */
enum calibration_item {
    CALIBRATION_KV,                  /* kV */
    CALIBRATION_CAMERA_LENGTH,       /* mm */
    CALIBRATION_WAVELENGTH,          /* nm, of kv */
    CALIBRATION_PIXEL_SIZE_K,        /* nm^-1 per pixel, k = 1/d */
    CALIBRATION_CENTRE,              /* y, x of the pattern, pixels */
    CALIBRATION_ELLIPSE,             /* long over short axis of what should be a circle; azimuth of
                                        the long axis, degrees (docs/orientation.md) */
    CALIBRATION_SCAN_STEP,           /* nm */
    CALIBRATION_SCAN_ROTATION,       /* degrees, `angle` of docs/orientation.md */
    CALIBRATION_COUNTS_PER_ELECTRON, /* counts / electrons */
    CALIBRATION_DISK_RADIUS,         /* of the probe-forming aperture's image, pixels */
    CALIBRATION_CONVERGENCE,         /* the same as an angle, mrad */
    CALIBRATION_BEAM_CURRENT,        /* on the specimen, pA */
};
#define CALIBRATION_ITEMS 12

struct calibration_origin {
    char source[64];  /* "configuration", "set", "camera length", "halo of run UUID" ... */
    uint64_t time_ns; /* UNIX time */
};

struct calibration_value {
    bool known;
    double value[2]; /* the second one of centre and ellipse only */
    double error[2]; /* standard errors; 0: not known */
    struct calibration_origin origin;
};

#define CALIBRATION_REFERENCES 4

struct calibration {
    struct calibration_value values[CALIBRATION_ITEMS];
    struct pixel_mask *bad_pixels; /* NULL: none known */
    struct calibration_origin bad_pixels_origin;
    struct mask_values *gain; /* counts are to be multiplied by it; NULL: not known */
    struct calibration_origin gain_origin;
    struct calibration_reference
        *references[CALIBRATION_REFERENCES]; /* one of a kind; NULL: none */
    double reference_age;                    /* hours after which one is worth a warning */
};

/* Another owner of the same values: takes references of all that is shared. */
void calibration_copy(struct calibration *copy, const struct calibration *calibration);

/* Gives back these references. Also of a zeroed struct. */
void calibration_finish(struct calibration *calibration);

/* The first number of a value; `unknown` when it is not known. */
double calibration_number(const struct calibration *calibration, enum calibration_item item,
                          double unknown);
