#include "processing/analysis/map_profile.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct map {
    const double *values;
    uint32_t ny, nx;
};

static double map_at(const struct map *map, double row, double column)
{
    if (row < 0 || column < 0 || row >= map->ny || column >= map->nx)
        return NAN;
    return map->values[(uint64_t)row * map->nx + (uint64_t)column];
}

/* A position without weight need not be measured: values are exact on positions and on the border.
 */
static double weighted(const struct map *map, double row, double column, double weight)
{
    return weight > 0 ? weight * map_at(map, row, column) : 0;
}

static double sample_bilinear(const struct map *map, double y, double x)
{
    const double row = floor(y), column = floor(x), down = y - row, right = x - column;
    return weighted(map, row, column, (1 - down) * (1 - right)) +
           weighted(map, row, column + 1, (1 - down) * right) +
           weighted(map, row + 1, column, down * (1 - right)) +
           weighted(map, row + 1, column + 1, down * right);
}

/* Lines drawn from whole positions must not fall between them by rounding. */
static double settle(double place)
{
    const double nearest = round(place);
    return fabs(place - nearest) < 1e-9 ? nearest : place;
}

static double sample(const struct map *map, enum map_sampling sampling, double y, double x)
{
    y = settle(y);
    x = settle(x);
    if (sampling == MAP_SAMPLING_BILINEAR)
        return sample_bilinear(map, y, x);
    return map_at(map, floor(y + 0.5), floor(x + 0.5));
}

/* Mean over the width at a place on the line; (across_y, across_x) is the unit vector across it. */
static void sample_across(struct map_profile *profile, size_t i, const struct map *map,
                          const struct map_line *line, const double place[2],
                          const double across[2])
{
    const double width = fmax(line->width, 1);
    const uint32_t n_across = (uint32_t)lround(width);
    double mean = 0, squares = 0;
    uint32_t count = 0;
    for (uint32_t j = 0; j < n_across; j++) {
        const double offset = (j - (n_across - 1) / 2.0) * width / n_across;
        const double value = sample(map, line->sampling, place[0] + offset * across[0],
                                    place[1] + offset * across[1]);
        if (!isfinite(value))
            continue;
        const double difference = value - mean;
        mean += difference / ++count;
        squares += difference * (value - mean);
    }
    profile->counts[i] = count;
    profile->values[i] = count ? mean : NAN;
    profile->errors[i] = count > 1 ? sqrt(squares / (count - 1) / count) : NAN;
}

static int allocate(struct map_profile *profile)
{
    profile->values = malloc(profile->n * sizeof *profile->values);
    profile->errors = malloc(profile->n * sizeof *profile->errors);
    profile->counts = malloc(profile->n * sizeof *profile->counts);
    return profile->values && profile->errors && profile->counts ? 0 : -ENOMEM;
}

int map_profile_init(struct map_profile *profile, const struct map_line *line, const double *map,
                     uint32_t ny, uint32_t nx, struct error *error)
{
    enum { MAX_LENGTH = 65536 };
    const double along_y = line->to_y - line->from_y, along_x = line->to_x - line->from_x;
    const double length = hypot(along_y, along_x);
    if (!(length > 0 && length <= MAX_LENGTH) || !(line->width <= MAX_LENGTH))
        return error_set(error, -EINVAL,
                         "a line profile of length %g and width %g: give a length above 0, and at "
                         "most %d scan positions for both",
                         length, line->width, MAX_LENGTH);
    const struct map source = {.values = map, .ny = ny, .nx = nx};
    const double across[2] = {-along_x / length, along_y / length};
    *profile = (struct map_profile){.n = (size_t)ceil(length - 1e-9) + 1};
    profile->spacing = length / (double)(profile->n - 1);
    if (allocate(profile) < 0) {
        map_profile_finish(profile);
        return error_set(error, -ENOMEM, "no memory for a line profile of %zu values", profile->n);
    }
    for (size_t i = 0; i < profile->n; i++) {
        const double part = (double)i / (double)(profile->n - 1);
        const double place[2] = {line->from_y + part * along_y, line->from_x + part * along_x};
        sample_across(profile, i, &source, line, place, across);
    }
    return 0;
}

void map_profile_finish(struct map_profile *profile)
{
    free(profile->values);
    free(profile->errors);
    free(profile->counts);
    *profile = (struct map_profile){0};
}
