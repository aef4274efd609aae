#include "processing/products/mask_corrections.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>

struct frame_map {
    const uint8_t *bad;
    uint32_t height, width;
};

/* Adds `share` to the weights of the good pixels on the square of half-width `reach` around (y, x);
 * returns how many there are. */
static unsigned share_on_square(double *weights, const struct frame_map *map, int64_t y, int64_t x,
                                int64_t reach, double share)
{
    unsigned n = 0;
    for (int64_t row = y - reach; row <= y + reach; row++) {
        if (row < 0 || row >= map->height)
            continue;
        const bool whole_row = row == y - reach || row == y + reach;
        for (int64_t column = x - reach; column <= x + reach; column += whole_row ? 1 : 2 * reach) {
            if (column < 0 || column >= map->width)
                continue;
            const size_t i = (size_t)row * map->width + (size_t)column;
            if (map->bad[i])
                continue;
            weights[i] += share;
            n++;
        }
    }
    return n;
}

static void give_away(double *weights, const struct frame_map *map, uint32_t y, uint32_t x,
                      double weight)
{
    for (int64_t reach = 1; reach <= MASK_REPAIR_REACH; reach++) {
        const unsigned n = share_on_square(weights, map, y, x, reach, 0);
        if (n > 0) {
            share_on_square(weights, map, y, x, reach, weight / n);
            return;
        }
    }
}

void mask_fold_bad_pixels(double *weights, const uint8_t *bad, uint32_t height, uint32_t width)
{
    const struct frame_map map = {bad, height, width};
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            const size_t i = (size_t)y * width + x;
            const double weight = weights[i];
            if (!bad[i] || weight == 0)
                continue;
            weights[i] = 0;
            give_away(weights, &map, y, x, weight);
        }
    }
}

int mask_fold_gain(double *weights, const float *gain, uint32_t height, uint32_t width,
                   struct error *error)
{
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            const size_t i = (size_t)y * width + x;
            if (weights[i] == 0)
                continue;
            if (!isfinite(gain[i]))
                return error_set(error, -EINVAL,
                                 "the gain of pixel (y, x) = (%" PRIu32 ", %" PRIu32
                                 ") is no finite number; mark the pixel as bad",
                                 y, x);
            weights[i] *= (double)gain[i];
        }
    }
    return 0;
}
