#include "processing/pixels/mask_values.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "processing/pixels/npy_file.h"

/* The header, and the widest values. */
#define FILE_SIZE_MAX (16384 + (size_t)8 * MASK_VALUES_MAX)

static int allocate(struct mask_values **mask, uint32_t height, uint32_t width, struct error *error)
{
    const uint64_t n = (uint64_t)height * width;
    if (n == 0 || n > MASK_VALUES_MAX)
        return error_set(error, -EINVAL,
                         "a mask of %" PRIu32 " x %" PRIu32
                         " values is not possible: 1 to %u values are",
                         height, width, MASK_VALUES_MAX);
    *mask = malloc(sizeof **mask + n * sizeof(*mask)->values[0]);
    if (!*mask) {
        error_set(error, -ENOMEM, "no memory for a mask of %" PRIu64 " values", n);
        return -ENOMEM;
    }
    atomic_init(&(*mask)->references, 1);
    (*mask)->height = height;
    (*mask)->width = width;
    return 0;
}

/* Frees a mask with a value that is no number, which may come from a double too large for a float.
 */
static int check(struct mask_values **mask, struct error *error)
{
    const struct mask_values *const made = *mask;
    for (size_t i = 0; i < (size_t)made->height * made->width; i++) {
        if (isfinite(made->values[i]))
            continue;
        error_set(error, -EINVAL,
                  "the weight of pixel (y, x) = (%zu, %zu) is no finite number; set weights of "
                  "pixels to leave out to 0",
                  i / made->width, i % made->width);
        mask_values_unref(*mask);
        *mask = NULL;
        return -EINVAL;
    }
    return 0;
}

int mask_values_create(struct mask_values **mask, const float *values, uint32_t height,
                       uint32_t width, struct error *error)
{
    const int status = allocate(mask, height, width, error);
    if (status)
        return status;
    memcpy((*mask)->values, values, (size_t)height * width * sizeof *values);
    return check(mask, error);
}

int mask_values_read(struct mask_values **mask, const char *path, struct error *error)
{
    struct npy_array array;
    void *bytes;
    int status = npy_file_read(&array, &bytes, path, FILE_SIZE_MAX, error);
    if (!status)
        status = allocate(mask, array.height, array.width, error);
    if (!status) {
        for (size_t i = 0; i < (size_t)array.height * array.width; i++)
            (*mask)->values[i] = (float)npy_value(&array, i);
        status = check(mask, error);
    }
    free(bytes);
    if (status)
        error_prefix(error, "mask file %s", path);
    return status;
}

struct mask_values *mask_values_ref(struct mask_values *mask)
{
    if (mask)
        atomic_fetch_add_explicit(&mask->references, 1, memory_order_relaxed);
    return mask;
}

void mask_values_unref(struct mask_values *mask)
{
    if (mask && atomic_fetch_sub_explicit(&mask->references, 1, memory_order_acq_rel) == 1)
        free(mask);
}
