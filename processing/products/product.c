#include "processing/products/product.h"

#include <string.h>

#include "common/huge_memory.h"

void *product_accumulator_create(size_t size)
{
    void *const accumulator = huge_memory_allocate(size);
    if (accumulator)
        memset(accumulator, 0, size);
    return accumulator;
}

size_t map_dtype_size(enum map_dtype dtype)
{
    return dtype == MAP_DTYPE_U8 ? sizeof(uint8_t) : sizeof(uint64_t);
}
