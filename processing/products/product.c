#include "processing/products/product.h"

#include <stdlib.h>
#include <string.h>

void *product_accumulator_create(size_t size)
{
    void *const accumulator = aligned_alloc(64, (size + 63) / 64 * 64);
    if (accumulator)
        memset(accumulator, 0, size);
    return accumulator;
}

size_t map_dtype_size(enum map_dtype dtype)
{
    return dtype == MAP_DTYPE_U8 ? sizeof(uint8_t) : sizeof(uint64_t);
}
