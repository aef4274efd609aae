#include "detector/sim/glass_sensor.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum purpose { PURPOSE_SENSITIVITY = 30, PURPOSE_DEFECTS };

#define FLAT_FIELD_MAX 3 /* times its rms: the least and most sensitive pixels */

static double draw_sensitivity(const struct glass_sensor *sensor, struct random_stream *stream)
{
    double pair[2];
    do
        random_normal_pair(stream, pair);
    while (fabs(pair[0]) > FLAT_FIELD_MAX);
    return fmax(0, 1 + sensor->settings.flat_field * pair[0]);
}

static bool is_behind_stop(const struct glass_sensor_settings *settings, double y, double x)
{
    const double dy = y - settings->stop_centre[0], dx = x - settings->stop_centre[1];
    return settings->stop_radius > 0 && (hypot(dy, dx) <= settings->stop_radius ||
                                         (dx > 0 && fabs(dy) <= settings->arm_width / 2));
}

static bool is_in_cross(const struct glass_sensor *sensor, uint32_t y, uint32_t x)
{
    const uint32_t cross = sensor->settings.cross, first = (sensor->side - cross) / 2;
    return y - first < cross || x - first < cross;
}

static void draw_pixels(struct glass_sensor *sensor, uint64_t seed)
{
    const struct glass_sensor_settings *settings = &sensor->settings;
    struct random_stream flat = random_stream_make(seed, PURPOSE_SENSITIVITY, 0);
    struct random_stream defects = random_stream_make(seed, PURPOSE_DEFECTS, 0);
    sensor->best = 1 + FLAT_FIELD_MAX * settings->flat_field;
    for (uint32_t y = 0, i = 0; y < sensor->side; y++) {
        for (uint32_t x = 0; x < sensor->side; x++, i++) {
            const double sensitivity = settings->flat_field ? draw_sensitivity(sensor, &flat) : 1;
            const double fate = random_unit(&defects);
            const bool dead = fate < settings->dead || is_in_cross(sensor, y, x);
            sensor->passes[i] = (uint16_t)lrint(UINT16_MAX * sensitivity / sensor->best);
            if (dead)
                sensor->dead[sensor->dead_pixels++] = i;
            else if (fate < settings->dead + settings->hot)
                sensor->hot[sensor->hot_pixels++] = i;
            if (dead || is_behind_stop(settings, y, x))
                sensor->passes[i] = 0;
        }
    }
}

int glass_sensor_init(struct glass_sensor *sensor, uint32_t side, uint64_t seed,
                      const struct glass_sensor_settings *settings)
{
    const size_t pixels = (size_t)side * side;
    *sensor = (struct glass_sensor){.side = side, .settings = *settings};
    sensor->passes = malloc(pixels * sizeof *sensor->passes);
    sensor->dead = malloc(pixels * sizeof *sensor->dead);
    sensor->hot = malloc(pixels * sizeof *sensor->hot);
    if (!sensor->passes || !sensor->dead || !sensor->hot) {
        glass_sensor_finish(sensor);
        return -ENOMEM;
    }
    draw_pixels(sensor, seed);
    return 0;
}

void glass_sensor_finish(struct glass_sensor *sensor)
{
    free(sensor->passes);
    free(sensor->dead);
    free(sensor->hot);
    *sensor = (struct glass_sensor){0};
}

double glass_sensor_electrons(const struct glass_sensor *sensor, double counts)
{
    return counts * sensor->best / (sensor->settings.charge_sharing ? GLASS_CLUSTER_MEAN : 1);
}

static unsigned count_at(const struct glass_sensor *sensor, int64_t y, int64_t x, uint32_t *counts)
{
    if (y < 0 || x < 0 || y >= sensor->side || x >= sensor->side)
        return 0;
    counts[(size_t)y * sensor->side + (size_t)x]++;
    return 1;
}

/* Pixels besides the first one share an edge with it as long as there are such. */
static unsigned share(const struct glass_sensor *sensor, struct random_stream *stream, int64_t y,
                      int64_t x, uint32_t *counts)
{
    const uint64_t bits = random_bits(stream);
    const double size = random_unit_of(bits & ~UINT64_C(0xfff));
    const int64_t up = bits & 1 ? 1 : -1, right = bits & 2 ? 1 : -1;
    if (size < 0.45)
        return 0;
    if (size < 0.80)
        return bits & 4 ? count_at(sensor, y + up, x, counts)
                        : count_at(sensor, y, x + right, counts);
    const unsigned edges =
        count_at(sensor, y + up, x, counts) + count_at(sensor, y, x + right, counts);
    return size < 0.95 ? edges : edges + count_at(sensor, y + up, x + right, counts);
}

unsigned glass_sensor_hit(const struct glass_sensor *sensor, struct random_stream *stream, double y,
                          double x, uint32_t *counts)
{
    const double row = floor(y + 0.5), column = floor(x + 0.5);
    if (!(row >= 0 && column >= 0 && row < sensor->side && column < sensor->side))
        return 0;
    const uint16_t passes = sensor->passes[(size_t)row * sensor->side + (size_t)column];
    if (passes < UINT16_MAX && (random_bits(stream) & UINT16_MAX) >= passes)
        return 0;
    const unsigned first = count_at(sensor, (int64_t)row, (int64_t)column, counts);
    if (!sensor->settings.charge_sharing)
        return first;
    return first + share(sensor, stream, (int64_t)row, (int64_t)column, counts);
}

void glass_sensor_defects(const struct glass_sensor *sensor, struct random_stream *stream,
                          uint32_t *counts)
{
    for (uint32_t i = 0; i < sensor->dead_pixels; i++)
        counts[sensor->dead[i]] = 0;
    for (uint32_t i = 0; i < sensor->hot_pixels; i++)
        counts[sensor->hot[i]] += (uint32_t)random_poisson(stream, sensor->settings.hot_counts);
}
