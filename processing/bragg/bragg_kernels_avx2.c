#define BRAGG_VECTOR_SIZE 32
#include "processing/bragg/bragg_kernels_inline.h"
#include "processing/bragg/bragg_kernels_lookup_inline.h"

const struct bragg_kernels bragg_kernels_avx2 = BRAGG_KERNELS;
