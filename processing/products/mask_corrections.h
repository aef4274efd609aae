#pragma once

#include <stdint.h>

#include "common/error.h"
#include "processing/products/virtual_detector.h"

/*
 * Corrections of the detector folded into a mask's weights[height][width], so that the sum over a
 * raw frame is the sum over the corrected one.
 *
 * A bad pixel stands for the mean of its good neighbours, so its weight goes to them in equal
 * parts: to the good ones of the eight around it, or where there is none to those of the next
 * larger square, and so on. The weight of a bad pixel with no good one within MASK_REPAIR_REACH
 * pixels is dropped.
 */
#define MASK_REPAIR_REACH 8

void mask_fold_bad_pixels(double *weights, const uint8_t *bad, uint32_t height, uint32_t width);

/* Multiplies weights by the gain of their pixels. -EINVAL: the gain of a pixel with a weight is no
 * finite number; the sentence names it. */
int mask_fold_gain(double *weights, const float *gain, uint32_t height, uint32_t width,
                   struct error *error);
