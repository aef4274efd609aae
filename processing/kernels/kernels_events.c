#include "processing/kernels/kernels_events.h"

#include <string.h>

#include "processing/kernels/kernels_pixel.h"
#include "processing/pixels/radial_bins.h"

PIXEL_INLINE uint64_t count_of(const struct frame_events *events, size_t i, uint32_t pixel_size)
{
    return events->image ? pixel_value(events->image, events->pixels[i], pixel_size) : 1;
}

/* ---- rings ---- */

PIXEL_INLINE void add_counts(const struct frame_events *events, uint32_t pixel_size,
                             const uint16_t *bin_of, uint64_t *counts)
{
    for (size_t i = 0; i < events->n; i++)
        counts[bin_of[events->pixels[i]]] += count_of(events, i, pixel_size);
}

PIXEL_INLINE void add_counts_and_squares(const struct frame_events *events, uint32_t pixel_size,
                                         const uint16_t *bin_of, uint64_t *counts,
                                         uint64_t *squares)
{
    for (size_t i = 0; i < events->n; i++) {
        const uint32_t bin = bin_of[events->pixels[i]];
        const uint64_t n = count_of(events, i, pixel_size);
        counts[bin] += n;
        squares[bin] += n * n;
    }
}

PIXEL_INLINE void rings(const struct frame_events *events, uint32_t pixel_size,
                        const uint16_t *bin_of, uint64_t *counts, uint64_t *squares)
{
    if (squares)
        add_counts_and_squares(events, pixel_size, bin_of, counts, squares);
    else
        add_counts(events, pixel_size, bin_of, counts);
}

void events_rings(const struct frame_events *events, uint32_t pixel_size, const uint16_t *bin_of,
                  uint32_t n_bins, uint64_t *counts, uint64_t *squares)
{
    /* One more, for what has no bin. */
    uint64_t all[2][RADIAL_MAX_BINS + 1];
    memset(all[0], 0, (n_bins + 1) * sizeof(uint64_t));
    memset(all[1], 0, (n_bins + 1) * sizeof(uint64_t));
    uint64_t *const all_squares = squares ? all[1] : NULL;
    if (pixel_size == 1)
        rings(events, 1, bin_of, all[0], all_squares);
    else if (pixel_size == 2)
        rings(events, 2, bin_of, all[0], all_squares);
    else
        rings(events, 4, bin_of, all[0], all_squares);
    memcpy(counts, all[0], n_bins * sizeof *counts);
    if (squares)
        memcpy(squares, all[1], n_bins * sizeof *squares);
}

/* ---- patterns ---- */

static void add_u8(const struct frame_events *events, uint16_t *tile, uint8_t *maximum)
{
    for (size_t i = 0; i < events->n; i++) {
        const uint32_t pixel = events->pixels[i];
        const uint8_t n = (uint8_t)count_of(events, i, 1);
        tile[pixel] = (uint16_t)(tile[pixel] + n);
        if (n > maximum[pixel]) /* soon rare, and what is not written stays clean in the cache */
            maximum[pixel] = n;
    }
}

static void add_u16(const struct frame_events *events, uint32_t *tile, uint16_t *maximum)
{
    for (size_t i = 0; i < events->n; i++) {
        const uint32_t pixel = events->pixels[i];
        const uint16_t n = (uint16_t)count_of(events, i, 2);
        tile[pixel] += n;
        if (n > maximum[pixel]) /* soon rare, and what is not written stays clean in the cache */
            maximum[pixel] = n;
    }
}

static void add_u32(const struct frame_events *events, uint64_t *tile, uint32_t *maximum)
{
    for (size_t i = 0; i < events->n; i++) {
        const uint32_t pixel = events->pixels[i];
        const uint32_t n = (uint32_t)count_of(events, i, 4);
        tile[pixel] += n;
        if (n > maximum[pixel]) /* soon rare, and what is not written stays clean in the cache */
            maximum[pixel] = n;
    }
}

void events_add(const struct frame_events *events, uint32_t pixel_size, void *tile, void *maximum)
{
    if (pixel_size == 1)
        add_u8(events, tile, maximum);
    else if (pixel_size == 2)
        add_u16(events, tile, maximum);
    else
        add_u32(events, tile, maximum);
}

static void add_squares_u8(const struct frame_events *events, uint16_t *sums, uint32_t *squares)
{
    for (size_t i = 0; i < events->n; i++) {
        const uint32_t pixel = events->pixels[i];
        const uint32_t n = (uint32_t)count_of(events, i, 1);
        sums[pixel] = (uint16_t)(sums[pixel] + n);
        squares[pixel] += n * n;
    }
}

static void add_squares_u16(const struct frame_events *events, uint32_t *sums, uint64_t *squares)
{
    for (size_t i = 0; i < events->n; i++) {
        const uint32_t pixel = events->pixels[i];
        const uint32_t n = (uint32_t)count_of(events, i, 2);
        sums[pixel] += n;
        squares[pixel] += (uint32_t)(n * n);
    }
}

static void add_squares_u32(const struct frame_events *events, uint64_t *sums, uint64_t *low,
                            uint64_t *high)
{
    for (size_t i = 0; i < events->n; i++) {
        const uint32_t pixel = events->pixels[i];
        const uint64_t n = count_of(events, i, 4);
        sums[pixel] += n;
        low[pixel] += (uint32_t)(n * n);
        high[pixel] += n * n >> 32;
    }
}

void events_add_squares(const struct frame_events *events, uint32_t pixel_size, void *sums,
                        void *squares, size_t n_pixels)
{
    if (pixel_size == 1)
        add_squares_u8(events, sums, squares);
    else if (pixel_size == 2)
        add_squares_u16(events, sums, squares);
    else
        add_squares_u32(events, sums, squares, (uint64_t *)squares + n_pixels);
}
