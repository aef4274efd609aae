#include "detector/sim/glass_map.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "detector/sim/random.h"

enum purpose { PURPOSE_NOISE = 10, PURPOSE_DOMAIN_SITE, PURPOSE_DOMAIN };

#define NOISE_CELL 4.0  /* positions: clusters are about as large */
#define DOMAIN_CELL 5.0 /* positions: reflections stay the same over about so many */
#define PHASE_STEP 0.10 /* how much brighter the halo of phase 1 is */

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
            corner[dy][dx] = random_unit_of(random_hash(
                map->seed, PURPOSE_NOISE, cell_key((int64_t)row + dy, (int64_t)column + dx)));
    const double above = corner[0][0] + tx * (corner[0][1] - corner[0][0]);
    const double below = corner[1][0] + tx * (corner[1][1] - corner[1][0]);
    return above + ty * (below - above);
}

/* The noise of a position as an integer, made distinct by the position itself so that any number of
 * them can be cut off. */
static uint64_t noise_rank(const struct glass_map *map, uint32_t y, uint32_t x)
{
    const uint64_t level = (uint64_t)(noise(map, y / NOISE_CELL, x / NOISE_CELL) * 0x1p30);
    return level << 32 | (y * map->nx + x);
}

static int compare_ranks(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

int glass_map_init(struct glass_map *map, uint64_t seed, uint32_t ny, uint32_t nx, double fraction,
                   double ring_radius)
{
    *map = (struct glass_map){.seed = seed, .ny = ny, .nx = nx, .ring_radius = ring_radius};
    const uint64_t count = (uint64_t)ny * nx;
    const uint64_t wanted = (uint64_t)llround(fraction * (double)count);
    if (wanted == 0 || wanted >= count) {
        map->threshold = wanted == 0 ? 0 : UINT64_MAX;
        return 0;
    }
    uint64_t *ranks = malloc(count * sizeof *ranks);
    if (!ranks)
        return -ENOMEM;
    for (uint32_t y = 0; y < ny; y++)
        for (uint32_t x = 0; x < nx; x++)
            ranks[(uint64_t)y * nx + x] = noise_rank(map, y, x);
    qsort(ranks, count, sizeof *ranks, compare_ranks);
    map->threshold = ranks[wanted];
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
            const uint64_t site = random_hash(map->seed, PURPOSE_DOMAIN_SITE, cell);
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

static void add_reflection(struct glass_position *position, double radius, double angle)
{
    double *g = position->g[position->reflections++];
    g[0] = radius * sin(angle);
    g[1] = radius * cos(angle);
}

/* Half of the domains show two beams, three in ten three beams (+g and -g), two in ten lie on a
 * zone axis. */
static void set_reflections(const struct glass_map *map, uint64_t domain,
                            struct glass_position *position)
{
    struct random_stream stream = random_stream_make(map->seed, PURPOSE_DOMAIN, domain);
    const double kind = random_unit(&stream);
    const double angle = 2 * M_PI * random_unit(&stream);
    const double radius = map->ring_radius * (0.92 + 0.16 * random_unit(&stream));
    position->class = kind < 0.5 ? GLASS_TWO_BEAM : kind < 0.8 ? GLASS_THREE_BEAM : GLASS_ON_AXIS;
    add_reflection(position, radius, angle);
    if (position->class != GLASS_TWO_BEAM)
        add_reflection(position, radius, angle + M_PI);
    if (position->class == GLASS_ON_AXIS) {
        const double other = angle + M_PI * (60 + 30 * random_unit(&stream)) / 180;
        const double other_radius = map->ring_radius * (0.92 + 0.16 * random_unit(&stream));
        add_reflection(position, other_radius, other);
        add_reflection(position, other_radius, other + M_PI);
    }
}

/* Stripes along y, two to a quarter of the line, gently bent so that a transposed map is noticed.
 */
static unsigned phase_at(const struct glass_map *map, uint32_t y, uint32_t x)
{
    const double bend = 0.1 * sin(2 * M_PI * y / map->ny);
    return (unsigned)(int64_t)floor(8 * ((double)x / map->nx + bend) + 8) & 1;
}

void glass_map_position(const struct glass_map *map, uint64_t index,
                        struct glass_position *position)
{
    const uint64_t place = index % ((uint64_t)map->ny * map->nx);
    const uint32_t y = (uint32_t)(place / map->nx), x = (uint32_t)(place % map->nx);
    *position = (struct glass_position){.class = GLASS_NONE, .phase = phase_at(map, y, x)};
    position->intensity = 1 + PHASE_STEP * position->phase;
    if (noise_rank(map, y, x) < map->threshold)
        set_reflections(map, domain_at(map, y, x), position);
}

const char *glass_class_name(enum glass_class class)
{
    static const char *const names[] = {"none", "two-beam", "three-beam", "on-axis"};
    return names[class];
}
