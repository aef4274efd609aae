#include "processing/statistics/domains.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Reflections of position p: first[p] to first[p + 1] - 1; parent: of each in the forest. */
struct forest {
    uint32_t *first, *parent;
};

static uint32_t root_of(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

/* The smaller number becomes the root, so that the result does not depend on the order of links. */
static void join(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

static bool is_same(const struct scan_reflection *a, const struct scan_reflection *b,
                    double tolerance)
{
    return hypot(a->gy - b->gy, a->gx - b->gx) <= tolerance ||
           hypot(a->gy + b->gy, a->gx + b->gx) <= tolerance;
}

static void link_positions(struct forest *forest, const struct scan_reflection *reflections,
                           uint32_t a, uint32_t b, double tolerance)
{
    for (uint32_t i = forest->first[a]; i < forest->first[a + 1]; i++)
        for (uint32_t j = forest->first[b]; j < forest->first[b + 1]; j++)
            if (i != j && is_same(&reflections[i], &reflections[j], tolerance))
                join(forest->parent, i, j);
}

static void link_all(struct forest *forest, const struct scan_reflection *reflections, uint32_t ny,
                     uint32_t nx, double tolerance)
{
    for (uint32_t y = 0; y < ny; y++)
        for (uint32_t x = 0; x < nx; x++) {
            const uint32_t here = y * nx + x;
            link_positions(forest, reflections, here, here, tolerance);
            if (x + 1 < nx)
                link_positions(forest, reflections, here, here + 1, tolerance);
            if (y + 1 == ny)
                continue;
            for (uint32_t to = x > 0 ? x - 1 : 0; to <= x + 1 && to < nx; to++)
                link_positions(forest, reflections, here, here + nx - x + to, tolerance);
        }
}

static int index_positions(struct forest *forest, const struct scan_reflection *reflections,
                           size_t n, uint32_t n_positions, struct error *error)
{
    for (size_t i = 0; i < n; i++) {
        if (reflections[i].position >= n_positions ||
            (i > 0 && reflections[i].position < reflections[i - 1].position))
            return error_set(error, -EINVAL,
                             "reflection %zu is at position %u: the list must be in order, and "
                             "within %u positions",
                             i, reflections[i].position, n_positions);
        forest->first[reflections[i].position + 1]++;
        forest->parent[i] = (uint32_t)i;
    }
    for (uint32_t p = 0; p < n_positions; p++)
        forest->first[p + 1] += forest->first[p];
    return 0;
}

/* Sums over a domain while it is put together. */
struct sums {
    struct domain domain;
    uint32_t n_members, last, name;
};

static void add_reflection(struct sums *sums, const struct scan_reflection *r, uint32_t nx)
{
    const bool turn = r->gy < 0 || (r->gy == 0 && r->gx < 0);
    double gy = turn ? -r->gy : r->gy, gx = turn ? -r->gx : r->gx;
    /* Near the x axis noise decides which of the two that is: as the first one of the domain. */
    if (sums->n_members > 0 && gy * sums->domain.gy + gx * sums->domain.gx < 0) {
        gy = -gy;
        gx = -gx;
    }
    sums->domain.gy += gy;
    sums->domain.gx += gx;
    sums->n_members++;
    if (sums->last == r->position + 1)
        return;
    sums->last = r->position + 1;
    sums->domain.n_positions++;
    const uint32_t y = r->position / nx, x = r->position % nx;
    sums->domain.centre_y += y;
    sums->domain.centre_x += x;
}

static void finish_sums(struct sums *sums)
{
    struct domain *const d = &sums->domain;
    const bool turn = d->gy < 0 || (d->gy == 0 && d->gx < 0);
    const double members = turn ? -(double)sums->n_members : (double)sums->n_members;
    d->gy /= members;
    d->gx /= members;
    d->centre_y /= d->n_positions;
    d->centre_x /= d->n_positions;
}

static int by_falling_area(const void *a, const void *b)
{
    const struct sums *const x = a, *const y = b;
    if (x->domain.n_positions != y->domain.n_positions)
        return x->domain.n_positions < y->domain.n_positions ? 1 : -1;
    return (x->name > y->name) - (x->name < y->name);
}

/* Names the roots 0, 1, ... in domains->of, sums up, sorts, and renames. */
static int collect(struct domains *domains, uint32_t *parent,
                   const struct scan_reflection *reflections, size_t n, uint32_t nx)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t root = root_of(parent, (uint32_t)i);
        domains->of[i] = root == i ? (uint32_t)domains->n++ : domains->of[root];
    }
    struct sums *const sums = calloc(domains->n ? domains->n : 1, sizeof *sums);
    domains->domains = malloc((domains->n ? domains->n : 1) * sizeof *domains->domains);
    if (!sums || !domains->domains) {
        free(sums);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++)
        add_reflection(&sums[domains->of[i]], &reflections[i], nx);
    for (uint32_t d = 0; d < domains->n; d++) {
        finish_sums(&sums[d]);
        sums[d].name = d;
    }
    qsort(sums, domains->n, sizeof *sums, by_falling_area);
    /* The forest is used up: it holds the new names now. */
    for (uint32_t d = 0; d < domains->n; d++) {
        domains->domains[d] = sums[d].domain;
        parent[sums[d].name] = d;
    }
    for (size_t i = 0; i < n; i++)
        domains->of[i] = parent[domains->of[i]];
    free(sums);
    return 0;
}

int domains_init(struct domains *domains, const struct scan_reflection *reflections, size_t n,
                 uint32_t ny, uint32_t nx, double tolerance, struct error *error)
{
    *domains = (struct domains){0};
    if (!(tolerance > 0) || (uint64_t)ny * nx > INT32_MAX || n > INT32_MAX)
        return error_set(error, -EINVAL,
                         "cannot link %zu reflections of %u x %u positions to within %g pixels", n,
                         ny, nx, tolerance);
    struct forest forest = {
        .first = calloc((size_t)ny * nx + 1, sizeof *forest.first),
        .parent = malloc((n ? n : 1) * sizeof *forest.parent),
    };
    domains->of = malloc((n ? n : 1) * sizeof *domains->of);
    int result = forest.first && forest.parent && domains->of ? 0 : -ENOMEM;
    if (result == 0)
        result = index_positions(&forest, reflections, n, ny * nx, error);
    if (result == 0) {
        link_all(&forest, reflections, ny, nx, tolerance);
        result = collect(domains, forest.parent, reflections, n, nx);
    }
    free(forest.parent);
    free(forest.first);
    if (result == -ENOMEM)
        error_set(error, -ENOMEM, "no memory for the domains");
    if (result)
        domains_finish(domains);
    return result;
}

void domains_finish(struct domains *domains)
{
    free(domains->of);
    free(domains->domains);
    *domains = (struct domains){0};
}
