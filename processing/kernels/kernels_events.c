#include "processing/kernels/kernels_events.h"

#include <string.h>

#include "processing/kernels/kernels_pixel.h"
#include "processing/pixels/radial_bins.h"

PIXEL_INLINE uint64_t count_of(const struct frame_events *events, size_t i, uint32_t pixel_size)
{
    return pixel_value(events->image, events->more[i], pixel_size);
}

/* ---- rings ---- */

/* One more, for what has no bin. */
typedef uint64_t ring_sums[RADIAL_MAX_BINS + 1];

static void add_ones(const struct frame_events *events, const uint16_t *bin_of, uint64_t *counts)
{
    for (size_t i = 0; i < events->n; i++)
        counts[bin_of[events->pixels[i]]]++;
}

/* What there is beyond one count a pixel. */
PIXEL_INLINE void add_more(const struct frame_events *events, uint32_t pixel_size,
                           const uint16_t *bin_of, uint64_t *counts, uint64_t *pairs)
{
    for (size_t i = 0; i < events->n_more; i++) {
        const uint32_t bin = bin_of[events->more[i]];
        const uint64_t n = count_of(events, i, pixel_size);
        counts[bin] += n - 1;
        pairs[bin] += n * (n - 1);
    }
}

void events_rings(const struct frame_events *events, uint32_t pixel_size, const uint16_t *bin_of,
                  uint32_t n_bins, uint64_t *counts, uint64_t *squares)
{
    ring_sums ones, pairs;
    memset(ones, 0, (n_bins + 1) * sizeof ones[0]);
    memset(pairs, 0, (n_bins + 1) * sizeof pairs[0]);
    add_ones(events, bin_of, ones);
    if (pixel_size == 1)
        add_more(events, 1, bin_of, ones, pairs);
    else if (pixel_size == 2)
        add_more(events, 2, bin_of, ones, pairs);
    else
        add_more(events, 4, bin_of, ones, pairs);
    memcpy(counts, ones, n_bins * sizeof *counts);
    for (uint32_t bin = 0; squares && bin < n_bins; bin++)
        squares[bin] = counts[bin] + pairs[bin]; /* n^2 is n + n(n - 1) */
}

/* ---- patterns ---- */

static void add_u8(const struct frame_events *events, uint16_t *tile)
{
    for (size_t i = 0; i < events->n; i++)
        tile[events->pixels[i]]++;
    for (size_t i = 0; i < events->n_more; i++)
        tile[events->more[i]] = (uint16_t)(tile[events->more[i]] + count_of(events, i, 1) - 1);
}

static void add_u16(const struct frame_events *events, uint32_t *tile)
{
    for (size_t i = 0; i < events->n; i++)
        tile[events->pixels[i]]++;
    for (size_t i = 0; i < events->n_more; i++)
        tile[events->more[i]] += (uint32_t)count_of(events, i, 2) - 1;
}

static void add_u32(const struct frame_events *events, uint64_t *tile)
{
    for (size_t i = 0; i < events->n; i++)
        tile[events->pixels[i]]++;
    for (size_t i = 0; i < events->n_more; i++)
        tile[events->more[i]] += count_of(events, i, 4) - 1;
}

static void add(const struct frame_events *events, uint32_t pixel_size, void *tile)
{
    if (pixel_size == 1)
        add_u8(events, tile);
    else if (pixel_size == 2)
        add_u16(events, tile);
    else
        add_u32(events, tile);
}

PIXEL_INLINE void raise_one(void *maximum, uint32_t pixel, uint64_t n, uint32_t pixel_size)
{
    if (n <= pixel_value(maximum, pixel, pixel_size))
        return;
    if (pixel_size == 1)
        ((uint8_t *)maximum)[pixel] = (uint8_t)n;
    else if (pixel_size == 2)
        ((uint16_t *)maximum)[pixel] = (uint16_t)n;
    else
        ((uint32_t *)maximum)[pixel] = (uint32_t)n;
}

void events_add(const struct frame_events *events, uint32_t pixel_size, void *tile, void *maximum)
{
    add(events, pixel_size, tile);
    for (size_t i = 0; i < events->n_more; i++)
        raise_one(maximum, events->more[i], count_of(events, i, pixel_size), pixel_size);
}

void events_add_pairs(const struct frame_events *events, uint32_t pixel_size, void *sums,
                      void *pairs, size_t n_pixels)
{
    add(events, pixel_size, sums);
    for (size_t i = 0; i < events->n_more; i++) {
        const uint32_t pixel = events->more[i];
        const uint64_t n = count_of(events, i, pixel_size);
        const uint64_t n_pairs = n * (n - 1);
        if (pixel_size == 1) {
            ((uint32_t *)pairs)[pixel] += (uint32_t)n_pairs;
        } else if (pixel_size == 2) {
            ((uint64_t *)pairs)[pixel] += n_pairs;
        } else {
            ((uint64_t *)pairs)[pixel] += (uint32_t)n_pairs;
            ((uint64_t *)pairs)[n_pixels + pixel] += n_pairs >> 32;
        }
    }
}
