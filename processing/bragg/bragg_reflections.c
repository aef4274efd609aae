#include <math.h>

#include "processing/bragg/bragg_search.h"

/* From peaks to reflections: where their middle is, and what is told of them. */

/* Disks with less than this share of used pixels are flagged. */
#define EDGE_SHARE 0.85

static double distance(double dy, double dx)
{
    return sqrt(dy * dy + dx * dx);
}

/* The pixels round a centre with the background taken off: their sum, and moments from there. */
struct excess_moments {
    double sum, y, x;
};

static struct excess_moments excess_around(const struct bragg_scratch *scratch, double row,
                                           double column, double radius)
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    struct excess_moments m = {0};
    const int first = (int)ceil(row - radius), last = (int)floor(row + radius);
    for (int y = first < 0 ? 0 : first; y <= last && y < (int)grid->rows; y++) {
        const double dy = y - row, half = sqrt(fmax(0, radius * radius - dy * dy));
        const int left = (int)ceil(column - half), right = (int)floor(column + half);
        const size_t at = bragg_buffer_at(grid, y, 0);
        double sum = 0, moment = 0;
        for (int x = left < 0 ? 0 : left; x <= right && x < (int)grid->columns; x++) {
            const double excess =
                scratch->pixels[at + (size_t)x] - bragg_expected_at(scratch, at + (size_t)x);
            sum += excess;
            moment += excess * (x - column);
        }
        m.sum += sum;
        m.y += sum * dy;
        m.x += moment;
    }
    return m;
}

#define CENTROID_MARGIN 0.7
#define CENTROID_ROUNDS 3
#define CENTROID_STILL 0.006 /* radii: no round after one that moved it less */

/* Centre of mass of the excess in a disk that follows it; no farther than a radius. */
static void find_centre(const struct bragg_scratch *scratch, const struct bragg_peak *peak,
                        double *row, double *column)
{
    *row = peak->row;
    *column = peak->column;
    for (int round = 0; round < CENTROID_ROUNDS; round++) {
        const struct excess_moments m =
            excess_around(scratch, *row, *column, peak->radius + CENTROID_MARGIN);
        if (!(m.sum > 0))
            break;
        const double dy = m.y / m.sum, dx = m.x / m.sum;
        *row += dy;
        *column += dx;
        if (!(distance(*row - peak->row, *column - peak->column) <= peak->radius)) {
            *row = peak->row;
            *column = peak->column;
            break;
        }
        if (distance(dy, dx) < CENTROID_STILL * peak->radius)
            break;
    }
}

/* Standard deviation that a reflection far above everything still has, pixels. */
#define SIGMA_FLOOR 0.05

/* The whole cluster of an electron counts in a centre of mass, not only its part in the window, and
 * lies off the electron's pixel (clusters of F = 2.0 in a window: 2.2 as a whole, 0.22 pixels^2).
 */
#define WHOLE_CLUSTERS 1.2
#define CLUSTER_SPREAD 0.22

/* Of a centre of mass: electrons of the reflection spread over its disk, those of the background
 * over the window. */
static double centroid_sigma(const struct bragg_scratch *scratch,
                             const struct bragg_candidate *candidate, double radius)
{
    const double excess = candidate->excess, b = candidate->background;
    const double shared = scratch->reference->values.overdispersion - 1;
    const double f = 1 + WHOLE_CLUSTERS * shared;
    const double window = (radius + CENTROID_MARGIN) / (radius + BRAGG_DISK_MARGIN);
    const double spread = radius * radius / 4 + CLUSTER_SPREAD * shared;
    const double wider = window * window * window * window;
    const double variance = spread * (f * excess + wider * (f + candidate->speckle * b) * b);
    return sqrt(variance / (excess * excess) + SIGMA_FLOOR * SIGMA_FLOOR);
}

static void tell_reflection(struct bragg_reflection *reflection,
                            const struct bragg_scratch *scratch, const struct bragg_peak *peak)
{
    const struct bragg_reference *const r = scratch->reference;
    const struct bragg_candidate *const candidate = &peak->candidate;
    const double share = r->positions[peak->width].share[candidate->place];
    double row, column;
    find_centre(scratch, peak, &row, &column);
    *reflection = (struct bragg_reflection){
        .y = r->grid.top + row,
        .x = r->grid.left + column,
        .counts = candidate->counts,
        .background = candidate->background,
        .contrast = candidate->excess / candidate->background,
        .log10_p = bragg_null_tail_log(candidate->counts, candidate->background,
                                       r->values.overdispersion, candidate->speckle) /
                   M_LN10,
        .sigma = centroid_sigma(scratch, candidate, peak->radius),
        .partner = -1,
        .width = (uint8_t)peak->width,
        .flags = share < EDGE_SHARE ? BRAGG_AT_EDGE : 0,
    };
}

/* Two peaks may have moved to the same middle. */
static bool is_listed(const struct bragg_result *result, const struct bragg_reflection *reflection,
                      double radius)
{
    for (uint32_t i = 0; i < result->n_reflections; i++) {
        if (distance(result->reflections[i].y - reflection->y,
                     result->reflections[i].x - reflection->x) < radius)
            return true;
    }
    return false;
}

/* Into its place by falling significance. */
static void insert(struct bragg_result *result, const struct bragg_reflection *reflection)
{
    uint32_t i = result->n_reflections++;
    for (; i > 0 && result->reflections[i - 1].log10_p > reflection->log10_p; i--)
        result->reflections[i] = result->reflections[i - 1];
    result->reflections[i] = *reflection;
}

void bragg_list_reflections(const struct bragg_scratch *scratch, struct bragg_result *result)
{
    const double apart = scratch->reference->positions[BRAGG_MATCHED].disk.radius;
    if (scratch->more_peaks)
        result->flags |= BRAGG_LIST_FULL;
    for (uint32_t i = 0; i < scratch->n_peaks; i++) {
        struct bragg_reflection reflection;
        tell_reflection(&reflection, scratch, &scratch->peaks[i]);
        if (is_listed(result, &reflection, apart))
            continue;
        insert(result, &reflection);
        result->contrast = fmax(result->contrast, reflection.contrast);
    }
}
