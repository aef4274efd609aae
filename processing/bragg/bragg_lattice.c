#include "processing/bragg/bragg_lattice.h"

#include <stdlib.h>

#define LATTICE_ANGLE_MIN (20 * M_PI / 180)
#define LATTICE_TANGENT 0.36397023426620234
#define LATTICE_ORDER 2
/* Reflections of a lattice must be this share of all. */
#define LATTICE_SHARE 0.5
/* Relative, of distances that should be the same. */
#define ROUNDING 1e-9

static double square(double value)
{
    return value * value;
}

/* The nearest whole number, of values far below 2^51. */
static double whole(double value)
{
    return value + 0x1.8p52 - 0x1.8p52;
}

/* A pair of reflections as the base of a lattice. */
struct base {
    uint32_t first, second;
};

/* A point h g1 + k g2 of a lattice, and how far from it a reflection of this sigma may be. */
struct lattice_point {
    struct bragg_vector g;
    double within2;
    bool is_opposite; /* to one of the base: -g1 or -g2 */
};

static struct lattice_point point_of(const struct bragg_vectors *vectors, struct base base,
                                     double h, double k, double sigma)
{
    const struct bragg_reflection *const all = vectors->result->reflections;
    const struct bragg_vector a = vectors->g[base.first], b = vectors->g[base.second];
    const double sigma2 =
        square(h * all[base.first].sigma) + square(k * all[base.second].sigma) + square(sigma);
    return (struct lattice_point){.g = {h * a.y + k * b.y, h * a.x + k * b.x},
                                  .within2 = bragg_tolerance2(vectors, sigma2, fabs(h + k - 1)),
                                  .is_opposite = h * k == 0 && h + k == -1};
}

/* Whether a reflection lies at the point that is nearest to it, that of its rounded coordinates in
 * the base. */
static bool is_of_lattice(const struct bragg_vectors *vectors, struct base base, uint32_t i,
                          struct lattice_point *point)
{
    const struct bragg_vector a = vectors->g[base.first], b = vectors->g[base.second];
    const struct bragg_vector g = vectors->g[i];
    const double area = a.y * b.x - a.x * b.y;
    const double h = whole((g.y * b.x - g.x * b.y) / area);
    const double k = whole((a.y * g.x - a.x * g.y) / area);
    if ((h == 0 && k == 0) || fabs(h) > LATTICE_ORDER || fabs(k) > LATTICE_ORDER)
        return false;
    *point = point_of(vectors, base, h, k, vectors->result->reflections[i].sigma);
    return bragg_is_near(g, point->g, point->within2);
}

/* Whether one of -g1, -g2, g1 + g2 and g1 - g2 passes the relaxed test. */
static bool has_weak_third(const struct bragg_vectors *vectors, struct base base)
{
    const struct bragg_vector a = vectors->g[base.first], b = vectors->g[base.second];
    const uint32_t n = vectors->result->n_reflections, tests = n * (n - 1);
    const uint8_t flags = vectors->result->reflections[base.first].flags |
                          vectors->result->reflections[base.second].flags;
    return flags & BRAGG_WEAK_PARTNER ||
           bragg_is_there(vectors, (struct bragg_vector){a.y + b.y, a.x + b.x}, 1, tests) ||
           bragg_is_there(vectors, (struct bragg_vector){a.y - b.y, a.x - b.x}, 1, tests);
}

/* Reflections that fit the lattice of a base, 0 where the base is none or they are no more than
 * `most`. */
static uint32_t lattice_members(const struct bragg_vectors *vectors, struct base base,
                                uint32_t most)
{
    const struct bragg_angle limit = {LATTICE_ANGLE_MIN, LATTICE_TANGENT};
    uint32_t members = vectors->result->n_reflections;
    if (bragg_is_within(vectors->g[base.first], vectors->g[base.second], limit))
        return 0;
    struct lattice_point point;
    for (uint32_t i = 0; i < vectors->result->n_reflections && members > most; i++)
        members -= i != base.first && i != base.second && !is_of_lattice(vectors, base, i, &point);
    return members > most ? members : 0;
}

/* Weaker ones hardly make a better base. */
#define BASES_MAX 8

/* The base that explains most reflections; 0 where there is none. */
static uint32_t best_base(const struct bragg_vectors *vectors, struct base *best)
{
    const uint32_t n =
        vectors->result->n_reflections < BASES_MAX ? vectors->result->n_reflections : BASES_MAX;
    uint32_t most = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = i + 1; j < n; j++) {
            const uint32_t members = lattice_members(vectors, (struct base){i, j}, most);
            if (members > most) {
                most = members;
                *best = (struct base){i, j};
            }
        }
    }
    return most;
}

/* ---- lattices by chance ---- */

/* Pixels where a reflection can be found. */
static double searched_area(const struct bragg_vectors *vectors)
{
    const struct bragg_positions *const p = &vectors->scratch->reference->positions[BRAGG_MATCHED];
    return (double)p->n * p->step * p->step;
}

static bool is_searched(const struct bragg_vectors *vectors, struct bragg_vector g)
{
    const struct bragg_reference *const r = vectors->scratch->reference;
    const struct bragg_positions *const p = &r->positions[BRAGG_MATCHED];
    const double row = rint(r->values.settings.centre_y + g.y - r->grid.top);
    const double column = rint(r->values.settings.centre_x + g.x - r->grid.left);
    if (row < 0 || column < 0 || row >= r->grid.rows || column >= r->grid.columns)
        return false;
    return p->cell[bragg_map_at(&r->grid, (uint32_t)row / p->step * p->step,
                                (uint32_t)column / p->step * p->step)] != BRAGG_NO_PLACE;
}

/* Of the reflections that are of the lattice, the point of the one that may be farthest from it,
 * and its sigma. */
static struct lattice_point widest_fit(const struct bragg_vectors *vectors, struct base base,
                                       double *sigma)
{
    struct lattice_point widest = {.within2 = 0};
    *sigma = 0;
    for (uint32_t i = 0; i < vectors->result->n_reflections; i++) {
        struct lattice_point point;
        if (i == base.first || i == base.second || !is_of_lattice(vectors, base, i, &point) ||
            point.within2 < widest.within2)
            continue;
        widest = point;
        *sigma = vectors->result->reflections[i].sigma;
    }
    return widest;
}

static bool is_of_base(int h, int k)
{
    return (h == 0 && k == 0) || (h == 1 && k == 0) || (h == 0 && k == 1);
}

/* Pixels at which a reflection is taken for one of the lattice: where its points are known as well
 * as `widest`, of a reflection of this sigma. Where points of high order are is known badly: they
 * move by many times the centre's error. */
static double area_of_points(const struct bragg_vectors *vectors, struct base base, double widest,
                             double sigma)
{
    double area = 0;
    for (int h = -LATTICE_ORDER; h <= LATTICE_ORDER; h++) {
        for (int k = -LATTICE_ORDER; k <= LATTICE_ORDER; k++) {
            const struct lattice_point point = point_of(vectors, base, h, k, sigma);
            if (!is_of_base(h, k) && point.within2 <= (1 + ROUNDING) * widest &&
                is_searched(vectors, point.g))
                area += M_PI * point.within2;
        }
    }
    return area;
}

/*
 * How many lattices of so many members a pattern with as many unrelated reflections has in the
 * mean: of each base, with each choice among the others, all of which lie near points that are
 * known no worse than the worst of them. Where the only third is opposite to one of the base, that
 * is for each pair that they are opposite.
 */
static double lattices_by_chance(const struct bragg_vectors *vectors, struct base base,
                                 uint32_t members)
{
    double sigma;
    const struct lattice_point widest = widest_fit(vectors, base, &sigma);
    const double n = vectors->result->n_reflections, searched = searched_area(vectors);
    if (members == 3 && widest.is_opposite)
        return n * (n - 1) / 2 * M_PI * widest.within2 / searched;
    const double chance = area_of_points(vectors, base, widest.within2, sigma) / searched;
    double expected = n * (n - 1) / 2;
    for (uint32_t i = 0; i < members - 2; i++)
        expected *= chance * (n - 2 - i) / (i + 1);
    return expected;
}

/*
 * A lattice that chance would make in more than one of four such patterns tells nothing. Three
 * reflections of which the third is -2 (g1 + g2) are one in 0.15 to 0.6 of patterns (R_d 12.8),
 * those with a partner in 0.05, with g1 + g2 in 0.05, with -(g1 + g2) in 0.15 to 0.2.
 */
#define BY_CHANCE_MAX 0.25

bool bragg_find_lattice(const struct bragg_vectors *vectors)
{
    struct base base;
    struct lattice_point point;
    const uint32_t members = best_base(vectors, &base);
    if (members < 2 || members < LATTICE_SHARE * vectors->result->n_reflections)
        return false;
    if (members == 2 ? !has_weak_third(vectors, base)
                     : lattices_by_chance(vectors, base, members) > BY_CHANCE_MAX)
        return false;
    for (uint32_t i = 0; i < vectors->result->n_reflections; i++) {
        if (i == base.first || i == base.second || is_of_lattice(vectors, base, i, &point))
            vectors->result->reflections[i].flags |= BRAGG_LATTICE;
    }
    return true;
}
