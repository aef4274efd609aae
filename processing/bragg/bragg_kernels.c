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
    /* Half widths never grow with |dy|: from the last row inwards they rise. */
    for (int dy = disk->reach; dy >= 0; dy--) {
        const int half = disk->half_width[dy];
        if (plan->n_planes == 0 || plan->half_width[plan->n_planes - 1] != half)
            plan->half_width[plan->n_planes++] = half;
        plan->plane[dy] = plan->n_planes - 1;
    }
}

size_t bragg_planes_size(const struct bragg_sums_plan *plan)
{
    return (size_t)plan->n_planes * (plan->rows + 2 * (size_t)plan->reach) * plan->stride;
}
