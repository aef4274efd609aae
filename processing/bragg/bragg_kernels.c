#include "processing/bragg/bragg_kernels.h"

const struct bragg_kernels *bragg_kernels_for(enum cpu_isa isa)
{
#if defined(__x86_64__)
    if (isa == CPU_ISA_AVX512)
        return &bragg_kernels_avx512;
    if (isa == CPU_ISA_AVX2)
        return &bragg_kernels_avx2;
#endif
    return &bragg_kernels_plain;
}

void bragg_sums_plan_init(struct bragg_sums_plan *plan, const struct bragg_grid *grid,
                          const struct bragg_disk *disk, uint32_t step)
{
    *plan = (struct bragg_sums_plan){
        .rows = grid->rows,
        .stride = grid->stride,
        .buffer_stride = grid->buffer_stride,
        .border = grid->border,
        .step = step,
        .reach = disk->reach,
    };
    /* A disk is as high as it is wide; heights never grow with |dx|. */
    for (int dx = disk->reach; dx >= 0; dx--) {
        const int half = disk->half_width[dx];
        if (plan->n_heights > 0 && plan->half_height[plan->n_heights - 1] == half)
            continue;
        plan->half_height[plan->n_heights] = half;
        plan->last_column[plan->n_heights++] = dx;
    }
}
