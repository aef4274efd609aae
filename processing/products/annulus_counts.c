#include "processing/products/annulus_counts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* First and one more than the last pixel of a side that the circle reaches. */
static void span(double centre, double radius, uint32_t side, uint32_t *first, uint32_t *n)
{
    const double low = floor(centre - radius), high = ceil(centre + radius);
    *first = low > 0 ? (uint32_t)low : 0;
    const uint32_t end = high < side - 1.0 ? (uint32_t)high + 1 : side;
    *n = end > *first ? end - *first : 0;
}

int annulus_counts_init(struct annulus_counts *annulus, const struct bragg_settings *settings,
                        const uint8_t *bad, const struct pixel_format *format)
{
    *annulus =
        (struct annulus_counts){.row_pixels = format->width, .pixel_size = format->pixel_size};
    span(settings->centre_y, settings->outer, format->height, &annulus->top, &annulus->height);
    span(settings->centre_x, settings->outer, format->width, &annulus->left, &annulus->width);
    annulus->mask = calloc((size_t)annulus->height * annulus->width + 1, sizeof *annulus->mask);
    if (!annulus->mask)
        return -ENOMEM;
    for (uint32_t i = 0; i < annulus->height; i++) {
        for (uint32_t j = 0; j < annulus->width; j++) {
            const uint32_t y = annulus->top + i, x = annulus->left + j;
            const double r = hypot(y - settings->centre_y, x - settings->centre_x);
            if (r < settings->inner || r > settings->outer ||
                (bad && bad[(size_t)y * format->width + x]))
                continue;
            annulus->mask[(size_t)i * annulus->width + j] = UINT32_MAX;
            annulus->n_pixels++;
        }
    }
    return 0;
}

void annulus_counts_finish(struct annulus_counts *annulus)
{
    free(annulus->mask);
    annulus->mask = NULL;
}

/* A row at a time: of bytes and pairs of bytes 32 bits are enough for it. */
static uint64_t sum_u8(const uint8_t *restrict row, const uint32_t *restrict mask, uint32_t n)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += row[i] & mask[i];
    return sum;
}

static uint64_t sum_u16(const uint16_t *restrict row, const uint32_t *restrict mask, uint32_t n)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += row[i] & mask[i];
    return sum;
}

static uint64_t sum_u32(const uint32_t *restrict row, const uint32_t *restrict mask, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += row[i] & mask[i];
    return sum;
}

uint64_t annulus_counts_sum(const struct annulus_counts *annulus, const void *image)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < annulus->height; i++) {
        const size_t first = (size_t)(annulus->top + i) * annulus->row_pixels + annulus->left;
        const uint32_t *const mask = annulus->mask + (size_t)i * annulus->width;
        if (annulus->pixel_size == 1)
            sum += sum_u8((const uint8_t *)image + first, mask, annulus->width);
        else if (annulus->pixel_size == 2)
            sum += sum_u16((const uint16_t *)image + first, mask, annulus->width);
        else
            sum += sum_u32((const uint32_t *)image + first, mask, annulus->width);
    }
    return sum;
}

double annulus_counts_mean(const struct annulus_counts *annulus, uint64_t counts)
{
    return annulus->n_pixels > 0 ? (double)counts / (double)annulus->n_pixels : 0;
}
