#include "detector/sim/glass_pattern.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum purpose { PURPOSE_COUNTS = 1, PURPOSE_REFLECTIONS, PURPOSE_DEFECTS };

#define RING_FWHM 9.4 /* the figures for a 256-pixel frame */
#define TAIL_LENGTH 25.0
#define DISK_RADIUS 3.36
#define DIRECT_BEAM 40.0
#define TAIL_HEIGHT 0.25
#define FWHM_OF_SIGMA 2.3548200450309493

struct glass_optics glass_optics_default(uint32_t side)
{
    const double scale = side / 256.0;
    return (struct glass_optics){
        .centre = {side / 2.0, side / 2.0},
        .ring_radius = {GLASS_RING_RADIUS * scale, GLASS_RING_RADIUS * scale},
        .ring_fwhm = RING_FWHM * scale,
        .tail_length = TAIL_LENGTH * scale,
        .disk_radius = DISK_RADIUS * scale,
        .direct_beam = DIRECT_BEAM,
        .counts = 1};
}

double glass_pattern_halo(const struct glass_optics *optics, unsigned phase, double y, double x)
{
    const double stretch = 1 + optics->ellipticity / 2;
    const double r = hypot(y / stretch, x * stretch), ring = optics->ring_radius[phase];
    const double offset = (r - ring) / (optics->ring_fwhm / FWHM_OF_SIGMA);
    const double on_ring = 1 + TAIL_HEIGHT * exp(-ring / optics->tail_length);
    const double tail = TAIL_HEIGHT * exp(-r / optics->tail_length);
    return (exp(-0.5 * offset * offset) + tail) / on_ring;
}

static int init_halos(struct glass_pattern *pattern)
{
    const struct glass_optics *optics = &pattern->optics;
    const uint32_t side = pattern->side;
    double *weights = malloc((size_t)side * side * sizeof *weights);
    int result = weights ? 0 : -ENOMEM;
    for (unsigned phase = 0; !result && phase < 2; phase++) {
        for (uint32_t y = 0; y < side; y++)
            for (uint32_t x = 0; x < side; x++)
                weights[(size_t)y * side + x] =
                    glass_pattern_halo(optics, phase, y - optics->centre[0], x - optics->centre[1]);
        result = alias_table_init(&pattern->halo[phase], weights, side * side);
    }
    free(weights);
    return result;
}

int glass_pattern_init(struct glass_pattern *pattern, uint32_t side, uint64_t seed,
                       const struct glass_optics *optics,
                       const struct glass_sensor_settings *sensor)
{
    *pattern = (struct glass_pattern){.side = side, .seed = seed, .optics = *optics};
    int result = init_halos(pattern);
    if (!result)
        result = speckle_init(&pattern->speckle, side, seed, optics->speckle, optics->disk_radius);
    if (!result)
        result = glass_sensor_init(&pattern->sensor, side, seed, sensor);
    if (result)
        glass_pattern_finish(pattern);
    return result;
}

void glass_pattern_finish(struct glass_pattern *pattern)
{
    glass_sensor_finish(&pattern->sensor);
    speckle_finish(&pattern->speckle);
    for (unsigned phase = 0; phase < 2; phase++)
        alias_table_finish(&pattern->halo[phase]);
}

/* Of the speckle's parts one is chosen at random, and the electron stays with a chance that goes
 * with that part: together as likely as with their mean. */
static bool passes_speckle(const struct glass_pattern *pattern, const struct speckle_draw *draw,
                           struct random_stream *stream, uint32_t y, uint32_t x)
{
    const struct glass_optics *optics = &pattern->optics;
    const uint64_t bits = random_bits(stream);
    const uint32_t part = (uint32_t)((bits >> 32) * pattern->speckle.parts >> 32);
    const int64_t twice_y = lrint(2 * optics->centre[0]), twice_x = lrint(2 * optics->centre[1]);
    if (optics->friedel &&
        (2 * (int64_t)y < twice_y || (2 * (int64_t)y == twice_y && 2 * (int64_t)x < twice_x))) {
        y = (uint32_t)(twice_y - y);
        x = (uint32_t)(twice_x - x);
    }
    return (bits & UINT16_MAX) < speckle_part(&pattern->speckle, draw, part, y, x);
}

/* A pixel moved by part of a pixel falls into its neighbours in proportion. */
static double dither(struct random_stream *stream, double shift)
{
    return shift == 0 ? 0 : shift + random_unit(stream) - 0.5;
}

static void draw_halo(const struct glass_pattern *pattern, const struct glass_position *position,
                      struct random_stream *stream, uint32_t *counts)
{
    const struct alias_table *halo = &pattern->halo[position->phase];
    const struct speckle *speckle = &pattern->speckle;
    const struct speckle_draw draw = speckle_draw_make(speckle, pattern->seed, position->speckle);
    const double mean = pattern->optics.counts * position->intensity * halo->total;
    const uint64_t electrons =
        random_poisson(stream, glass_sensor_electrons(&pattern->sensor, mean) * speckle->maximum);
    for (uint64_t i = 0; i < electrons; i++) {
        const uint32_t pixel = alias_table_draw(halo, stream);
        const uint32_t y = pixel / pattern->side, x = pixel % pattern->side;
        if (speckle->parts && !passes_speckle(pattern, &draw, stream, y, x))
            continue;
        glass_sensor_hit(&pattern->sensor, stream, y + dither(stream, position->shift[0]),
                         x + dither(stream, position->shift[1]), counts);
    }
}

/* A disk of the aperture's size: its middle on the sensor, and what makes it less than uniform. */
struct disk {
    double y, x;
    double gradient[2]; /* of the intensity, along a radius */
    double blur;        /* pixels, sigma */
};

static void draw_in_disk(struct random_stream *stream, const double gradient[2], double point[2])
{
    const double steepness = hypot(gradient[0], gradient[1]);
    for (;;) {
        point[0] = 2 * random_unit(stream) - 1;
        point[1] = 2 * random_unit(stream) - 1;
        if (point[0] * point[0] + point[1] * point[1] > 1)
            continue;
        const double intensity = 1 + gradient[0] * point[0] + gradient[1] * point[1];
        if (steepness == 0 || random_unit(stream) * (1 + steepness) < intensity)
            return;
    }
}

/* Scatters electrons over the disk, `counts_wanted` in the mean; returns the counts that they made.
 */
static uint32_t draw_disk(const struct glass_pattern *pattern, const struct disk *disk,
                          struct random_stream *stream, double counts_wanted, uint32_t *counts)
{
    const double radius = pattern->optics.disk_radius;
    const uint64_t electrons =
        random_poisson(stream, glass_sensor_electrons(&pattern->sensor, counts_wanted));
    uint32_t made = 0;
    for (uint64_t i = 0; i < electrons; i++) {
        double point[2], blur[2] = {0, 0};
        draw_in_disk(stream, disk->gradient, point);
        if (disk->blur > 0)
            random_normal_pair(stream, blur);
        made += glass_sensor_hit(&pattern->sensor, stream,
                                 disk->y + radius * point[0] + disk->blur * blur[0],
                                 disk->x + radius * point[1] + disk->blur * blur[1], counts);
    }
    return made;
}

static double disk_area(const struct glass_optics *optics)
{
    return M_PI * optics->disk_radius * optics->disk_radius;
}

void glass_pattern_draw_reflections(const struct glass_pattern *pattern,
                                    const struct glass_position *position, uint64_t index,
                                    uint32_t *counts, uint32_t *disk_counts)
{
    const struct glass_optics *optics = &pattern->optics;
    struct random_stream stream = random_stream_make(pattern->seed, PURPOSE_REFLECTIONS, index);
    for (unsigned i = 0; i < position->reflections; i++) {
        const struct glass_reflection *reflection = &position->reflection[i];
        const double *g = reflection->g;
        const double brightest = 2 * M_PI * random_unit(&stream);
        const struct disk disk = {.y = optics->centre[0] + position->shift[0] + g[0],
                                  .x = optics->centre[1] + position->shift[1] + g[1],
                                  .gradient = {optics->disk_gradient * sin(brightest),
                                               optics->disk_gradient * cos(brightest)},
                                  .blur = optics->disk_blur / FWHM_OF_SIGMA};
        const double halo = optics->counts * position->intensity *
                            glass_pattern_halo(optics, position->phase, g[0], g[1]);
        disk_counts[i] = draw_disk(pattern, &disk, &stream,
                                   reflection->contrast * halo * disk_area(optics), counts);
    }
}

void glass_pattern_draw(const struct glass_pattern *pattern, const struct glass_position *position,
                        uint64_t index, uint32_t *counts)
{
    const struct glass_optics *optics = &pattern->optics;
    struct random_stream stream = random_stream_make(pattern->seed, PURPOSE_COUNTS, index);
    const struct disk direct_beam = {.y = optics->centre[0] + position->shift[0],
                                     .x = optics->centre[1] + position->shift[1]};
    uint32_t disk_counts[GLASS_REFLECTIONS];
    memset(counts, 0, (size_t)pattern->side * pattern->side * sizeof *counts);
    draw_halo(pattern, position, &stream, counts);
    draw_disk(pattern, &direct_beam, &stream,
              optics->direct_beam * optics->counts * disk_area(optics), counts);
    glass_pattern_draw_reflections(pattern, position, index, counts, disk_counts);
    stream = random_stream_make(pattern->seed, PURPOSE_DEFECTS, index);
    glass_sensor_defects(&pattern->sensor, &stream, counts);
}
