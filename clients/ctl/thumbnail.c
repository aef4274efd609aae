#include "clients/ctl/thumbnail.h"

#include <math.h>

/* Of brightness from 0 to 1. */
static const char *shade(double brightness)
{
    static const char *const shades[] = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
    const double step = floor(brightness * 5);
    return shades[step < 0 ? 0 : step > 4 ? 4 : (unsigned)step];
}

struct block {
    size_t y0, y1, x0, x1;
};

/* Mean of the measured positions of a block, NAN: none is. */
static double mean_of(const struct array *map, const struct array *measured, size_t width,
                      const struct block *block)
{
    double sum = 0;
    size_t n = 0;
    for (size_t y = block->y0; y < block->y1; y++) {
        for (size_t x = block->x0; x < block->x1; x++) {
            const size_t i = y * width + x;
            if (array_is_measured(map, measured, i)) {
                sum += array_value(map, i);
                n++;
            }
        }
    }
    return n > 0 ? sum / (double)n : NAN;
}

static void print_block(FILE *out, double mean, const struct array_statistics *statistics)
{
    const double span = statistics->high - statistics->low;
    if (isnan(mean))
        fputs("\u00b7", out);
    else
        fputs(shade(span > 0 ? (mean - statistics->low) / span : 0.5), out);
}

void thumbnail_print(FILE *out, const struct array *map, const struct array *measured,
                     unsigned columns, unsigned rows)
{
    struct array_statistics statistics;
    const size_t width = map->n_dims > 0 ? map->shape[map->n_dims - 1] : 0;
    if (width == 0 || map->count == 0 || array_statistics(&statistics, map, measured) != 0)
        return;
    const size_t height = map->count / width;
    /* Positions in a character, across; twice as many down. */
    size_t step = (width + columns - 1) / columns;
    while ((height + 2 * step - 1) / (2 * step) > rows)
        step++;
    for (size_t y = 0; y < height; y += 2 * step) {
        for (size_t x = 0; x < width; x += step) {
            const struct block block = {
                .y0 = y,
                .y1 = y + 2 * step < height ? y + 2 * step : height,
                .x0 = x,
                .x1 = x + step < width ? x + step : width,
            };
            print_block(out, mean_of(map, measured, width, &block), &statistics);
        }
        fputc('\n', out);
    }
}
