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

/* Counts less background of pixels first to last of a row or a column; there are none outside. */
static double excess_of(const struct bragg_scratch *scratch, int line, int first, int last,
                        bool is_row)
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const int lines = (int)(is_row ? grid->rows : grid->columns);
    const int length = (int)(is_row ? grid->columns : grid->rows);
    if (line < 0 || line >= lines)
        return 0;
    double sum = 0;
    for (int i = first < 0 ? 0 : first; i <= last && i < length; i++) {
        const size_t at = is_row ? bragg_buffer_at(grid, line, i) : bragg_buffer_at(grid, i, line);
        sum += scratch->pixels[at] - bragg_expected_at(scratch, at);
    }
    return sum;
}

/* Excess of the window moved `away` pixels forth less that of the window moved back. */
static double excess_slope(const struct bragg_scratch *scratch, const struct bragg_disk *disk,
                           int row, int column, int away, bool along_row)
{
    const int across = along_row ? row : column, along = along_row ? column : row;
    double slope = 0;
    for (int d = -disk->reach; d <= disk->reach; d++) {
        const int half = disk->half_width[d < 0 ? -d : d];
        const int both =
            half >= away ? half - away : away - half - 1; /* from here on only one has it */
        slope += excess_of(scratch, across + d, along + both + 1, along + half + away, along_row) -
                 excess_of(scratch, across + d, along - half - away, along - both - 1, along_row);
    }
    return slope;
}

#define CENTRE_ROUNDS 4
/* Windows of larger disks are moved farther, since more of their counts lie in soft edges. */
#define LARGE_RADIUS 5
/* Of disks with soft edges, in radii of the aperture. */
#define SOFT_AWAY 0.9

static int edge_distance(const struct bragg_scratch *scratch, const struct bragg_peak *peak)
{
    const double radius = scratch->reference->values.settings.disk_radius;
    if (peak->is_soft)
        return (int)fmax(1, rint(SOFT_AWAY * radius));
    return radius < LARGE_RADIUS ? 1 : 2;
}

static double clamped(double value, double limit)
{
    return fmax(-limit, fmin(limit, value));
}

/* The middle of a disk; from pixel to pixel where it is not near the one that it was found at. */
static void find_centre(const struct bragg_scratch *scratch, const struct bragg_peak *peak,
                        double *row, double *column)
{
    const struct bragg_disk *const disk = &scratch->reference->positions[peak->width].disk;
    const int away = edge_distance(scratch, peak);
    const double per_excess = M_PI * peak->radius / 4 / peak->candidate.excess;
    *row = peak->row;
    *column = peak->column;
    for (int round = 0; round < CENTRE_ROUNDS; round++) {
        const int y = (int)rint(*row), x = (int)rint(*column);
        const double dy = per_excess * excess_slope(scratch, disk, y, x, away, false);
        const double dx = per_excess * excess_slope(scratch, disk, y, x, away, true);
        *row = y + clamped(dy, away);
        *column = x + clamped(dx, away);
        if ((int)rint(*row) == y && (int)rint(*column) == x)
            break;
    }
}

/* Standard deviation that a reflection far above everything still has, pixels. */
#define SIGMA_FLOOR 0.05
/* The whole cluster of an electron counts, not only its part in the window (clusters of F = 2.0 in
 * a window: 2.2 as a whole). */
#define WHOLE_CLUSTERS 1.2
/* V of one side's pixels, in units of that of the window. */
#define EDGE_SPECKLE 1.5

/* Of a coordinate: chance in the pixels near the windows' edges, half of which the disk fills. */
static double centre_sigma(const struct bragg_scratch *scratch, const struct bragg_peak *peak)
{
    const struct bragg_disk *const disk = &scratch->reference->positions[peak->width].disk;
    const struct bragg_candidate *const c = &peak->candidate;
    const double f = 1 + WHOLE_CLUSTERS * (scratch->reference->values.overdispersion - 1);
    const double side = 2. * edge_distance(scratch, peak) * (2 * disk->reach + 1);
    const double background = c->background / disk->area * side;
    const double excess = c->excess / (M_PI * peak->radius * peak->radius) * side;
    const double variance =
        2 * (f * (background + excess / 2) + EDGE_SPECKLE * c->speckle * background * background);
    const double per_excess = M_PI * peak->radius / 4 / c->excess;
    return sqrt(per_excess * per_excess * variance + SIGMA_FLOOR * SIGMA_FLOOR);
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
        .sigma = centre_sigma(scratch, peak),
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
