#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Weights that somebody gave for every pixel of a frame. Never changed once made, freed with its
 * last reference; any thread. */
struct mask_values {
    _Atomic unsigned references;
    uint32_t height, width;
    float values[]; /* [height][width], all finite */
};

/* A copy of values[height][width] with one reference. -EINVAL: an empty mask or one with more than
 * MASK_VALUES_MAX pixels, or a value that is no finite number (the sentence names its pixel);
 * -ENOMEM. */
int mask_values_create(struct mask_values **mask, const float *values, uint32_t height,
                       uint32_t width, struct error *error);

/* From a .npy file (processing/pixels/npy.h), with one reference. */
int mask_values_read(struct mask_values **mask, const char *path, struct error *error);

/* NULL gives NULL. */
struct mask_values *mask_values_ref(struct mask_values *mask);
/* NULL does nothing. */
void mask_values_unref(struct mask_values *mask);

/* Larger than any detector, small enough for a request. */
#define MASK_VALUES_MAX (1u << 24)
