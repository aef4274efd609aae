#define SATURATION_VECTOR 32
#include "processing/kernels/kernels_saturation_inline.h"

const struct saturation_kernels saturation_kernels_avx2[KERNELS_PIXEL_SIZES] = {
    {count_u8, add_u8},
    {count_u16, add_u16},
    {count_u32, add_u32},
};
