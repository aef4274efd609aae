#pragma once

#include <immintrin.h>

#include "processing/kernels/kernels_weights_inline.h"

/* Included by the files of AVX2 and AVX-512: with events, a vector holds the sums of the eight
 * masks, and more lanes would have nothing to do. */

/* Eight 32-bit sums, added to eight 64-bit ones. */
PIXEL_INLINE void add_eight(uint64_t *sums, __m256i eight)
{
    _Alignas(32) int32_t lanes[WEIGHT_LANES];
    _mm256_store_si256((__m256i *)lanes, eight);
    for (unsigned lane = 0; lane < WEIGHT_LANES; lane++)
        sums[lane] += (uint64_t)lanes[lane];
}

/* The same of the upper bytes of pixels of 16 bits. */
PIXEL_INLINE void add_eight_times_256(uint64_t *sums, __m256i eight)
{
    uint64_t of_upper[WEIGHT_LANES] = {0};
    add_eight(of_upper, eight);
    for (unsigned lane = 0; lane < WEIGHT_LANES; lane++)
        sums[lane] += of_upper[lane] << 8;
}

/* The weights of pixel's pair times n (at most 255), for each mask: at most 2^23 in size. */
PIXEL_INLINE __m256i weighed(const int16_t *table, uint32_t pixel, uint32_t n)
{
    const __m256i pair =
        _mm256_load_si256((const __m256i *)(table + (size_t)(pixel / 2) * WEIGHT_PAIR));
    return _mm256_madd_epi16(pair, _mm256_set1_epi32((int)(n << 16 * (pixel % 2))));
}

/* Events whose sums fit 32 bits: of one count, and of at most 255. */
#define ONES_PER_SUM 65536
#define EVENTS_PER_SUM 128

PIXEL_INLINE size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* Every listed pixel as one count. */
PIXEL_INLINE void weigh_ones(const int16_t *table, const uint32_t *pixels, size_t n, uint64_t *sums)
{
    __m256i eight[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t i = 0; i < n; i++)
        eight[i % 2] = _mm256_add_epi32(eight[i % 2], weighed(table, pixels[i], 1));
    add_eight(sums, _mm256_add_epi32(eight[0], eight[1]));
}

/* What these pixels have beyond one count. */
PIXEL_INLINE void weigh_more(const int16_t *table, const void *image, const uint32_t *pixels,
                             size_t n, uint32_t pixel_size, uint64_t *sums)
{
    __m256i eight = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i++) {
        const uint32_t counts = (uint32_t)pixel_value(image, pixels[i], pixel_size) - 1;
        if (__builtin_expect(pixel_size > 1 && counts > UINT8_MAX, 0))
            weigh_pixel(table, pixels[i], counts, sums);
        else
            eight = _mm256_add_epi32(eight, weighed(table, pixels[i], counts));
    }
    add_eight(sums, eight);
}

PIXEL_INLINE void weigh_events_by_vectors(const int16_t *table, const struct frame_events *events,
                                          uint32_t pixel_size, int64_t *sums)
{
    uint64_t sum[WEIGHT_LANES] = {0};
    for (size_t i = 0; i < events->n; i += ONES_PER_SUM)
        weigh_ones(table, events->pixels + i, at_most(events->n - i, ONES_PER_SUM), sum);
    for (size_t i = 0; i < events->n_more; i += EVENTS_PER_SUM)
        weigh_more(table, events->image, events->more + i,
                   at_most(events->n_more - i, EVENTS_PER_SUM), pixel_size, sum);
    memcpy(sums, sum, sizeof sum);
}

static void events_u8(const int16_t *table, const struct frame_events *events, int64_t *sums)
{
    weigh_events_by_vectors(table, events, 1, sums);
}

static void events_u16(const int16_t *table, const struct frame_events *events, int64_t *sums)
{
    weigh_events_by_vectors(table, events, 2, sums);
}

static void events_u32(const int16_t *table, const struct frame_events *events, int64_t *sums)
{
    weigh_events_by_vectors(table, events, 4, sums);
}

static void image_u32(const int16_t *table, const void *image, size_t n_pixels, int64_t *sums)
{
    weigh_image(table, image, n_pixels, 4, sums);
}

static void images_u32(const int16_t *table, const void *const *images, size_t n_pixels,
                       int64_t sums[][WEIGHT_LANES])
{
    weigh_images_one_by_one(table, images, n_pixels, sums, image_u32);
}
