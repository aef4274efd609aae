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

/* Counts less background of a pixel of the buffer; false: it is not used. */
static inline bool excess_at(const struct bragg_scratch *scratch, size_t at, double *excess)
{
    if (!(scratch->reference->template[at] > 0))
        return false;
    *excess = bragg_pixel_at(scratch, at) - bragg_expected_at(scratch, at);
    return true;
}

/* Of pixels on a line across the window, `nearest` to `farthest` from its middle: those on the one
 * side less those that mirror them. Of two that mirror each other both are used or none, so that
 * what is masked pulls to no side. */
struct slope {
    double sum;
    int n_pairs, n_used;
};

static inline void add_pairs(struct slope *slope, const struct bragg_scratch *scratch,
                             size_t middle, ptrdiff_t step, int nearest, int farthest)
{
    for (int k = nearest; k <= farthest; k++, slope->n_pairs++) {
        double forth, back;
        if (excess_at(scratch, middle + (size_t)(k * step), &forth) &&
            excess_at(scratch, middle - (size_t)(k * step), &back)) {
            slope->sum += forth - back;
            slope->n_used++;
        }
    }
}

/* Pairs of which a pixel is outside the rectangle are not used. */
static int farthest_inside(const struct bragg_grid *grid, int row, int column, bool along_row)
{
    const int at = along_row ? column : row;
    const int other = along_row ? row : column;
    const int last = (int)(along_row ? grid->columns : grid->rows) - 1;
    const int last_other = (int)(along_row ? grid->rows : grid->columns) - 1;
    if (other < 0 || other > last_other)
        return -1;
    return at < last - at ? at : last - at;
}

/* Excess of the window moved `away` pixels forth less that of the window moved back. */
static double excess_slope(const struct bragg_scratch *scratch, const struct bragg_disk *disk,
                           int row, int column, int away, bool along_row)
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const ptrdiff_t step = along_row ? 1 : (ptrdiff_t)grid->buffer_stride;
    struct slope slope = {0};
    for (int d = -disk->reach; d <= disk->reach; d++) {
        const int half = disk->half_width[d < 0 ? -d : d];
        /* Nearer to the middle both windows have a pixel, or none of them. */
        const int nearest = half >= away ? half - away + 1 : away - half;
        const int y = along_row ? row + d : row, x = along_row ? column : column + d;
        const int inside = farthest_inside(grid, y, x, along_row);
        const int farthest = half + away < inside ? half + away : inside;
        add_pairs(&slope, scratch, bragg_buffer_at(grid, y, x), step, nearest, farthest);
        slope.n_pairs += half + away - (farthest > nearest - 1 ? farthest : nearest - 1);
    }
    return slope.n_used > 0 ? slope.sum * slope.n_pairs / slope.n_used : 0;
}

/* Of disks with soft edges, in radii of the aperture. */
#define SOFT_AWAY 0.9

static int edge_distance(const struct bragg_scratch *scratch, const struct bragg_peak *peak)
{
    const double radius = scratch->reference->values.settings.disk_radius;
    if (peak->is_soft)
        return (int)fmax(1, rint(SOFT_AWAY * radius));
    return bragg_edge_distance(radius);
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
    const double side = 2. * edge_distance(scratch, peak) * (2 * disk->reach + 1);
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
    const int away = edge_distance(scratch, peak);
    *row = peak->row;
    *column = peak->column;
    for (int round = 0; round < CENTRE_ROUNDS; round++) {
        const int y = (int)rint(*row), x = (int)rint(*column);
        const double dy = factor * excess_slope(scratch, disk, y, x, away, false);
        const double dx = factor * excess_slope(scratch, disk, y, x, away, true);
        *row = y + clamped(dy, away);
        *column = x + clamped(dx, away);
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
