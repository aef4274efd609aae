#include "processing/kernels/kernels_saturation.h"

static const struct saturation_kernels *table_of(enum cpu_isa isa)
{
#if defined(__x86_64__)
    if (isa == CPU_ISA_AVX512)
        return saturation_kernels_avx512;
    if (isa == CPU_ISA_AVX2)
        return saturation_kernels_avx2;
#endif
    return saturation_kernels_plain;
}

const struct saturation_kernels *saturation_kernels_for(enum cpu_isa isa, uint32_t pixel_size)
{
    const struct saturation_kernels *const table = table_of(isa);
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
