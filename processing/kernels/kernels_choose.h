#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"

/*
 * How every family of kernels is chosen: it has a table NAME_plain, NAME_avx2 and NAME_avx512, each
 * with an element for pixels of 1, 2 and 4 bytes.
 */
#define KERNELS_PIXEL_SIZES 3

#if defined(__x86_64__)
#    define KERNELS_TABLES(name) ((const void *[]){name##_plain, name##_avx2, name##_avx512})
#else
#    define KERNELS_TABLES(name) ((const void *[]){name##_plain, name##_plain, name##_plain})
#endif

/* NULL for pixels of another size. */
static inline const void *kernels_choose(const void *const *tables, enum cpu_isa isa,
                                         uint32_t pixel_size, size_t element_size)
{
    if (pixel_size != 1 && pixel_size != 2 && pixel_size != 4)
        return NULL;
    return (const uint8_t *)tables[isa] + pixel_size / 2 * element_size;
}

#define KERNELS_CHOOSE(name, isa, pixel_size)                                                      \
    kernels_choose(KERNELS_TABLES(name), isa, pixel_size, sizeof name##_plain[0])
