#include "processing/statistics/texture.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define MAX_CELLS 2000 /* from the centre outwards */

/* A square of 2 x 2 cells of a tolerance each. */
struct window {
    uint32_t n_positions, n_members;
    uint32_t last; /* position + 1 that was counted last */
    float sum_y, sum_x;
};

struct grid {
    struct window *windows; /* [side][side], the first begins at -reach tolerances */
    int32_t reach, side;
};

static int grid_init(struct grid *grid, const struct scan_reflection *reflections, size_t n,
                     double tolerance, struct error *error)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fmax(fabs(reflections[i].gy), fabs(reflections[i].gx)));
    const double reach = ceil(largest / tolerance) + 2;
    if (!(tolerance > 0) || !(reach <= MAX_CELLS))
        return error_set(error, -EINVAL,
                         "a tolerance of %g pixels does not suit reflections %g pixels from the "
                         "centre",
                         tolerance, largest);
    grid->reach = (int32_t)reach;
    grid->side = 2 * grid->reach + 1;
    grid->windows = calloc((size_t)grid->side * (size_t)grid->side, sizeof *grid->windows);
    return grid->windows ? 0 : error_set(error, -ENOMEM, "no memory for the texture");
}

static struct window *window_at(const struct grid *grid, int32_t y, int32_t x)
{
    return &grid->windows[(size_t)(y + grid->reach) * (size_t)grid->side +
                          (size_t)(x + grid->reach)];
}

/* Each reflection lies in four windows. */
static void fill(struct grid *grid, const struct scan_reflection *reflections, size_t n,
                 double tolerance)
{
    for (size_t i = 0; i < n; i++) {
        const struct scan_reflection *const r = &reflections[i];
        const int32_t y = (int32_t)floor(r->gy / tolerance), x = (int32_t)floor(r->gx / tolerance);
        for (int32_t k = 0; k < 4; k++) {
            struct window *const window = window_at(grid, y - (k >> 1), x - (k & 1));
            window->n_positions += window->last != r->position + 1;
            window->last = r->position + 1;
            window->n_members++;
            window->sum_y += (float)r->gy;
            window->sum_x += (float)r->gx;
        }
    }
}

static int compare_windows(const void *a, const void *b)
{
    const struct window *const x = *(struct window *const *)a, *const y =
                                                                   *(struct window *const *)b;
    if (x->n_positions != y->n_positions)
        return x->n_positions < y->n_positions ? 1 : -1;
    return (x > y) - (x < y);
}

/* Windows with enough positions, the fullest first. */
static size_t candidates(const struct grid *grid, uint64_t least, struct window **list)
{
    const size_t n_windows = (size_t)grid->side * (size_t)grid->side;
    size_t n = 0;
    for (size_t i = 0; i < n_windows; i++) {
        if (grid->windows[i].n_positions < least)
            continue;
        if (list)
            list[n] = &grid->windows[i];
        n++;
    }
    if (list)
        qsort(list, n, sizeof(struct window *), compare_windows);
    return n;
}

static void place_of(const struct grid *grid, const struct window *window, int32_t *y, int32_t *x)
{
    const int32_t index = (int32_t)(window - grid->windows);
    *y = index / grid->side;
    *x = index % grid->side;
}

static bool overlap(const struct grid *grid, const struct window *a, const struct window *b)
{
    int32_t ay, ax, by, bx;
    place_of(grid, a, &ay, &ax);
    place_of(grid, b, &by, &bx);
    return abs(ay - by) <= 1 && abs(ax - bx) <= 1;
}

/* Takes the fullest windows that overlap none taken before; those taken come to the front of the
 * list. */
static size_t take(struct static_reflection *found, size_t room, const struct grid *grid,
                   struct window **list, size_t n)
{
    size_t n_found = 0;
    for (size_t i = 0; i < n && n_found < room; i++) {
        struct window *const window = list[i];
        size_t j = 0;
        while (j < n_found && !overlap(grid, window, list[j]))
            j++;
        if (j < n_found)
            continue;
        list[i] = list[n_found];
        list[n_found] = window;
        found[n_found++] = (struct static_reflection){
            .gy = window->sum_y / (double)window->n_members,
            .gx = window->sum_x / (double)window->n_members,
            .n_positions = window->n_positions,
        };
    }
    return n_found;
}

int static_reflections(struct static_reflection *found, size_t room, size_t *n_found,
                       const struct scan_reflection *reflections, size_t n, uint64_t n_positions,
                       double tolerance, double min_fraction, struct error *error)
{
    struct grid grid = {0};
    *n_found = 0;
    const int result = grid_init(&grid, reflections, n, tolerance, error);
    if (result)
        return result;
    fill(&grid, reflections, n, tolerance);
    const uint64_t least = (uint64_t)fmax(1, ceil(min_fraction * (double)n_positions));
    const size_t n_candidates = candidates(&grid, least, NULL);
    struct window **const list =
        malloc((n_candidates ? n_candidates : 1) * sizeof(struct window *));
    if (list) {
        candidates(&grid, least, list);
        *n_found = take(found, room, &grid, list, n_candidates);
    }
    free(list);
    free(grid.windows);
    return list ? 0 : error_set(error, -ENOMEM, "no memory for the texture");
}
