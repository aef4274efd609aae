#pragma once

#include <stdbool.h>

#include "processing/kernels/kernels.h"
#include "processing/pixels/weight_planes.h"
#include "processing/products/bit_mask.h"
#include "processing/products/product.h"
#include "processing/products/virtual_detector.h"

/* What a virtual detector computes with: made by virtual_detector_prepare.c, then only read by
 * virtual_detector.c, by any thread. */

/* A plane of the weights, weight_planes.h. */
struct detector_plane {
    struct mask_weights mask;
    struct bit_mask bits; /* the mask's flat part, for 1-bit frames */
};

/* Its column is the sum of weight * counts, of which the value of the map is made: an integer where
 * the map is one, else a double in units of `scale`. */
struct detector_map {
    struct detector_plane planes[WEIGHT_PLANES];
    unsigned n_planes, shift; /* weight_planes.h */
    bool exact;
    double scale;
    double divisor; /* 1 for a sum, the sum of weights for a mean */
};

struct virtual_detector {
    const struct kernels *kernels;
    enum virtual_detector_shape shape;
    double start_angle; /* of a segmented one, degrees */
    unsigned n_maps;
    struct detector_map maps[];
};

extern const struct product_class virtual_detector_class;
