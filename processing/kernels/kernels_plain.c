#include "processing/kernels/kernels.h"
#include "processing/kernels/kernels_inline.h"

/* The reference: what every other version is tested against, and what runs where nothing better is
 * there. */

KERNEL_INLINE uint64_t masked_sum(const struct mask *mask, const void *image, uint32_t pixel_size)
{
    const size_t block_pixels = MASK_BLOCK_SIZE / pixel_size;
    uint64_t sum = loose_sum(mask, image, pixel_size);
    for (size_t block = 0; block < mask->n_blocks; block++) {
        const uint8_t *const pixels = (const uint8_t *)image + mask->blocks[block].offset;
        const uint8_t *const chosen = mask->block_bytes + block * MASK_BLOCK_SIZE;
        for (size_t i = 0; i < block_pixels; i++)
            sum += pixel_at(pixels, i, pixel_size) & pixel_at(chosen, i, pixel_size);
    }
    return sum;
}

static uint64_t masked_sum_u8(const struct mask *mask, const void *image)
{
    return masked_sum(mask, image, 1);
}

static uint64_t masked_sum_u16(const struct mask *mask, const void *image)
{
    return masked_sum(mask, image, 2);
}

static uint64_t masked_sum_u32(const struct mask *mask, const void *image)
{
    return masked_sum(mask, image, 4);
}

KERNEL_INLINE int64_t weighted_sum(const struct mask_weights *mask, const void *image,
                                   uint32_t pixel_size)
{
    const size_t block_pixels = MASK_BLOCK_SIZE / pixel_size;
    uint64_t sum = loose_weighted_sum(mask, image, pixel_size);
    for (size_t block = 0; block < mask->n_blocks; block++) {
        const uint8_t *const pixels = (const uint8_t *)image + mask->offsets[block];
        const int16_t *const weights = mask->weights + block * block_pixels;
        for (size_t i = 0; i < block_pixels; i++)
            sum += (uint64_t)weights[i] * pixel_at(pixels, i, pixel_size);
    }
    return (int64_t)sum;
}

static int64_t weighted_sum_u8(const struct mask_weights *mask, const void *image)
{
    return weighted_sum(mask, image, 1);
}

static int64_t weighted_sum_u16(const struct mask_weights *mask, const void *image)
{
    return weighted_sum(mask, image, 2);
}

static int64_t weighted_sum_u32(const struct mask_weights *mask, const void *image)
{
    return weighted_sum(mask, image, 4);
}

static void moments_u8(struct moments *moments, const void *image, uint32_t height, uint32_t width)
{
    const struct patch whole = whole_image(image, height, width, 1);
    *moments = patch_moments(&whole, 1);
}

static void moments_u16(struct moments *moments, const void *image, uint32_t height, uint32_t width)
{
    const struct patch whole = whole_image(image, height, width, 2);
    *moments = patch_moments(&whole, 2);
}

static void moments_u32(struct moments *moments, const void *image, uint32_t height, uint32_t width)
{
    const struct patch whole = whole_image(image, height, width, 4);
    *moments = patch_moments(&whole, 4);
}

const struct kernels kernels_plain[KERNELS_PIXEL_SIZES] = {
    {masked_sum_u8, weighted_sum_u8, moments_u8, accumulate_u8, widen_u8},
    {masked_sum_u16, weighted_sum_u16, moments_u16, accumulate_u16, widen_u16},
    {masked_sum_u32, weighted_sum_u32, moments_u32, accumulate_u32, widen_u32},
};
