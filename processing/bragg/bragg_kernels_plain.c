#define BRAGG_VECTOR_SIZE 16
/* Where a byte's sum is less than what was added it has run over. */
#define ADD_8(a, b) (((a) + (b)) | (lanes_8)((a) + (b) < (a)))
#include "processing/bragg/bragg_kernels_inline.h"
#include "processing/bragg/bragg_kernels_lookup_inline.h"

static bool any_above_8(const uint8_t *sums, const uint8_t *cell, size_t n,
                        const uint8_t limits[BRAGG_CELLS])
{
    for (size_t i = 0; i < n; i++) {
        if (sums[i] > limits[cell[i]])
            return true;
    }
    return false;
}

const struct bragg_kernels bragg_kernels_plain = BRAGG_KERNELS;
