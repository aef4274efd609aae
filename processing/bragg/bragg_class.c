#include <math.h>

#include "processing/bragg/bragg_search.h"

/*
 * From the list of reflections to the class of the pattern. A centre that is off by d moves
 * h g1 + k g2 by (h + k - 1) d against where a reflection is seen, g + (-g) by 2 d: tolerances know
 * the centre's uncertainty.
 */
#define TOLERANCE_MIN 1.5 /* pixels */
/* Pixels: the scan moves the pattern besides (descan). Not of higher orders, which then would fit
 * anything. */
#define CENTRE_SIGMA_MIN 0.75
#define DEVIATIONS 3
#define DIRECTION_MIN (10 * M_PI / 180) /* reflections at smaller angles are of one direction */
#define DIRECTION_TANGENT 0.17632698070846498
#define LATTICE_ANGLE_MIN (20 * M_PI / 180)
#define LATTICE_TANGENT 0.36397023426620234
#define LATTICE_ORDER 2
/* Reflections of a lattice must be this share of all. */
#define LATTICE_SHARE 0.5

/* The relaxed test of a single place: false-alarm rate, and looks it has in a patch of one pixel's
 * radius. */
#define PARTNER_ALPHA 0.01
#define PATCH_LOOKS 5

struct vector {
    double y, x;
};

struct work {
    const struct bragg_scratch *scratch;
    struct bragg_result *result;
    double centre_sigma;
    struct vector g[BRAGG_REFLECTIONS_MAX];
};

static double square(double value)
{
    return value * value;
}

static double more_of(double a, double b)
{
    return a > b ? a : b;
}

/* How far from its prediction a reflection may be, squared: `sigma2` of what it is compared with,
 * and how many times the centre's error comes in. */
static double tolerance2(const struct work *work, double sigma2, double centres)
{
    const double own2 = more_of(square(TOLERANCE_MIN), square(DEVIATIONS) * sigma2);
    const double least = (centres < 2 ? centres : 2) * CENTRE_SIGMA_MIN;
    return own2 + square(DEVIATIONS * more_of(centres * work->centre_sigma, least));
}

static bool is_near(struct vector a, struct vector b, double within2)
{
    return square(a.y - b.y) + square(a.x - b.x) < within2;
}

/* The nearest whole number, of values far below 2^51. */
static double whole(double value)
{
    return value + 0x1.8p52 - 0x1.8p52;
}

static void find_partners(struct work *work)
{
    struct bragg_reflection *const all = work->result->reflections;
    for (uint32_t i = 0; i < work->result->n_reflections; i++) {
        for (uint32_t j = i + 1; j < work->result->n_reflections && all[i].partner < 0; j++) {
            const struct vector opposite = {-work->g[i].y, -work->g[i].x};
            const double within2 = tolerance2(work, square(all[i].sigma) + square(all[j].sigma), 2);
            if (all[j].partner >= 0 || !is_near(work->g[j], opposite, within2))
                continue;
            all[i].partner = (int16_t)j;
            all[j].partner = (int16_t)i;
            all[i].flags |= BRAGG_PARTNER;
            all[j].flags |= BRAGG_PARTNER;
        }
    }
}

/* Light of a reflection that is in the list must not be taken for that of another. */
static bool is_taken(const struct work *work, struct vector g)
{
    const double radius = work->scratch->reference->values.settings.disk_radius;
    for (uint32_t i = 0; i < work->result->n_reflections; i++) {
        if (is_near(work->g[i], g, square(2 * radius + 1)))
            return true;
    }
    return false;
}

/* The place of most excess within `within` of g; false where there is none. */
static bool best_place(const struct work *work, struct vector g, double within,
                       struct bragg_candidate *best)
{
    const struct bragg_reference *const r = work->scratch->reference;
    const struct bragg_positions *const p = &r->positions[BRAGG_MATCHED];
    const double row = r->values.settings.centre_y + g.y - r->grid.top;
    const double column = r->values.settings.centre_x + g.x - r->grid.left;
    bool found = false;
    for (int y = (int)ceil(row - within); y <= (int)floor(row + within); y++) {
        for (int x = (int)ceil(column - within); x <= (int)floor(column + within); x++) {
            if (y < 0 || x < 0 || y >= (int)r->grid.rows || x >= (int)r->grid.columns ||
                square(y - row) + square(x - column) > square(within))
                continue;
            const size_t place = bragg_map_at(&r->grid, (uint32_t)y, (uint32_t)x);
            if (p->cell[place] == BRAGG_NO_PLACE)
                continue;
            const uint32_t counts = bragg_sum_at(work->scratch, BRAGG_MATCHED, place);
            const double b = bragg_background_at(work->scratch, BRAGG_MATCHED, place, counts);
            const double v = bragg_speckle_at(work->scratch, BRAGG_MATCHED, place);
            if (found && counts - b <= best->excess)
                continue;
            *best = (struct bragg_candidate){(uint32_t)place, counts, b, v, counts - b};
            found = true;
        }
    }
    return found;
}

/* Whether there is a reflection at g that the search of the whole annulus could not tell from
 * chance: the relaxed test for a place that is known beforehand, one of so many. */
static bool is_there(const struct work *work, struct vector g, double centres, uint32_t tests)
{
    const double step = work->scratch->reference->positions[BRAGG_MATCHED].step;
    const double within = fmax(fmax(1, step), 2 * centres * work->centre_sigma);
    struct bragg_candidate best;
    if (is_taken(work, g) || !best_place(work, g, within, &best) || best.counts == 0)
        return false;
    const double looks = PATCH_LOOKS * fmax(1, square(within) / 2) * tests;
    return bragg_null_tail_log(best.counts, best.background,
                               work->scratch->reference->values.overdispersion,
                               best.speckle) < log(PARTNER_ALPHA / looks);
}

static void find_weak_partners(struct work *work)
{
    for (uint32_t i = 0; i < work->result->n_reflections; i++) {
        struct bragg_reflection *const reflection = &work->result->reflections[i];
        const struct vector opposite = {-work->g[i].y, -work->g[i].x};
        if (reflection->partner < 0 && is_there(work, opposite, 2, work->result->n_reflections))
            reflection->flags |= BRAGG_WEAK_PARTNER;
    }
}

/* Angle between two lines, 0 to pi/2. */
static double angle_between(struct vector a, struct vector b)
{
    return atan2(fabs(a.y * b.x - a.x * b.y), fabs(a.y * b.y + a.x * b.x));
}

/* An angle that lines are compared with, and its tangent; NAN: not known. */
struct limit {
    double angle, tangent;
};
/* Of tangents, what is too near to leave it at that. */
#define ROUNDING 1e-9

/* Whether lines are at most this far apart; the angle itself takes ten times as long as its
 * tangent. */
static bool is_within(struct vector a, struct vector b, struct limit limit)
{
    const double sine = fabs(a.y * b.x - a.x * b.y), cosine = fabs(a.y * b.y + a.x * b.x);
    if (sine > (1 + ROUNDING) * limit.tangent * cosine)
        return false;
    return sine < (1 - ROUNDING) * limit.tangent * cosine || angle_between(a, b) <= limit.angle;
}

static double length_of(struct vector a)
{
    return sqrt(square(a.y) + square(a.x));
}

static uint32_t count_directions(const struct work *work)
{
    struct vector first[BRAGG_REFLECTIONS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < work->result->n_reflections; i++) {
        const double sigma = work->result->reflections[i].sigma;
        const double within = DEVIATIONS * sigma / fmax(length_of(work->g[i]), 1);
        const struct limit limit = within > DIRECTION_MIN
                                       ? (struct limit){within, NAN}
                                       : (struct limit){DIRECTION_MIN, DIRECTION_TANGENT};
        uint32_t j = 0;
        while (j < n && !is_within(first[j], work->g[i], limit))
            j++;
        if (j == n)
            first[n++] = work->g[i];
    }
    return n;
}

/* A pair of reflections as the base of a lattice. */
struct base {
    uint32_t first, second;
};

/* The nearest point h g1 + k g2 is that of the rounded coordinates in the base. */
static bool is_of_lattice(const struct work *work, struct base base, uint32_t i)
{
    const struct bragg_reflection *const all = work->result->reflections;
    const struct vector a = work->g[base.first], b = work->g[base.second], g = work->g[i];
    const double area = a.y * b.x - a.x * b.y;
    const double h = whole((g.y * b.x - g.x * b.y) / area);
    const double k = whole((a.y * g.x - a.x * g.y) / area);
    if ((h == 0 && k == 0) || fabs(h) > LATTICE_ORDER || fabs(k) > LATTICE_ORDER)
        return false;
    const struct vector at = {h * a.y + k * b.y, h * a.x + k * b.x};
    const double sigma2 = square(h * all[base.first].sigma) + square(k * all[base.second].sigma) +
                          square(all[i].sigma);
    return is_near(g, at, tolerance2(work, sigma2, fabs(h + k - 1)));
}

/* Whether one of -g1, -g2, g1 + g2 and g1 - g2 passes the relaxed test. */
static bool has_weak_third(const struct work *work, struct base base)
{
    const struct vector a = work->g[base.first], b = work->g[base.second];
    const uint32_t n = work->result->n_reflections, tests = n * (n - 1);
    const uint8_t flags =
        work->result->reflections[base.first].flags | work->result->reflections[base.second].flags;
    return flags & BRAGG_WEAK_PARTNER ||
           is_there(work, (struct vector){a.y + b.y, a.x + b.x}, 1, tests) ||
           is_there(work, (struct vector){a.y - b.y, a.x - b.x}, 1, tests);
}

/* Reflections that fit the lattice of a base, 0 where the base is none or they are no more than
 * `most`. */
static uint32_t lattice_members(const struct work *work, struct base base, uint32_t most)
{
    const struct limit limit = {LATTICE_ANGLE_MIN, LATTICE_TANGENT};
    uint32_t members = work->result->n_reflections;
    if (is_within(work->g[base.first], work->g[base.second], limit))
        return 0;
    for (uint32_t i = 0; i < work->result->n_reflections && members > most; i++)
        members -= i != base.first && i != base.second && !is_of_lattice(work, base, i);
    return members > most ? members : 0;
}

/* Weaker ones hardly make a better base. */
#define BASES_MAX 8

/* The base that explains most reflections; 0 where there is none. */
static uint32_t best_base(const struct work *work, struct base *best)
{
    const uint32_t n =
        work->result->n_reflections < BASES_MAX ? work->result->n_reflections : BASES_MAX;
    uint32_t most = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = i + 1; j < n; j++) {
            const uint32_t members = lattice_members(work, (struct base){i, j}, most);
            if (members > most) {
                most = members;
                *best = (struct base){i, j};
            }
        }
    }
    return most;
}

static bool find_lattice(const struct work *work)
{
    struct base base;
    const uint32_t members = best_base(work, &base);
    if (members < 2 || members < LATTICE_SHARE * work->result->n_reflections)
        return false;
    if (members == 2 && !has_weak_third(work, base))
        return false;
    for (uint32_t i = 0; i < work->result->n_reflections; i++) {
        if (i == base.first || i == base.second || is_of_lattice(work, base, i))
            work->result->reflections[i].flags |= BRAGG_LATTICE;
    }
    return true;
}

static bool any_partner(const struct bragg_result *result)
{
    for (uint32_t i = 0; i < result->n_reflections; i++) {
        if (result->reflections[i].flags & (BRAGG_PARTNER | BRAGG_WEAK_PARTNER))
            return true;
    }
    return false;
}

void bragg_find_class(const struct bragg_scratch *scratch, struct bragg_result *result)
{
    const struct bragg_settings *const s = &scratch->reference->values.settings;
    struct work work = {
        .scratch = scratch, .result = result, .centre_sigma = s->centre_uncertainty};
    if (result->n_reflections == 0)
        return;
    for (uint32_t i = 0; i < result->n_reflections; i++)
        work.g[i] = (struct vector){result->reflections[i].y - s->centre_y,
                                    result->reflections[i].x - s->centre_x};
    find_partners(&work);
    find_weak_partners(&work);
    result->n_directions = (uint8_t)count_directions(&work);
    if (result->n_directions == 1)
        result->class = any_partner(result) ? BRAGG_THREE_BEAM : BRAGG_TWO_BEAM;
    else
        result->class = find_lattice(&work) ? BRAGG_ON_AXIS : BRAGG_MULTIPLE;
}
