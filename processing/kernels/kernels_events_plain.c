#include "processing/kernels/kernels_events_inline.h"

PIXEL_INLINE size_t list(uint32_t *pixels, uint32_t *more, size_t *n_more, const void *image,
                         size_t n_pixels, uint32_t pixel_size, size_t max)
{
    struct event_lists lists = {pixels, more, 0, 0};
    list_rest(&lists, image, 0, n_pixels, pixel_size, max);
    *n_more = lists.n_more;
    return lists.n;
}

#include "processing/kernels/kernels_events_sizes_inline.h"

static size_t list_bits(uint32_t *pixels, const uint8_t *payload, const struct bit_order *order,
                        size_t max)
{
    return list_bits_of_words(pixels, payload, order, max);
}

const struct event_kernels event_kernels_plain[KERNELS_PIXEL_SIZES] = {
    {list_u8, list_bits},
    {list_u16, list_bits},
    {list_u32, list_bits},
};
