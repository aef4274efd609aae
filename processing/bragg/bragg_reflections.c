#include <math.h>

#include "processing/bragg/bragg_search.h"

/* From peaks to reflections: where their middle is, and what is told of them. */

/* Disks with less than this share of used pixels are flagged. */
#define EDGE_SHARE 0.85

static double distance(double dy, double dx)
{
    return sqrt(dy * dy + dx * dx);
}

/*
 * A disk that lies off a window's middle makes the window lose counts, on the one side more than on
 * the other: S of windows moved forth and back by `away` pixels differs by 4 R_d A y, A the excess
 * per pixel and y how far the disk is off. Only pixels near the windows' edges are in one of them
 * and not in the other: where the disk's interior counts by chance does not matter, nor do large
 * grains of speckle, as they would for a centre of mass.
 */

/* The pixels round a place, as far as they are in the rectangle. */
struct window {
    const double *excess; /* counts less background, NAN where a pixel is not used */
    int top, left, stride;
};

static int at_least(int value, int least)
{
    return value > least ? value : least;
}

static int at_most(int value, int most)
{
    return value < most ? value : most;
}

/* Those that are no more than `reach` rows and columns away. */
static struct window window_at(const struct bragg_scratch *scratch, int row, int column, int reach)
{
    const struct bragg_reference *const r = scratch->reference;
    const int top = at_least(row - reach, 0), left = at_least(column - reach, 0);
    const int rows = at_most(row + reach, (int)r->grid.rows - 1) - top + 1;
    const int columns = at_most(column + reach, (int)r->grid.columns - 1) - left + 1;
    const int stride = (columns + BRAGG_EXCESS_LANES - 1) / BRAGG_EXCESS_LANES * BRAGG_EXCESS_LANES;
    const struct window window = {scratch->excess, top, left, stride};
    for (int y = 0; columns > 0 && y < rows; y++) {
        const size_t at = bragg_buffer_at(&r->grid, top + y, left);
        double *const excess = scratch->excess + (size_t)y * (size_t)stride;
        const double *const template = r->template + at;
        if (scratch->has_wide)
            scratch->kernels->excess_32(excess, scratch->pixels + at, template, r->band_at + at,
                                        &scratch->lines, (size_t)stride);
        else
            scratch->kernels->excess_16(excess, scratch->narrow + at, template, r->band_at + at,
                                        &scratch->lines, (size_t)stride);
    }
    return window;
}

/* Of pixels on a line across the window, `nearest` to `farthest` from its middle: those on the one
 * side less those that mirror them. Of two that mirror each other both are used or none, so that
 * what is masked pulls to no side. */
struct slope {
    double sum;
    int n_used;
};

static inline void add_pairs(struct slope *slope, const struct window *window, ptrdiff_t middle,
                             int step, int nearest, int farthest)
{
    for (int k = nearest; k <= farthest; k++) {
        const ptrdiff_t away = (ptrdiff_t)k * step;
        const double difference = window->excess[middle + away] - window->excess[middle - away];
        slope->sum += isnan(difference) ? 0 : difference;
        slope->n_used += !isnan(difference);
    }
}

static double mean_slope(const struct slope *slope, int n_pairs)
{
    return slope->n_used > 0 ? slope->sum * n_pairs / slope->n_used : 0;
}

/* Of a line of pixels, how far from this one both sides are inside. */
static int farthest_inside(int at, uint32_t n)
{
    return at_most(at, (int)n - 1 - at);
}

/* Excess of the window moved `away` pixels forth less that of the window moved back, along columns
 * and along rows. Pairs of which a pixel is outside the rectangle are not used. */
static void excess_slopes(const struct bragg_scratch *scratch, const struct bragg_disk *disk,
                          int row, int column, int away, double slopes[2])
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const struct window window = window_at(scratch, row, column, disk->reach + away);
    const ptrdiff_t middle = (ptrdiff_t)(row - window.top) * window.stride + column - window.left;
    const int inside[2] = {farthest_inside(row, grid->rows),
                           farthest_inside(column, grid->columns)};
    struct slope slope[2] = {0};
    int n_pairs = 0;
    for (int d = -disk->reach; d <= disk->reach; d++) {
        const int half = disk->half_width[d < 0 ? -d : d];
        /* Nearer to the middle both windows have a pixel, or none of them. */
        const int nearest = half >= away ? half - away + 1 : away - half;
        n_pairs += half + away - nearest + 1;
        if (column + d >= 0 && column + d < (int)grid->columns)
            add_pairs(&slope[0], &window, middle + d, window.stride, nearest,
                      at_most(half + away, inside[0]));
        if (row + d >= 0 && row + d < (int)grid->rows)
            add_pairs(&slope[1], &window, middle + (ptrdiff_t)d * window.stride, 1, nearest,
                      at_most(half + away, inside[1]));
    }
    for (int i = 0; i < 2; i++)
        slopes[i] = mean_slope(&slope[i], n_pairs);
}

/* Of disks with soft edges, in radii of the aperture. */
#define SOFT_AWAY 0.9

static int edge_distance(const struct bragg_reference *reference, bool is_soft)
{
    const double radius = reference->values.settings.disk_radius;
    if (is_soft)
        return (int)fmax(1, rint(SOFT_AWAY * radius));
    return bragg_edge_distance(radius);
}

size_t bragg_window_room(const struct bragg_reference *reference)
{
    const int away = at_least(edge_distance(reference, true), edge_distance(reference, false));
    int reach = 0;
    for (uint32_t w = 0; w < reference->n_widths; w++)
        reach = at_least(reference->positions[w].disk.reach, reach);
    const size_t side = 2 * (size_t)(reach + away) + 1;
    return side * (side + BRAGG_EXCESS_LANES);
}

/* The whole cluster of an electron counts, not only its part in the window (clusters of F = 2.0 in
 * a window: 2.2 as a whole). */
#define WHOLE_CLUSTERS 1.2
/* V of one side's pixels, in units of that of the window. */
#define EDGE_SPECKLE 1.5

/* Variance of the excess that a window slopes: chance in the pixels near the windows' edges, half
 * of which the disk fills. */
static double slope_variance(const struct bragg_scratch *scratch, const struct bragg_peak *peak)
{
    const struct bragg_disk *const disk = &scratch->reference->positions[peak->width].disk;
    const struct bragg_candidate *const c = &peak->candidate;
    const double f = 1 + WHOLE_CLUSTERS * (scratch->reference->values.overdispersion - 1);
    const double side =
        2. * edge_distance(scratch->reference, peak->is_soft) * (2 * disk->reach + 1);
    const double background = c->background / disk->area * side;
    const double excess = c->excess / (M_PI * peak->radius * peak->radius) * side;
    return 2 *
           (f * (background + excess / 2) + EDGE_SPECKLE * c->speckle * background * background);
}

/* Standard deviation that a reflection far above everything still has, pixels. */
#define SIGMA_FLOOR 0.05
/* Variance of where in its pixel a disk's middle lies. */
#define PIXEL_VARIANCE (1. / 12)

struct edge_law {
    double per_slope; /* pixels that a disk is off for each count that its window's excess slopes */
    double sigma;     /* of a coordinate */
};

/* Where chance moves a disk by more than a pixel is wide, its middle is where it was found rather
 * than where the slope says: the slope counts the less, but not less than were pixels small. */
static struct edge_law edge_law_of(const struct bragg_scratch *scratch,
                                   const struct bragg_peak *peak)
{
    const struct bragg_positions *const p = &scratch->reference->positions[peak->width];
    const double share = p->share[peak->candidate.place] / peak->candidate.excess;
    const double least = M_PI * peak->radius / 4 * share;
    const double whole = peak->is_soft ? least : p->off_slope * share;
    const double variance = slope_variance(scratch, peak);
    const double trusted = whole * PIXEL_VARIANCE / (PIXEL_VARIANCE + whole * whole * variance);
    const double factor = fmin(whole, fmax(least, trusted));
    const double left = 1 - factor / whole;
    return (struct edge_law){
        .per_slope = factor,
        .sigma = sqrt(factor * factor * variance + left * left * PIXEL_VARIANCE +
                      SIGMA_FLOOR * SIGMA_FLOOR),
    };
}

static double clamped(double value, double limit)
{
    return fmax(-limit, fmin(limit, value));
}

#define CENTRE_ROUNDS 4

/* The middle of a disk; from pixel to pixel where it is not near the one that it was found at. */
static void find_centre(const struct bragg_scratch *scratch, const struct bragg_peak *peak,
                        double factor, double *row, double *column)
{
    const struct bragg_disk *const disk = &scratch->reference->positions[peak->width].disk;
    const int away = edge_distance(scratch->reference, peak->is_soft);
    *row = peak->row;
    *column = peak->column;
    for (int round = 0; round < CENTRE_ROUNDS; round++) {
        const int y = (int)rint(*row), x = (int)rint(*column);
        double slopes[2];
        excess_slopes(scratch, disk, y, x, away, slopes);
        *row = y + clamped(factor * slopes[0], away);
        *column = x + clamped(factor * slopes[1], away);
        if ((int)rint(*row) == y && (int)rint(*column) == x)
            break;
    }
}

static void tell_reflection(struct bragg_reflection *reflection,
                            const struct bragg_scratch *scratch, const struct bragg_peak *peak)
{
    const struct bragg_reference *const r = scratch->reference;
    const struct bragg_candidate *const candidate = &peak->candidate;
    const double share = r->positions[peak->width].share[candidate->place];
    double row, column;
    const struct edge_law law = edge_law_of(scratch, peak);
    find_centre(scratch, peak, law.per_slope, &row, &column);
    *reflection = (struct bragg_reflection){
        .y = r->grid.top + row,
        .x = r->grid.left + column,
        .counts = candidate->counts,
        .background = candidate->background,
        .contrast = candidate->excess / candidate->background,
        .log10_p = bragg_null_tail_log(candidate->counts, candidate->background,
                                       r->values.overdispersion, candidate->speckle) /
                   M_LN10,
        .sigma = law.sigma,
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

void bragg_list_reflections(struct bragg_scratch *scratch, struct bragg_result *result)
{
    const double apart = scratch->reference->positions[BRAGG_MATCHED].disk.radius;
    bragg_lines_init(&scratch->lines, scratch->background.ratio,
                     scratch->reference->background.n_bands);
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
