#include "processing/kernels/kernels.h"

#include "processing/kernels/kernels_bits.h"
#include "processing/kernels/kernels_choose.h"
#include "processing/kernels/kernels_events.h"
#include "processing/kernels/kernels_radial.h"
#include "processing/kernels/kernels_saturation.h"
#include "processing/kernels/kernels_squares.h"
#include "processing/kernels/kernels_weights.h"

const struct kernels *kernels_for(enum cpu_isa isa, uint32_t pixel_size)
{
    return KERNELS_CHOOSE(kernels, isa, pixel_size);
}

const struct radial_kernels *radial_kernels_for(enum cpu_isa isa, uint32_t pixel_size)
{
    return KERNELS_CHOOSE(radial_kernels, isa, pixel_size);
}

bool radial_kernels_need_tiles(enum cpu_isa isa)
{
    return isa == CPU_ISA_AVX512;
}

const struct square_kernels *square_kernels_for(enum cpu_isa isa, uint32_t pixel_size)
{
    return KERNELS_CHOOSE(square_kernels, isa, pixel_size);
}

const struct event_kernels *event_kernels_for(enum cpu_isa isa, uint32_t pixel_size)
{
    return KERNELS_CHOOSE(event_kernels, isa, pixel_size);
}

const struct weight_kernels *weight_kernels_for(enum cpu_isa isa, uint32_t pixel_size)
{
    return KERNELS_CHOOSE(weight_kernels, isa, pixel_size);
}

const struct bit_kernels *bit_kernels_for(enum cpu_isa isa)
{
    return KERNELS_TABLES(bit_kernels)[isa];
}

const struct saturation_kernels *saturation_kernels_for(enum cpu_isa isa, uint32_t pixel_size)
{
    return KERNELS_CHOOSE(saturation_kernels, isa, pixel_size);
}
