#include "processing/pixels/pixel_mask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "processing/pixels/mask_values.h"
#include "processing/pixels/npy_file.h"

static int allocate(struct pixel_mask **mask, uint32_t height, uint32_t width, struct error *error)
{
    const uint64_t n = (uint64_t)height * width;
    *mask = NULL;
    if (n == 0 || n > MASK_VALUES_MAX)
        return error_set(error, -EINVAL,
                         "a mask of %" PRIu32 " x %" PRIu32
                         " pixels is not possible: 1 to %u pixels are",
                         height, width, MASK_VALUES_MAX);
    *mask = calloc(1, sizeof **mask + n);
    if (!*mask)
        return error_set(error, -ENOMEM, "no memory for a mask of %" PRIu64 " pixels", n);
    atomic_init(&(*mask)->references, 1);
    (*mask)->height = height;
    (*mask)->width = width;
    return 0;
}

int pixel_mask_create(struct pixel_mask **mask, const uint8_t *bad, uint32_t height, uint32_t width,
                      struct error *error)
{
    const int r = allocate(mask, height, width, error);
    if (!*mask)
        return r;
    for (size_t i = 0; i < (size_t)height * width; i++) {
        (*mask)->bad[i] = bad[i] != 0;
        (*mask)->n_bad += bad[i] != 0;
    }
    return 0;
}

int pixel_mask_read(struct pixel_mask **mask, const char *path, struct error *error)
{
    struct mask_values *values;
    int r = mask_values_read(&values, path, error);
    if (r < 0)
        return r;
    r = allocate(mask, values->height, values->width, error);
    for (size_t i = 0; *mask && i < (size_t)values->height * values->width; i++) {
        const bool bad = values->values[i] != 0;
        (*mask)->bad[i] = bad;
        (*mask)->n_bad += bad;
    }
    mask_values_unref(values);
    return r;
}

int pixel_mask_write(const struct pixel_mask *mask, const char *path, struct error *error)
{
    const struct npy_array array = {NPY_BOOL, mask->height, mask->width, mask->bad};
    const int r = npy_file_write(&array, path, error);
    if (r < 0)
        error_prefix(error, "mask file %s", path);
    return r;
}

struct pixel_mask *pixel_mask_ref(struct pixel_mask *mask)
{
    if (mask)
        atomic_fetch_add_explicit(&mask->references, 1, memory_order_relaxed);
    return mask;
}

void pixel_mask_unref(struct pixel_mask *mask)
{
    if (mask && atomic_fetch_sub_explicit(&mask->references, 1, memory_order_acq_rel) == 1)
        free(mask);
}

const uint8_t *pixel_mask_fit(const struct pixel_mask *mask, uint32_t height, uint32_t width)
{
    return mask && mask->height == height && mask->width == width ? mask->bad : NULL;
}
