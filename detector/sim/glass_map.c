#include "detector/sim/glass_map.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "detector/sim/random.h"

enum purpose { PURPOSE_NOISE = 10, PURPOSE_DOMAIN_SITE, PURPOSE_DOMAIN, PURPOSE_OVERLAP };

#define NOISE_CELL 4.0  /* positions: clusters are about as large */
#define DOMAIN_CELL 5.0 /* positions: reflections stay the same over about so many */

struct glass_map_settings glass_map_default(uint32_t ny, uint32_t nx, double ring_radius)
{
    return (struct glass_map_settings){
        .seed = 1,
        .ny = ny,
        .nx = nx,
        .fraction = {0.2, 0.2},
        .classes = {[GLASS_TWO_BEAM] = 5, [GLASS_THREE_BEAM] = 3, [GLASS_ON_AXIS] = 2},
        .range = {.radius = {0.92 * ring_radius, 1.08 * ring_radius}, .contrast = {8, 8}},
        .phase_intensity = 1.1,
        .thickness = 1};
}

static uint64_t cell_key(int64_t y, int64_t x)
{
    return (uint64_t)(uint32_t)y << 32 | (uint32_t)x;
}

static double smooth(double t)
{
    return t * t * (3 - 2 * t);
}

/* Smooth noise in [0, 1): random values on a grid, interpolated. */
static double noise(const struct glass_map *map, double y, double x)
{
    const double row = floor(y), column = floor(x);
    const double ty = smooth(y - row), tx = smooth(x - column);
    double corner[2][2];
    for (int dy = 0; dy < 2; dy++)
        for (int dx = 0; dx < 2; dx++)
            corner[dy][dx] =
                random_unit_of(random_hash(map->settings.seed, PURPOSE_NOISE,
                                           cell_key((int64_t)row + dy, (int64_t)column + dx)));
    const double above = corner[0][0] + tx * (corner[0][1] - corner[0][0]);
    const double below = corner[1][0] + tx * (corner[1][1] - corner[1][0]);
    return above + ty * (below - above);
}

/* The noise of a position as an integer, made distinct by the position itself so that any number of
 * them can be cut off. */
static uint64_t noise_rank(const struct glass_map *map, uint32_t y, uint32_t x)
{
    const uint64_t level = (uint64_t)(noise(map, y / NOISE_CELL, x / NOISE_CELL) * 0x1p30);
    return level << 32 | (y * map->settings.nx + x);
}

/* Stripes along y, two to a quarter of the line, gently bent so that a transposed map is noticed.
 */
static unsigned phase_at(const struct glass_map *map, uint32_t y, uint32_t x)
{
    const double bend = 0.1 * sin(2 * M_PI * y / map->settings.ny);
    return (unsigned)(int64_t)floor(8 * ((double)x / map->settings.nx + bend) + 8) & 1;
}

static int compare_ranks(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* The noise that cuts off a part of the ranks, which it sorts. */
static uint64_t cut_off(uint64_t *ranks, uint64_t count, double fraction)
{
    const uint64_t wanted = (uint64_t)llround(fraction * (double)count);
    if (wanted == 0 || wanted >= count)
        return wanted == 0 ? 0 : UINT64_MAX;
    qsort(ranks, count, sizeof *ranks, compare_ranks);
    return ranks[wanted];
}

/* The ranks of one phase's positions, or of all; returns how many. */
static uint64_t gather_ranks(const struct glass_map *map, bool all, unsigned phase, uint64_t *ranks)
{
    uint64_t count = 0;
    for (uint32_t y = 0; y < map->settings.ny; y++)
        for (uint32_t x = 0; x < map->settings.nx; x++)
            if (all || phase_at(map, y, x) == phase)
                ranks[count++] = noise_rank(map, y, x);
    return count;
}

int glass_map_init(struct glass_map *map, const struct glass_map_settings *settings)
{
    *map = (struct glass_map){.settings = *settings};
    const bool same = settings->fraction[0] == settings->fraction[1];
    uint64_t *ranks = malloc(sizeof *ranks * settings->ny * settings->nx);
    if (!ranks)
        return -ENOMEM;
    for (unsigned phase = 0; phase < (same ? 1 : 2); phase++) {
        const uint64_t count = gather_ranks(map, same, phase, ranks);
        map->threshold[phase] = cut_off(ranks, count, settings->fraction[phase]);
    }
    if (same)
        map->threshold[1] = map->threshold[0];
    free(ranks);
    return 0;
}

/* The domain of a position: that of the nearest site, one site at a random place in each cell. */
static uint64_t domain_at(const struct glass_map *map, uint32_t y, uint32_t x)
{
    const double py = y / DOMAIN_CELL, px = x / DOMAIN_CELL;
    double nearest = INFINITY;
    uint64_t domain = 0;
    for (int64_t row = (int64_t)py - 1; row <= (int64_t)py + 1; row++) {
        for (int64_t column = (int64_t)px - 1; column <= (int64_t)px + 1; column++) {
            const uint64_t cell = cell_key(row, column);
            const uint64_t site = random_hash(map->settings.seed, PURPOSE_DOMAIN_SITE, cell);
            const double dy = (double)row + (double)(site >> 32) * 0x1p-32 - py;
            const double dx = (double)column + (double)(site & UINT32_MAX) * 0x1p-32 - px;
            if (dy * dy + dx * dx < nearest) {
                nearest = dy * dy + dx * dx;
                domain = cell;
            }
        }
    }
    return domain;
}

static enum glass_class draw_class(const struct glass_map *map, struct random_stream *stream)
{
    const double *weights = map->settings.classes;
    double total = 0;
    for (unsigned class = GLASS_TWO_BEAM; class < GLASS_CLASSES; class ++)
        total += weights[class];
    double rest = total * random_unit(stream);
    for (unsigned class = GLASS_TWO_BEAM; class < GLASS_CLASSES; class ++)
        if ((rest -= weights[class]) < 0)
            return class;
    return GLASS_TWO_BEAM;
}

/* Positions of a domain have the same reflections. */
static void set_reflections(const struct glass_map *map, uint64_t domain,
                            struct glass_position *position)
{
    struct random_stream stream = random_stream_make(map->settings.seed, PURPOSE_DOMAIN, domain);
    const enum glass_class class = draw_class(map, &stream);
    glass_reflections_draw(position, class, &map->settings.range, &stream);
}

/* Of which position the speckle is: back along the line for as long as probes are said to overlap.
 */
static uint64_t speckle_at_place(const struct glass_map *map, uint64_t place)
{
    const struct glass_map_settings *settings = &map->settings;
    while (place % settings->nx > 0 &&
           random_unit_of(random_hash(settings->seed, PURPOSE_OVERLAP, place)) < settings->overlap)
        place--;
    return place;
}

void glass_map_position(const struct glass_map *map, uint64_t index,
                        struct glass_position *position)
{
    const struct glass_map_settings *settings = &map->settings;
    const uint64_t place = index % ((uint64_t)settings->ny * settings->nx);
    const uint32_t y = (uint32_t)(place / settings->nx), x = (uint32_t)(place % settings->nx);
    const double along_y = (y + 0.5) / settings->ny, along_x = (x + 0.5) / settings->nx;
    const unsigned phase = phase_at(map, y, x);
    *position = (struct glass_position){
        .class = GLASS_NONE,
        .phase = phase,
        .intensity =
            (phase ? settings->phase_intensity : 1) * (1 + (settings->thickness - 1) * along_x),
        .shift = {settings->descan * (along_y - 0.5), settings->descan * (along_x - 0.5)},
        .speckle = speckle_at_place(map, place)};
    if (noise_rank(map, y, x) < map->threshold[phase])
        set_reflections(map, domain_at(map, y, x), position);
}
