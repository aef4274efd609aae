#include "processing/kernels/kernels_squares_inline.h"

const struct square_kernels square_kernels_avx2[KERNELS_PIXEL_SIZES] = {
    {maximum_u8, pairs_u8},
    {maximum_u16, pairs_u16},
    {maximum_u32, pairs_u32},
};
