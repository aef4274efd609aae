#include "processing/bragg/bragg_template.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Less than this share of the ring's median: the pixel does not count. */
#define DEAD_SHARE 0.2
/* A pixel is hot when it is above its neighbours by this share and this many deviations. */
#define HOT_SHARE 0.5
#define HOT_DEVIATIONS 6
/* Reflections of smaller disks could be a single pixel. */
#define HOT_RADIUS_MIN 1.0
#define STATIC_DEVIATIONS 3

/* Rings one pixel wide. */
struct ring {
    double median, deviation; /* of the sums; deviation: 1.4826 times the median deviation */
};

struct work {
    const struct bragg_reference_values *values;
    const struct bragg_grid *grid;
    uint8_t *mask;
    double *sorted; /* room for a ring */
    struct ring *rings;
    uint32_t n_rings;
};

static uint32_t ring_of(const struct work *work, uint32_t row, uint32_t column)
{
    const struct bragg_settings *const s = &work->values->settings;
    const double radius = bragg_radius_at(s, work->grid->top + row, work->grid->left + column);
    return (uint32_t)(radius - s->inner);
}

static double sum_at(const struct work *work, uint32_t row, uint32_t column)
{
    return (double)work->values->template_sums[bragg_frame_at(work->grid, row, column)];
}

static void mask_as_told(struct work *work)
{
    for (uint32_t row = 0; row < work->grid->rows; row++) {
        for (uint32_t column = 0; column < work->grid->columns; column++) {
            const uint8_t *const bad = work->values->bad;
            const bool used = bragg_in_annulus(&work->values->settings, work->grid->top + row,
                                               work->grid->left + column) &&
                              !(bad && bad[bragg_frame_at(work->grid, row, column)]);
            work->mask[bragg_map_at(work->grid, row, column)] = used ? UINT8_MAX : 0;
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), by_size);
    return n == 0 ? 0 : (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static void measure_ring(struct work *work, uint32_t ring)
{
    const struct bragg_grid *const grid = work->grid;
    size_t n = 0;
    for (uint32_t row = 0; row < grid->rows; row++) {
        for (uint32_t column = 0; column < grid->columns; column++) {
            if (work->mask[bragg_map_at(grid, row, column)] && ring_of(work, row, column) == ring)
                work->sorted[n++] = sum_at(work, row, column);
        }
    }
    struct ring *const r = &work->rings[ring];
    r->median = median_of(work->sorted, n);
    for (size_t i = 0; i < n; i++)
        work->sorted[i] = fabs(work->sorted[i] - r->median);
    r->deviation = 1.4826 * median_of(work->sorted, n);
}

static void measure_rings(struct work *work)
{
    for (uint32_t ring = 0; ring < work->n_rings; ring++)
        measure_ring(work, ring);
}

/* Median of the used pixels round this one, -1: there are fewer than 3. */
static double median_of_neighbours(const struct work *work, uint32_t row, uint32_t column)
{
    const struct bragg_grid *const grid = work->grid;
    double values[8];
    size_t n = 0;
    for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
            const uint32_t y = row + (uint32_t)dy, x = column + (uint32_t)dx;
            if ((dy || dx) && y < grid->rows && x < grid->columns &&
                work->mask[bragg_map_at(grid, y, x)])
                values[n++] = sum_at(work, y, x);
        }
    }
    return n < 3 ? -1 : median_of(values, n);
}

static bool is_hot(const struct work *work, uint32_t row, uint32_t column)
{
    const double around = median_of_neighbours(work, row, column);
    if (around < 0 || work->values->settings.disk_radius < HOT_RADIUS_MIN)
        return false;
    const double excess = sum_at(work, row, column) - around;
    return excess > HOT_SHARE * around &&
           excess > HOT_DEVIATIONS * sqrt(work->values->overdispersion * (around + 1));
}

static bool is_dead(const struct work *work, uint32_t row, uint32_t column)
{
    const double median = work->rings[ring_of(work, row, column)].median;
    return median >= 25 && sum_at(work, row, column) < DEAD_SHARE * median;
}

static void mask_as_seen(struct work *work)
{
    for (uint32_t row = 0; row < work->grid->rows; row++) {
        for (uint32_t column = 0; column < work->grid->columns; column++) {
            uint8_t *const mask = &work->mask[bragg_map_at(work->grid, row, column)];
            if (*mask && (is_dead(work, row, column) || is_hot(work, row, column)))
                *mask = 0;
        }
    }
}

/* What is left of the pixel's sum after it was cut down to its ring. */
static double cut_sum(const struct work *work, uint32_t row, uint32_t column, bool *was_cut)
{
    const struct ring *const ring = &work->rings[ring_of(work, row, column)];
    const double counting = sqrt(work->values->overdispersion * ring->median);
    const double limit = ring->median + STATIC_DEVIATIONS * fmax(ring->deviation, counting) + 1;
    const double sum = sum_at(work, row, column);
    *was_cut = sum > limit;
    return *was_cut ? limit : sum;
}

static void fill(struct bragg_template_counts *result, const struct work *work, double *counts,
                 uint8_t *is_static)
{
    const struct bragg_grid *const grid = work->grid;
    const double n_frames = (double)work->values->n_frames;
    for (uint32_t row = 0; row < grid->rows; row++) {
        for (uint32_t column = 0; column < grid->columns; column++) {
            if (!work->mask[bragg_map_at(grid, row, column)]) {
                result->n_bad +=
                    bragg_in_annulus(&work->values->settings, grid->top + row, grid->left + column);
                continue;
            }
            bool was_cut;
            const double sum = cut_sum(work, row, column, &was_cut);
            counts[bragg_buffer_at(grid, (int)row, (int)column)] = sum / n_frames;
            is_static[bragg_frame_at(grid, row, column)] = was_cut;
            result->n_static += was_cut;
            result->n_used++;
        }
    }
}

static bool any_counts(const struct work *work)
{
    double sum = 0;
    for (uint32_t row = 0; row < work->grid->rows; row++) {
        for (uint32_t column = 0; column < work->grid->columns; column++)
            sum +=
                work->mask[bragg_map_at(work->grid, row, column)] ? sum_at(work, row, column) : 0;
    }
    return sum > 0;
}

int bragg_template_prepare(struct bragg_template_counts *result,
                           const struct bragg_reference_values *values,
                           const struct bragg_grid *grid, uint8_t *mask, double *counts,
                           uint8_t *is_static, struct error *error)
{
    const struct bragg_settings *const s = &values->settings;
    struct work work = {.values = values,
                        .grid = grid,
                        .mask = mask,
                        .n_rings = (uint32_t)(s->outer - s->inner) + 1};
    int rc = 0;
    *result = (struct bragg_template_counts){0};
    work.sorted = malloc(grid->map_size * sizeof(*work.sorted));
    work.rings = calloc(work.n_rings, sizeof(*work.rings));
    if (!work.sorted || !work.rings) {
        rc = error_set(error, -ENOMEM, "not enough memory for the Bragg template");
        goto out;
    }
    mask_as_told(&work);
    if (!any_counts(&work)) {
        rc = error_set(error, -ENODATA,
                       "the template of the Bragg reference has no counts in the annulus [%g, %g]",
                       s->inner, s->outer);
        goto out;
    }
    measure_rings(&work);
    mask_as_seen(&work);
    measure_rings(&work);
    fill(result, &work, counts, is_static);
out:
    free(work.rings);
    free(work.sorted);
    return rc;
}
