#include "processing/kernels/kernels_weights_inline.h"

static void images_u8(const int16_t *table, const void *const *images, unsigned n, size_t n_pixels,
                      int64_t sums[][WEIGHT_LANES])
{
    weigh_images(table, images, n, n_pixels, 1, sums);
}

static void events_u8(const int16_t *table, const struct frame_events *events, int64_t *sums)
{
    weigh_events(table, events, 1, sums);
}

static void images_u16(const int16_t *table, const void *const *images, unsigned n, size_t n_pixels,
                       int64_t sums[][WEIGHT_LANES])
{
    weigh_images(table, images, n, n_pixels, 2, sums);
}

static void events_u16(const int16_t *table, const struct frame_events *events, int64_t *sums)
{
    weigh_events(table, events, 2, sums);
}

static void images_u32(const int16_t *table, const void *const *images, unsigned n, size_t n_pixels,
                       int64_t sums[][WEIGHT_LANES])
{
    weigh_images(table, images, n, n_pixels, 4, sums);
}

static void events_u32(const int16_t *table, const struct frame_events *events, int64_t *sums)
{
    weigh_events(table, events, 4, sums);
}

const struct weight_kernels weight_kernels_plain[KERNELS_PIXEL_SIZES] = {
    {images_u8, events_u8},
    {images_u16, events_u16},
    {images_u32, events_u32},
};
