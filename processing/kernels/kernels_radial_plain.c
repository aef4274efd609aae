#include "processing/kernels/kernels_radial_inline.h"

static void counts_u8(const struct radial_plan *plan, const void *image, uint64_t *counts)
{
    radial_sums(plan, image, counts, 1, POWER_1);
}

static void counts_u16(const struct radial_plan *plan, const void *image, uint64_t *counts)
{
    radial_sums(plan, image, counts, 2, POWER_1);
}

static void counts_u32(const struct radial_plan *plan, const void *image, uint64_t *counts)
{
    radial_sums(plan, image, counts, 4, POWER_1);
}

static void squares_u8(const struct radial_plan *plan, const void *image, uint64_t *counts,
                       uint64_t *squares)
{
    radial_squares(plan, image, counts, squares, 1);
}

static void squares_u16(const struct radial_plan *plan, const void *image, uint64_t *counts,
                        uint64_t *squares)
{
    radial_squares(plan, image, counts, squares, 2);
}

static void squares_u32(const struct radial_plan *plan, const void *image, uint64_t *counts,
                        uint64_t *squares)
{
    radial_squares(plan, image, counts, squares, 4);
}

const struct radial_kernels radial_kernels_plain[KERNELS_PIXEL_SIZES] = {
    {counts_u8, squares_u8},
    {counts_u16, squares_u16},
    {counts_u32, squares_u32},
};
