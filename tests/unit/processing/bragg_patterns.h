#pragma once

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Patterns of a glass with Bragg disks: halo, speckle, charge sharing. A pattern is a function of
 * its description and its seed alone.
 */

enum { PATTERN_SIDE = 192, PATTERN_PIXELS = PATTERN_SIDE * PATTERN_SIDE, PATTERN_DISKS = 16 };

struct pattern {
    double centre_y, centre_x;
    double halo_radius, halo_width; /* of the ring, pixels; width: at half height */
    double counts;                  /* per pixel on the ring */
    double ellipticity;
    double disk_radius;
    int speckle_fields; /* m: V_px = 1 / m; 0: no speckle */
    int shares_charge;
    int n_disks;
    struct {
        double y, x, contrast; /* from the centre; contrast over `counts` */
    } disks[PATTERN_DISKS];
    double outer; /* nothing is made beyond this radius */
};

static inline uint64_t pattern_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline double pattern_uniform(uint64_t *state)
{
    return (double)(pattern_random(state) >> 11) * 0x1p-53;
}

static inline unsigned pattern_poisson(uint64_t *state, double mean)
{
    if (mean > 200) { /* a normal law, by the central limit of 12 */
        double sum = -6;
        for (int i = 0; i < 12; i++)
            sum += pattern_uniform(state);
        const double value = mean + sqrt(mean) * sum + 0.5;
        return value > 0 ? (unsigned)value : 0;
    }
    const double u = pattern_uniform(state);
    double term = exp(-mean), sum = term;
    unsigned n = 0;
    while (u > sum && n < 2000)
        sum += term *= mean / ++n;
    return n;
}

/*
 * Speckle fields are made once for each radius, white noise smeared over the disk. A pattern's are
 * taken from them, each moved by its own amounts: making its own would be most of its cost.
 */
enum {
    FIELDS = 24,
    FIELD_BORDER = 16, /* where the smearing is not whole */
    FIELD_SHIFTS = 64,
    FIELD_SIDE = PATTERN_SIDE + FIELD_SHIFTS + 2 * FIELD_BORDER,
    FIELD_PIXELS = FIELD_SIDE * FIELD_SIDE
};

static inline void pattern_smear(int16_t *field, uint64_t *state, double radius)
{
    static _Thread_local int16_t noise[FIELD_PIXELS], rows[FIELD_PIXELS];
    for (int i = 0; i < FIELD_PIXELS; i += 8) {
        const uint64_t bits = pattern_random(state);
        for (int j = 0; j < 8; j++)
            noise[i + j] = (int8_t)(bits >> 8 * j);
    }
    memset(field, 0, FIELD_PIXELS * sizeof(*field));
    const int reach = (int)radius, below = reach * FIELD_SIDE;
    int half = 0;
    memcpy(rows, noise, sizeof(rows));
    for (int dy = reach; dy >= 0; dy--) {
        for (; half < (int)sqrt(radius * radius - dy * dy); half++) {
            const int d = half + 1;
            for (int i = d; i < FIELD_PIXELS - d; i++)
                rows[i] = (int16_t)(rows[i] + noise[i - d] + noise[i + d]);
        }
        for (int side = dy ? -1 : 1; side <= 1; side += 2) {
            for (int i = below; i < FIELD_PIXELS - below; i++)
                field[i] = (int16_t)(field[i] + rows[i + side * dy * FIELD_SIDE]);
        }
    }
}

/* One field, squared, added to `speckle`. */
static inline void pattern_add_field(float *speckle, uint64_t *state, double radius)
{
    static _Thread_local int16_t fields[FIELDS][FIELD_PIXELS];
    static _Thread_local double made_for;
    if (made_for != radius) {
        uint64_t seed = 11;
        for (int i = 0; i < FIELDS; i++)
            pattern_smear(fields[i], &seed, radius);
        made_for = radius;
    }
    const uint64_t bits = pattern_random(state);
    const int top = FIELD_BORDER + (int)(bits % FIELD_SHIFTS);
    const int left = FIELD_BORDER + (int)((bits >> 8) % FIELD_SHIFTS);
    const int16_t *const field = fields[(bits >> 16) % FIELDS];
    for (int y = 0; y < PATTERN_SIDE; y++) {
        const int16_t *const from = field + (top + y) * FIELD_SIDE + left;
        for (int x = 0; x < PATTERN_SIDE; x++)
            speckle[y * PATTERN_SIDE + x] += (float)from[x] * (float)from[x];
    }
}

static inline int pattern_disk_area(double radius)
{
    int n = 0;
    for (int dy = -(int)radius; dy <= (int)radius; dy++)
        n += 2 * (int)sqrt(radius * radius - dy * dy) + 1;
    return n;
}

static inline double pattern_halo(const struct pattern *p, double dy, double dx)
{
    const double along = p->ellipticity > 0 ? cos(2 * atan2(dy, dx)) : 0;
    const double r = hypot(dy, dx) * (1 + p->ellipticity / 2 * along);
    const double t = (r - p->halo_radius) / (p->halo_width / 2.3548);
    const double tail = 0.25 * exp(-r / 25), on_ring = 1 + 0.25 * exp(-p->halo_radius / 25);
    return (exp(-t * t / 2) + tail) / on_ring;
}

/* Share of a pixel inside a disk, by 4x4 points. */
static inline double pattern_cover(double dy, double dx, double radius)
{
    const double r = hypot(dy, dx);
    if (r < radius - 0.8 || r > radius + 0.8)
        return r < radius;
    int inside = 0;
    for (int i = 0; i < 16; i++)
        inside += hypot(dy + (i / 4 - 1.5) / 4, dx + (i % 4 - 1.5) / 4) < radius;
    return inside / 16.0;
}

static inline void pattern_share_charge(uint32_t *counts, uint64_t *state, int i, unsigned n)
{
    while (n--) {
        const double u = pattern_uniform(state);
        const int size = u < 0.45 ? 1 : u < 0.8 ? 2 : u < 0.95 ? 3 : 4;
        const uint64_t bits = pattern_random(state);
        const int dy = bits & 1 ? PATTERN_SIDE : -PATTERN_SIDE, dx = bits & 2 ? 1 : -1;
        const int places[4] = {i, bits & 4 ? i + dy : i + dx, bits & 4 ? i + dx : i + dy,
                               i + dy + dx};
        for (int j = 0; j < size; j++)
            counts[places[j]]++;
    }
}

/* counts[PATTERN_SIDE][PATTERN_SIDE] */
static inline void pattern_make(uint32_t *counts, const struct pattern *p, uint64_t seed)
{
    static _Thread_local float speckle[PATTERN_PIXELS];
    uint64_t state = seed * 0x2545f4914f6cdd1du + 17;
    memset(speckle, 0, sizeof(speckle));
    memset(counts, 0, PATTERN_PIXELS * sizeof(*counts));
    for (int i = 0; i < 2 * p->speckle_fields; i++)
        pattern_add_field(speckle, &state, p->disk_radius);
    /* Variance of a field: that of a byte for each pixel of the disk. */
    const double unit =
        2.0 * p->speckle_fields * pattern_disk_area(p->disk_radius) * (65536 - 1) / 12;
    for (int i = PATTERN_SIDE + 1; i < PATTERN_PIXELS - PATTERN_SIDE - 1; i++) {
        const double dy = i / PATTERN_SIDE - p->centre_y, dx = i % PATTERN_SIDE - p->centre_x;
        if (hypot(dy, dx) > p->outer)
            continue;
        double mean = pattern_halo(p, dy, dx);
        if (p->speckle_fields)
            mean *= speckle[i] / unit;
        for (int d = 0; d < p->n_disks; d++)
            mean += p->disks[d].contrast *
                    pattern_cover(dy - p->disks[d].y, dx - p->disks[d].x, p->disk_radius);
        mean *= p->counts;
        if (p->shares_charge)
            pattern_share_charge(counts, &state, i, pattern_poisson(&state, mean / 1.8));
        else
            counts[i] += pattern_poisson(&state, mean);
    }
}
