#pragma once

#include "processing/kernels/kernels_weights_inline.h"

/*
 * Included by the files of AVX2 and AVX-512 behind what their vectors are:
 *
 *   lanes       a 32-bit sum for each mask
 *   lanes_weigh adds to each lane the weights of a pair times its pixels, one pair in all words
 *
 * A pair of pixels is a word of 32 bits, which is multiplied with the pair's weights for all masks
 * at once. Pixels are first made 16 bits wide in a place of their own, from which the processor
 * spreads a word over a vector while it loads it. Pixels of 16 bits are taken as two bytes each;
 * where the upper ones are all 0 they cost nothing.
 */

/* Pixels whose sums fit 32 bits: 128 pairs of at most 2 * 255 * 32767 are just below 2^31. */
#define PIXELS_PER_SUM 256

PIXEL_INLINE size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* Lanes, added to 64-bit sums; of the upper bytes of pixels `shift` is 8. */
PIXEL_INLINE void add_lanes(uint64_t *sums, lanes some, unsigned shift)
{
    _Alignas(64) int32_t each[WEIGHT_LANES];
    lanes_store(each, some);
    for (unsigned lane = 0; lane < WEIGHT_LANES; lane++)
        sums[lane] += (uint64_t)(int64_t)each[lane] << shift;
}

/* ---- images ---- */

/* Several of each image where one addition would have to wait for the last. */
typedef lanes image_lanes[CHAINS];

PIXEL_INLINE void add_chains(uint64_t *sums, const lanes *some, unsigned shift)
{
    lanes all = some[0];
    for (unsigned i = 1; i < CHAINS; i++)
        all = lanes_add(all, some[i]);
    add_lanes(sums, all, shift);
}

/* Pixels of a run of each image, 16 bits wide. */
struct wide_run {
    _Alignas(64) uint16_t pixels[PIXELS_PER_SUM];
};

/* Images whose sums stay in registers. */
#define IMAGES_AT_ONCE 4

/* n a multiple of 2 * CHAINS. */
PIXEL_INLINE void weigh_wide(const int16_t *weights, const struct wide_run *wide, unsigned n_images,
                             size_t n, uint64_t sums[][WEIGHT_LANES], unsigned shift)
{
    image_lanes some[IMAGES_AT_ONCE] = {0};
    for (size_t pair = 0; pair < n / 2; pair += CHAINS) {
        for (unsigned chain = 0; chain < CHAINS; chain++) {
            for (unsigned i = 0; i < n_images; i++)
                some[i][chain] = lanes_weigh(some[i][chain], weights + (pair + chain) * WEIGHT_PAIR,
                                             &wide[i].pixels[2 * (pair + chain)]);
        }
    }
    for (unsigned i = 0; i < n_images; i++)
        add_chains(sums[i], some[i], shift);
}

PIXEL_INLINE void weigh_run_u8(const int16_t *weights, const void *const *images, unsigned n_images,
                               size_t first, size_t n, uint64_t sums[][WEIGHT_LANES])
{
    struct wide_run wide[IMAGES_AT_ONCE];
    for (unsigned j = 0; j < n_images; j++) {
        const uint8_t *const run = (const uint8_t *)images[j] + first;
        for (size_t i = 0; i < n; i++)
            wide[j].pixels[i] = run[i];
    }
    weigh_wide(weights, wide, n_images, n, sums, 0);
}

PIXEL_INLINE void weigh_run_u16(const int16_t *weights, const void *const *images,
                                unsigned n_images, size_t first, size_t n,
                                uint64_t sums[][WEIGHT_LANES])
{
    struct wide_run lower[IMAGES_AT_ONCE], upper[IMAGES_AT_ONCE];
    uint16_t any = 0;
    for (unsigned j = 0; j < n_images; j++) {
        const uint16_t *const run = (const uint16_t *)images[j] + first;
        for (size_t i = 0; i < n; i++) {
            lower[j].pixels[i] = run[i] & 0xff;
            upper[j].pixels[i] = run[i] >> 8;
            any |= upper[j].pixels[i];
        }
    }
    weigh_wide(weights, lower, n_images, n, sums, 0);
    if (any)
        weigh_wide(weights, upper, n_images, n, sums, 8);
}

/* Both sizes of pixel, and both numbers of images, are constants where this is compiled. */
PIXEL_INLINE void weigh_run(const int16_t *weights, const void *const *images, unsigned n_images,
                            size_t first, size_t n, uint32_t pixel_size,
                            uint64_t sums[][WEIGHT_LANES])
{
    if (pixel_size == 1)
        weigh_run_u8(weights, images, n_images, first, n, sums);
    else
        weigh_run_u16(weights, images, n_images, first, n, sums);
}

/* Run by run, each with all images, so that a run's weights are still in the nearest cache. */
PIXEL_INLINE void weigh_by_runs(const int16_t *table, const void *const *images, unsigned n_images,
                                size_t n_pixels, uint32_t pixel_size, int64_t sums[][WEIGHT_LANES])
{
    const size_t n_in_steps = n_pixels - n_pixels % ((size_t)2 * CHAINS);
    uint64_t sum[WEIGHT_IMAGES][WEIGHT_LANES] = {{0}};
    for (size_t i = 0; i < n_in_steps; i += PIXELS_PER_SUM) {
        const size_t n = at_most(n_in_steps - i, PIXELS_PER_SUM);
        const int16_t *const weights = table + i / 2 * WEIGHT_PAIR;
        unsigned j = 0;
        for (; j + IMAGES_AT_ONCE <= n_images; j += IMAGES_AT_ONCE)
            weigh_run(weights, images + j, IMAGES_AT_ONCE, i, n, pixel_size, sum + j);
        for (; j < n_images; j++)
            weigh_run(weights, images + j, 1, i, n, pixel_size, sum + j);
    }
    for (unsigned j = 0; j < n_images; j++)
        weigh_rest(table, images[j], n_in_steps, n_pixels, pixel_size, sum[j]);
    memcpy(sums, sum, n_images * sizeof sum[0]);
}

static void images_u8(const int16_t *table, const void *const *images, unsigned n, size_t n_pixels,
                      int64_t sums[][WEIGHT_LANES])
{
    weigh_by_runs(table, images, n, n_pixels, 1, sums);
}

static void images_u16(const int16_t *table, const void *const *images, unsigned n, size_t n_pixels,
                       int64_t sums[][WEIGHT_LANES])
{
    weigh_by_runs(table, images, n, n_pixels, 2, sums);
}

static void images_u32(const int16_t *table, const void *const *images, unsigned n, size_t n_pixels,
                       int64_t sums[][WEIGHT_LANES])
{
    weigh_images(table, images, n, n_pixels, 4, sums);
}

/* ---- events ---- */

/* Adds the weights of pixel's pair times n (at most 255), for each mask: at most 2^23 in size. */
PIXEL_INLINE lanes weigh_one(lanes sum, const int16_t *table, uint32_t pixel, uint32_t n)
{
    const uint32_t pair = n << 16 * (pixel % 2);
    return lanes_weigh(sum, table + (size_t)(pixel / 2) * WEIGHT_PAIR, &pair);
}

/* Events whose sums fit 32 bits: of one count, and of at most 255. */
#define ONES_PER_SUM 65536
#define EVENTS_PER_SUM 128

/* Events whose weights are on their way while one is added; lists have EVENTS_ROOM_MORE. */
#define AHEAD 48
_Static_assert(AHEAD <= EVENTS_ROOM_MORE, "what is looked at lies in the list's room");

/* Every listed pixel as one count. */
PIXEL_INLINE void weigh_ones(const int16_t *table, const uint32_t *list, size_t n, uint64_t *sums)
{
    lanes two[2] = {0};
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(table + (size_t)(list[i + AHEAD] / 2) * WEIGHT_PAIR);
        two[i % 2] = weigh_one(two[i % 2], table, list[i], 1);
    }
    add_lanes(sums, lanes_add(two[0], two[1]), 0);
}

/* What these pixels have beyond one count. */
PIXEL_INLINE void weigh_more(const int16_t *table, const void *image, const uint32_t *list,
                             size_t n, uint32_t pixel_size, uint64_t *sums)
{
    lanes some = {0};
    for (size_t i = 0; i < n; i++) {
        const uint32_t counts = (uint32_t)pixel_value(image, list[i], pixel_size) - 1;
        if (__builtin_expect(pixel_size > 1 && counts > UINT8_MAX, 0))
            weigh_pixel(table, list[i], counts, sums);
        else
            some = weigh_one(some, table, list[i], counts);
    }
    add_lanes(sums, some, 0);
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
