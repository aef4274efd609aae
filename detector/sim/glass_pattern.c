#include "detector/sim/glass_pattern.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum purpose { PURPOSE_COUNTS = 1 };

#define RING_FWHM 9.4 /* the figures for a 256-pixel frame */
#define TAIL_LENGTH 25.0
#define TAIL_HEIGHT 0.25
#define DISK_RADIUS 3.36
#define DIRECT_BEAM 40.0 /* intensity of the central disk, in units of the ring's */

static struct glass_optics optics_for(uint32_t side, double counts, double contrast)
{
    const double scale = side / 256.0;
    return (struct glass_optics){.ring_radius = GLASS_RING_RADIUS * scale,
                                 .ring_fwhm = RING_FWHM * scale,
                                 .disk_radius = DISK_RADIUS * scale,
                                 .centre = side / 2.0,
                                 .counts = counts,
                                 .contrast = contrast};
}

/* Mean intensity at a distance from the centre; 1 on the ring. */
static double halo(const struct glass_optics *optics, double r)
{
    const double sigma = optics->ring_fwhm / 2.3548200450309493;
    const double offset = (r - optics->ring_radius) / sigma;
    const double tail_length = TAIL_LENGTH * optics->ring_fwhm / RING_FWHM;
    const double on_ring = 1 + TAIL_HEIGHT * exp(-optics->ring_radius / tail_length);
    return (exp(-0.5 * offset * offset) + TAIL_HEIGHT * exp(-r / tail_length)) / on_ring;
}

int glass_pattern_init(struct glass_pattern *pattern, uint32_t side, uint64_t seed, double counts,
                       double contrast)
{
    *pattern = (struct glass_pattern){
        .side = side, .seed = seed, .optics = optics_for(side, counts, contrast)};
    double *weights = malloc((size_t)side * side * sizeof *weights);
    if (!weights)
        return -ENOMEM;
    for (uint32_t y = 0; y < side; y++)
        for (uint32_t x = 0; x < side; x++)
            weights[(size_t)y * side + x] = halo(
                &pattern->optics, hypot(y - pattern->optics.centre, x - pattern->optics.centre));
    const int result = alias_table_init(&pattern->halo, weights, side * side);
    free(weights);
    return result;
}

void glass_pattern_finish(struct glass_pattern *pattern)
{
    alias_table_finish(&pattern->halo);
}

/* A uniform disk about (y, x), `mean` counts per pixel, at sub-pixel place: points in a circle fall
 * into pixels. */
static void draw_disk(const struct glass_pattern *pattern, struct random_stream *stream, double y,
                      double x, double mean, uint32_t *counts)
{
    const double radius = pattern->optics.disk_radius;
    const uint64_t total = random_poisson(stream, mean * M_PI * radius * radius);
    for (uint64_t i = 0; i < total; i++) {
        double dy, dx;
        do {
            dy = 2 * random_unit(stream) - 1;
            dx = 2 * random_unit(stream) - 1;
        } while (dy * dy + dx * dx > 1);
        const double py = floor(y + radius * dy + 0.5), px = floor(x + radius * dx + 0.5);
        if (py >= 0 && px >= 0 && py < pattern->side && px < pattern->side)
            counts[(size_t)py * pattern->side + (size_t)px]++;
    }
}

void glass_pattern_draw(const struct glass_pattern *pattern, const struct glass_position *position,
                        uint64_t index, uint32_t *counts)
{
    const struct glass_optics *optics = &pattern->optics;
    struct random_stream stream = random_stream_make(pattern->seed, PURPOSE_COUNTS, index);
    const double scale = pattern->side / 256.0;
    const double mean = optics->counts * position->intensity;
    const uint64_t total = random_poisson(&stream, mean * pattern->halo.total);
    for (uint64_t i = 0; i < total; i++)
        counts[alias_table_draw(&pattern->halo, &stream)]++;
    draw_disk(pattern, &stream, optics->centre, optics->centre, DIRECT_BEAM * optics->counts,
              counts);
    for (unsigned i = 0; i < position->reflections; i++)
        draw_disk(pattern, &stream, optics->centre + scale * position->g[i][0],
                  optics->centre + scale * position->g[i][1], optics->contrast * optics->counts,
                  counts);
}
