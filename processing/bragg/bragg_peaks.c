#include <math.h>
#include <string.h>

#include "processing/bragg/bragg_search.h"

/* Candidates become peaks, that of most excess first, as long as what the peaks before them put
 * into their disk does not explain them. */

/* Two reflections are at least this many radii apart. */
#define APART 1.5
/* What is put into a disk by a peak beside it is known to this factor and this V. */
#define SPILL_FACTOR 1.2
#define SPILL_SPECKLE 0.01
/* A reflection is of the wide template when the wide disk has so much more excess. */
#define WIDE_EXCESS 1.5
/* Where it has that much more, the disk's edges are not sharp. */
#define SOFT_EXCESS 1.25
/* What it has of a sharp one, and by how many standard deviations more of one that is surely wider.
 */
#define SHARP_EXCESS 1.08
#define DEVIATIONS 2

static double distance(double dy, double dx)
{
    return sqrt(dy * dy + dx * dx);
}

/* Excess that the peaks so far put into a disk at (row, column), HUGE_VAL where one is too near. */
static double spill(const struct bragg_scratch *scratch, double row, double column, double radius)
{
    double sum = 0;
    for (uint32_t i = 0; i < scratch->n_peaks; i++) {
        const struct bragg_peak *const peak = &scratch->peaks[i];
        const double away = distance(row - peak->row, column - peak->column);
        if (away < APART * (radius < peak->radius ? radius : peak->radius))
            return HUGE_VAL;
        sum += peak->candidate.excess *
               bragg_lens_area(radius + BRAGG_DISK_MARGIN, peak->radius, away) /
               (M_PI * peak->radius * peak->radius);
    }
    return sum;
}

/* Of the pixels of the disk and some beside it. */
static uint32_t highest_around(const struct bragg_scratch *scratch, const struct bragg_disk *disk,
                               size_t at)
{
    const size_t stride = scratch->reference->grid.buffer_stride;
    const struct bragg_kernels *const kernels = scratch->kernels;
    return scratch->has_wide
               ? kernels->highest_around_32(scratch->pixels + at, stride, disk->reach)
               : kernels->highest_around_16(scratch->narrow + at, stride, disk->reach);
}

static uint32_t highest_pixel(const struct bragg_scratch *scratch, const struct bragg_disk *disk,
                              size_t at)
{
    uint32_t highest = 0;
    for (ptrdiff_t dy = -disk->reach; dy <= disk->reach; dy++) {
        const ptrdiff_t half = disk->half_width[dy < 0 ? -dy : dy];
        const ptrdiff_t row = (ptrdiff_t)at + dy * scratch->reference->grid.buffer_stride;
        for (ptrdiff_t i = row - half; i <= row + half; i++) {
            const uint32_t counts = scratch->has_wide ? scratch->pixels[i] : scratch->narrow[i];
            highest = counts > highest ? counts : highest;
        }
    }
    return highest;
}

/* Hot-pixel guard: a single pixel that holds most of the excess must not be what decides. Smaller
 * disks may be a single pixel. */
#define GUARD_RADIUS 1.5

static bool is_hot_pixel(const struct bragg_scratch *scratch, enum bragg_width width,
                         const struct bragg_candidate *candidate)
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const struct bragg_disk *const disk = &scratch->reference->positions[width].disk;
    if (scratch->reference->values.settings.disk_radius < GUARD_RADIUS)
        return false;
    const size_t at = bragg_buffer_at(grid, (int)(candidate->place / grid->stride),
                                      (int)(candidate->place % grid->stride));
    const double per_pixel = candidate->background / disk->area;
    const double most = 0.5 * (candidate->excess);
    if (highest_around(scratch, disk, at) - per_pixel <= most)
        return false;
    const uint32_t highest = highest_pixel(scratch, disk, at);
    if (highest - per_pixel <= most)
        return false;
    return candidate->counts - highest < bragg_threshold(&scratch->reference->thresholds,
                                                         candidate->background - per_pixel,
                                                         candidate->speckle);
}

/* Whether the candidate's counts are more than its background and the peaks before it explain. */
static bool stands_alone(const struct bragg_scratch *scratch, enum bragg_width width,
                         const struct bragg_candidate *candidate)
{
    const struct bragg_reference *const r = scratch->reference;
    const uint32_t row = candidate->place / r->grid.stride;
    const uint32_t column = candidate->place % r->grid.stride;
    const double spilled = spill(scratch, row, column, r->positions[width].disk.radius);
    if (isinf(spilled))
        return false;
    if (spilled > 0 &&
        candidate->counts < bragg_threshold(&r->thresholds,
                                            candidate->background + SPILL_FACTOR * spilled,
                                            candidate->speckle + SPILL_SPECKLE))
        return false;
    return !is_hot_pixel(scratch, width, candidate);
}

/* Excess in standard deviations. */
static double significance(const struct bragg_scratch *scratch,
                           const struct bragg_candidate *candidate)
{
    const double b = candidate->background;
    return candidate->excess /
           sqrt((scratch->reference->values.overdispersion + candidate->speckle * b) * b);
}

/* The disk of another width at the same place; false: none is looked for there. */
static bool look_at_width(const struct bragg_scratch *scratch, enum bragg_width width,
                          const struct bragg_candidate *candidate, struct bragg_candidate *other)
{
    const struct bragg_reference *const r = scratch->reference;
    if (r->n_widths < 2)
        return false;
    const struct bragg_positions *const p = &r->positions[width];
    const uint32_t row = candidate->place / r->grid.stride;
    const uint32_t column = candidate->place % r->grid.stride;
    const size_t place =
        bragg_map_at(&r->grid, row / p->step * p->step, column / p->step * p->step);
    if (p->cell[place] == BRAGG_NO_PLACE)
        return false;
    *other = bragg_look_at(scratch, width, place);
    return true;
}

/* Counts that the wide window has for each of the matched one, were all of their pixels used. */
static double excess_ratio(const struct bragg_scratch *scratch, const struct bragg_candidate *wide,
                           const struct bragg_candidate *matched)
{
    const struct bragg_positions *const p = scratch->reference->positions;
    const double wide_excess = wide->excess / p[BRAGG_WIDE].share[wide->place];
    return wide_excess / (matched->excess / p[BRAGG_MATCHED].share[matched->place]);
}

/* Whether the wide window has more than chance would add to a sharp disk. */
static bool is_surely_wider(const struct bragg_scratch *scratch, const struct bragg_candidate *wide,
                            const struct bragg_candidate *matched)
{
    const double more = wide->excess - SHARP_EXCESS * matched->excess;
    const double counts = wide->background - matched->background + more;
    const double variance =
        bragg_whole_clusters(scratch->reference->values.overdispersion) * counts;
    return more > 0 && more * more > DEVIATIONS * DEVIATIONS * variance;
}

/* Which width a peak has. */
static void find_width(const struct bragg_scratch *scratch, struct bragg_peak *peak)
{
    const struct bragg_candidate candidate = peak->candidate;
    struct bragg_candidate other;
    const bool is_wide = peak->width == BRAGG_WIDE;
    peak->is_soft = is_wide;
    if (!look_at_width(scratch, is_wide ? BRAGG_MATCHED : BRAGG_WIDE, &candidate, &other))
        return;
    const struct bragg_candidate *const wide = is_wide ? &candidate : &other;
    const struct bragg_candidate *const matched = is_wide ? &other : &candidate;
    peak->wide_excess = excess_ratio(scratch, wide, matched);
    peak->is_surely_soft = is_surely_wider(scratch, wide, matched);
    if (is_wide)
        return;
    peak->is_soft = wide->excess > SOFT_EXCESS * matched->excess;
    if (wide->excess > WIDE_EXCESS * matched->excess &&
        significance(scratch, wide) > significance(scratch, matched)) {
        peak->width = BRAGG_WIDE;
        peak->candidate = *wide;
    }
}

static void accept(struct bragg_scratch *scratch, enum bragg_width width,
                   const struct bragg_candidate *candidate)
{
    const struct bragg_reference *const r = scratch->reference;
    struct bragg_peak *const peak = &scratch->peaks[scratch->n_peaks++];
    const uint32_t row = candidate->place / r->grid.stride;
    const uint32_t column = candidate->place % r->grid.stride;
    *peak =
        (struct bragg_peak){.row = row, .column = column, .width = width, .candidate = *candidate};
    find_width(scratch, peak);
    peak->radius = r->positions[peak->width].disk.radius;
}

/* Takes the candidate of most excess that is left out of the list; false: none is. */
static bool take_highest(struct bragg_width_scratch *w, struct bragg_candidate *highest)
{
    uint32_t best = 0;
    if (w->n_candidates == 0)
        return false;
    for (uint32_t i = 1; i < w->n_candidates; i++) {
        if (w->candidates[i].excess > w->candidates[best].excess)
            best = i;
    }
    *highest = w->candidates[best];
    w->candidates[best] = w->candidates[--w->n_candidates];
    return true;
}

static void choose(struct bragg_scratch *scratch, enum bragg_width width)
{
    struct bragg_candidate candidate;
    while (take_highest(&scratch->width[width], &candidate)) {
        if (!stands_alone(scratch, width, &candidate))
            continue;
        if (scratch->n_peaks == BRAGG_REFLECTIONS_MAX) {
            scratch->more_peaks = true;
            return;
        }
        accept(scratch, width, &candidate);
    }
}

void bragg_choose_peaks(struct bragg_scratch *scratch)
{
    scratch->n_peaks = 0;
    scratch->more_peaks = false;
    for (uint32_t w = 0; w < scratch->reference->n_widths; w++)
        choose(scratch, w);
}

uint64_t bragg_busy_sectors(const struct bragg_scratch *scratch)
{
    const struct bragg_settings *const s = &scratch->reference->values.settings;
    const uint32_t n = scratch->reference->background.n_sectors;
    uint64_t busy = 0;
    for (uint32_t i = 0; i < scratch->n_peaks; i++) {
        const struct bragg_peak *const peak = &scratch->peaks[i];
        const double y = scratch->reference->grid.top + peak->row - s->centre_y;
        const double x = scratch->reference->grid.left + peak->column - s->centre_x;
        const double reach = peak->radius + 1, g = distance(y, x);
        const double half = reach < g ? asin(reach / g) / (2 * M_PI) : 0.5;
        const double turn = atan2(y, x) / (2 * M_PI) + 0.5;
        const int first = (int)floor((turn - half) * n), last = (int)floor((turn + half) * n);
        for (int sector = first; sector <= last && sector < first + (int)n; sector++)
            busy |= 1ull << (uint32_t)((sector + (int)n) % (int)n);
    }
    return busy;
}
