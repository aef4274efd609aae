#include "processing/kernels/kernels_radial.h"

static const struct radial_kernels *table_of(enum cpu_isa isa)
{
#if defined(__x86_64__)
    if (isa == CPU_ISA_AVX512)
        return radial_kernels_avx512;
    if (isa == CPU_ISA_AVX2)
        return radial_kernels_avx2;
#endif
    return radial_kernels_plain;
}

const struct radial_kernels *radial_kernels_for(enum cpu_isa isa, uint32_t pixel_size)
{
    const struct radial_kernels *const table = table_of(isa);
    switch (pixel_size) {
    case 1:
        return &table[0];
    case 2:
        return &table[1];
    case 4:
        return &table[2];
    default:
        return NULL;
    }
}

bool radial_kernels_need_tiles(enum cpu_isa isa)
{
#if defined(__x86_64__)
    return isa == CPU_ISA_AVX512;
#else
    return false;
#endif
}
