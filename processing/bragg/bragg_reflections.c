#include <math.h>

#include "processing/bragg/bragg_fits.h"

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

static int at_least(int value, int least)
{
    return value > least ? value : least;
}

static int at_most(int value, int most)
{
    return value < most ? value : most;
}

/* Excess of n pixels from a place of the buffer on. */
static void fill_excess(const struct bragg_scratch *scratch, double *excess, size_t at, size_t n)
{
    const struct bragg_reference *const r = scratch->reference;
    if (scratch->has_wide)
        scratch->kernels->excess_32(excess, scratch->pixels + at, r->template + at, r->band_at + at,
                                    &scratch->lines, n);
    else
        scratch->kernels->excess_16(excess, scratch->narrow + at, r->template + at, r->band_at + at,
                                    &scratch->lines, n);
}

/* Of a row y off the middle, the lanes that windows moved by `away` all have: they are of no pair,
 * since a pair's pixels are farther than R_d + BRAGG_DISK_MARGIN - away from the middle. */
struct lanes {
    int first, end;
};

static struct lanes lanes_inside(const struct bragg_disk *disk, int away, int y)
{
    const double inner = fmax(0, disk->radius + BRAGG_DISK_MARGIN - away);
    const int reach = disk->reach + away;
    const double half2 = inner * inner - y * y;
    const int half = half2 > 0 ? (int)sqrt(half2) : 0;
    const int first = (reach - half + BRAGG_EXCESS_LANES - 1) / BRAGG_EXCESS_LANES;
    const int end = (reach + half + 1) / BRAGG_EXCESS_LANES;
    return half > 0 && first < end
               ? (struct lanes){first * BRAGG_EXCESS_LANES, end * BRAGG_EXCESS_LANES}
               : (struct lanes){0};
}

static void fill_nan(double *excess, int first, int end)
{
    for (int x = first; x < end; x++)
        excess[x] = NAN;
}

/* A row of a window of which more is outside the rectangle than the buffer has border. What goes
 * beyond the row's end the next one overwrites. */
static void fill_clipped(const struct bragg_scratch *scratch, double *excess, int stride, int row,
                         int left)
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const int first = at_least(0, -left), end = at_most(stride, (int)grid->columns - left);
    fill_nan(excess, 0, stride);
    if (row < 0 || row >= (int)grid->rows || first >= end)
        return;
    const int n = (end - first + BRAGG_EXCESS_LANES - 1) / BRAGG_EXCESS_LANES * BRAGG_EXCESS_LANES;
    fill_excess(scratch, excess + first, bragg_buffer_at(grid, row, left + first), (size_t)n);
}

/* Fills scratch->excess with counts less background, NAN where a pixel is not used, of the pixels
 * no more than `away` farther than the disk reaches, [2 reach + 1][stride]; returns stride. */
static int fill_window(const struct bragg_scratch *scratch, const struct bragg_disk *disk, int row,
                       int column, int away)
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const int reach = disk->reach + away, left = column - reach;
    const int stride = (2 * reach + BRAGG_EXCESS_LANES) / BRAGG_EXCESS_LANES * BRAGG_EXCESS_LANES;
    const bool has_border =
        left >= -BRAGG_BORDER && left + stride <= (int)grid->columns + BRAGG_BORDER;
    for (int y = -reach; y <= reach; y++) {
        double *const excess = scratch->excess + (ptrdiff_t)(y + reach) * stride;
        if (!has_border || row + y < 0 || row + y >= (int)grid->rows) {
            fill_clipped(scratch, excess, stride, row + y, left);
            continue;
        }
        const struct lanes inside = lanes_inside(disk, away, y);
        const size_t at = bragg_buffer_at(grid, row + y, left);
        fill_excess(scratch, excess, at, (size_t)inside.first);
        fill_excess(scratch, excess + inside.end, at + (size_t)inside.end,
                    (size_t)(stride - inside.end));
    }
    return stride;
}

/* Along columns, along rows. */
typedef double two_doubles __attribute__((vector_size(16)));
typedef int64_t two_counts __attribute__((vector_size(16)));

/* Excess of the window moved `away` pixels forth less that of the window moved back, along columns
 * and along rows: of pixels on lines across the window, those on the one side less those that
 * mirror them. Nearer to the middle both windows have a pixel, or none of them. Of two that mirror
 * each other both are used or none, so that what is masked pulls to no side. Whether all are. */
static bool excess_slopes(const struct bragg_scratch *scratch, const struct bragg_disk *disk,
                          int row, int column, int away, double slopes[2])
{
    const ptrdiff_t stride = fill_window(scratch, disk, row, column, away);
    const double *const middle = scratch->excess + (stride + 1) * (disk->reach + away);
    two_doubles sum = {0};
    const two_doubles any = {HUGE_VAL, HUGE_VAL};
    two_counts n_used = {0};
    int n_pairs = 0;
    for (ptrdiff_t d = -disk->reach; d <= disk->reach; d++) {
        const int half = disk->half_width[d < 0 ? -d : d];
        const int nearest = half >= away ? half - away + 1 : away - half;
        n_pairs += half + away - nearest + 1;
        for (ptrdiff_t k = nearest; k <= half + away; k++) {
            const two_doubles forth = {middle[k * stride + d], middle[d * stride + k]};
            const two_doubles back = {middle[d - k * stride], middle[d * stride - k]};
            const two_doubles difference = forth - back;
            const two_counts used = difference <= any; /* -1, or 0 where it is NAN */
            sum += (two_doubles)((two_counts)difference & used);
            n_used -= used;
        }
    }
    for (int i = 0; i < 2; i++)
        slopes[i] = n_used[i] > 0 ? sum[i] * n_pairs / (double)n_used[i] : 0;
    return n_used[0] == n_pairs && n_used[1] == n_pairs;
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

/* V of one side's pixels, in units of that of the window. */
#define EDGE_SPECKLE 1.5

/* Variance of the excess that a window slopes: chance in the pixels near the windows' edges, half
 * of which the disk fills. */
static double slope_variance(const struct bragg_scratch *scratch, const struct bragg_peak *peak)
{
    const struct bragg_disk *const disk = &scratch->reference->positions[peak->width].disk;
    const struct bragg_candidate *const c = &peak->candidate;
    const double f = bragg_whole_clusters(scratch->reference->values.overdispersion);
    const double side =
        2. * edge_distance(scratch->reference, peak->is_soft) * (2 * disk->reach + 1);
    const double background = c->background / disk->area * side;
    const double excess = c->excess / (M_PI * peak->radius * peak->radius) * side;
    return 2 *
           (f * (background + excess / 2) + EDGE_SPECKLE * c->speckle * background * background);
}

/* Standard deviation that a reflection far above everything still has, pixels. */
#define SIGMA_FLOOR 0.05

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
    const double trusted =
        whole * BRAGG_PIXEL_VARIANCE / (BRAGG_PIXEL_VARIANCE + whole * whole * variance);
    const double factor = fmin(whole, fmax(least, trusted));
    const double left = 1 - factor / whole;
    return (struct edge_law){
        .per_slope = factor,
        .sigma = sqrt(factor * factor * variance + left * left * BRAGG_PIXEL_VARIANCE +
                      SIGMA_FLOOR * SIGMA_FLOOR),
    };
}

static double clamped(double value, double limit)
{
    return fmax(-limit, fmin(limit, value));
}

#define CENTRE_ROUNDS 4

/* The middle of a disk; from pixel to pixel where it is not near the one that it was found at.
 * false: pixels near its edges are not used. */
static bool find_place(const struct bragg_scratch *scratch, const struct bragg_peak *peak,
                       struct bragg_place *place)
{
    const struct bragg_disk *const disk = &scratch->reference->positions[peak->width].disk;
    const struct edge_law law = edge_law_of(scratch, peak);
    const int away = edge_distance(scratch->reference, peak->is_soft);
    bool is_whole = true;
    *place = (struct bragg_place){peak->row, peak->column, law.sigma};
    for (int round = 0; round < CENTRE_ROUNDS; round++) {
        const int y = (int)rint(place->row), x = (int)rint(place->column);
        double slopes[2];
        is_whole = excess_slopes(scratch, disk, y, x, away, slopes);
        place->row = y + clamped(law.per_slope * slopes[0], away);
        place->column = x + clamped(law.per_slope * slopes[1], away);
        if ((int)rint(place->row) == y && (int)rint(place->column) == x)
            break;
    }
    return is_whole;
}

static void fit_where_edges_fail(const struct bragg_scratch *scratch, const struct bragg_peak *peak,
                                 bool is_whole, struct bragg_place *place)
{
    const bool touches = bragg_touches_another(scratch, peak);
    if (peak->is_surely_soft || touches || !is_whole)
        bragg_fit_profile(scratch, peak, touches, place);
}

static void tell_reflection(struct bragg_reflection *reflection,
                            const struct bragg_scratch *scratch, const struct bragg_peak *peak)
{
    const struct bragg_reference *const r = scratch->reference;
    const struct bragg_candidate *const candidate = &peak->candidate;
    const double share = r->positions[peak->width].share[candidate->place];
    struct bragg_place place;
    const bool is_whole = find_place(scratch, peak, &place);
    if (r->fit.is_small && peak->width == BRAGG_MATCHED)
        bragg_fit_small_disk(scratch, peak, &place);
    else if (r->profile_fit.is_possible)
        fit_where_edges_fail(scratch, peak, is_whole, &place);
    *reflection = (struct bragg_reflection){
        .y = r->grid.top + place.row,
        .x = r->grid.left + place.column,
        .counts = candidate->counts,
        .background = candidate->background,
        .contrast = candidate->excess / candidate->background,
        .log10_p = bragg_null_tail_log(candidate->counts, candidate->background,
                                       r->values.overdispersion, candidate->speckle) /
                   M_LN10,
        .sigma = place.sigma,
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
