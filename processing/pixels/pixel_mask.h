#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "common/error.h"

/* Pixels that are not to be used. Never changed once made, freed with its last reference; any
 * thread. */
struct pixel_mask {
    _Atomic unsigned references;
    uint32_t height, width;
    uint64_t n_bad;
    uint8_t bad[]; /* [height][width], 1 where a pixel is bad, else 0 */
};

/* A copy of bad[height][width] (not 0: bad) with one reference. -EINVAL: empty or larger than
 * MASK_VALUES_MAX; -ENOMEM. */
int pixel_mask_create(struct pixel_mask **mask, const uint8_t *bad, uint32_t height, uint32_t width,
                      struct error *error);

/* From a .npy file (processing/pixels/npy.h) whose values are not 0 where a pixel is bad. */
int pixel_mask_read(struct pixel_mask **mask, const char *path, struct error *error);

/* As a .npy file of bool that does not exist yet. A negative errno with a sentence; then there is
 * no such file, unless there was one (-EEXIST). */
int pixel_mask_write(const struct pixel_mask *mask, const char *path, struct error *error);

/* NULL gives NULL. */
struct pixel_mask *pixel_mask_ref(struct pixel_mask *mask);
/* NULL does nothing. */
void pixel_mask_unref(struct pixel_mask *mask);

/* Its bytes for frames of this size; NULL: there is no mask, or it is of another size. */
const uint8_t *pixel_mask_fit(const struct pixel_mask *mask, uint32_t height, uint32_t width);
