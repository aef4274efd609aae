#include <math.h>
#include <string.h>

#include "processing/bragg/bragg_search.h"

/* Candidates with more excess than their neighbours become peaks, that with the most first, as
 * long as what the peaks before them put into their disk does not explain them. */

/* Two reflections are at least this many radii apart. */
#define APART 1.5
/* What is put into a disk by a peak beside it is known to this factor and this V. */
#define SPILL_FACTOR 1.2
#define SPILL_SPECKLE 0.01
/* A reflection is of the wide template when the wide disk has so much more excess. */
#define WIDE_EXCESS 1.5
/* Disks with less than this share of used pixels are flagged. */
#define EDGE_SHARE 0.85

static void index_candidates(struct bragg_width_scratch *w)
{
    for (uint32_t i = 0; i < w->n_candidates; i++)
        w->candidate_at[w->candidates[i].place] = i + 1;
}

static void forget_candidates(struct bragg_width_scratch *w)
{
    for (uint32_t i = 0; i < w->n_candidates; i++)
        w->candidate_at[w->candidates[i].place] = 0;
}

/* Whether the candidate j at a neighbouring place comes before i. */
static bool is_before(const struct bragg_width_scratch *w, uint32_t j, uint32_t i)
{
    const double a = w->candidates[j].excess, b = w->candidates[i].excess;
    return a > b || (a == b && j < i);
}

static bool is_highest(const struct bragg_scratch *scratch, enum bragg_width width, uint32_t i)
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const struct bragg_width_scratch *const w = &scratch->width[width];
    const uint32_t place = w->candidates[i].place, step = w->plan.step;
    const uint32_t row = place / grid->stride, column = place % grid->stride;
    for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
            const uint32_t y = row + (uint32_t)dy * step, x = column + (uint32_t)dx * step;
            if ((!dy && !dx) || y >= grid->rows || x >= grid->columns)
                continue;
            const uint32_t other = w->candidate_at[bragg_map_at(grid, y, x)];
            if (other && is_before(w, other - 1, i))
                return false;
        }
    }
    return true;
}

/* Keeps only the highest candidates, in their order. */
static void keep_highest(struct bragg_scratch *scratch, enum bragg_width width)
{
    struct bragg_width_scratch *const w = &scratch->width[width];
    uint32_t n = 0;
    index_candidates(w);
    for (uint32_t i = 0; i < w->n_candidates; i++)
        scratch->places[i] = is_highest(scratch, width, i);
    forget_candidates(w);
    for (uint32_t i = 0; i < w->n_candidates; i++) {
        if (scratch->places[i])
            w->candidates[n++] = w->candidates[i];
    }
    w->n_candidates = n;
}

/* Excess that the peaks so far put into a disk at (row, column), HUGE_VAL where one is too near. */
static double spill(const struct bragg_scratch *scratch, const struct bragg_result *result,
                    double row, double column, double radius)
{
    double sum = 0;
    for (uint32_t i = 0; i < result->n_reflections; i++) {
        const struct bragg_peak *const peak = &scratch->peaks[i];
        const double distance = hypot(row - peak->row, column - peak->column);
        if (distance < APART * (radius < peak->radius ? radius : peak->radius))
            return HUGE_VAL;
        sum += peak->excess * bragg_lens_area(radius + BRAGG_DISK_MARGIN, peak->radius, distance) /
               (M_PI * peak->radius * peak->radius);
    }
    return sum;
}

static uint32_t highest_pixel(const struct bragg_scratch *scratch, const struct bragg_disk *disk,
                              uint32_t row, uint32_t column)
{
    uint32_t highest = 0;
    for (int dy = -disk->reach; dy <= disk->reach; dy++) {
        const int half = disk->half_width[dy < 0 ? -dy : dy];
        const uint32_t *const pixels =
            scratch->pixels +
            bragg_buffer_at(&scratch->reference->grid, (int)row + dy, (int)column);
        for (int dx = -half; dx <= half; dx++)
            highest = pixels[dx] > highest ? pixels[dx] : highest;
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
    const uint32_t highest = highest_pixel(scratch, disk, candidate->place / grid->stride,
                                           candidate->place % grid->stride);
    const double per_pixel = candidate->background / disk->area;
    if (highest - per_pixel <= 0.5 * (candidate->excess))
        return false;
    return candidate->counts - highest < bragg_threshold(&scratch->reference->thresholds,
                                                         candidate->background - per_pixel,
                                                         candidate->speckle);
}

/* Whether the candidate's counts are more than its background and the peaks before it explain. */
static bool stands_alone(const struct bragg_scratch *scratch, const struct bragg_result *result,
                         enum bragg_width width, const struct bragg_candidate *candidate)
{
    const struct bragg_reference *const r = scratch->reference;
    const double spilled =
        spill(scratch, result, candidate->place / r->grid.stride, candidate->place % r->grid.stride,
              r->positions[width].disk.radius);
    if (isinf(spilled))
        return false;
    if (spilled > 0 &&
        candidate->counts < bragg_threshold(&r->thresholds,
                                            candidate->background + SPILL_FACTOR * spilled,
                                            candidate->speckle + SPILL_SPECKLE))
        return false;
    return !is_hot_pixel(scratch, width, candidate);
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
        *row += m.y / m.sum;
        *column += m.x / m.sum;
        if (!(hypot(*row - peak->row, *column - peak->column) <= peak->radius)) {
            *row = peak->row;
            *column = peak->column;
            break;
        }
    }
}

/* Standard deviation that a reflection far above everything still has, pixels. */
#define SIGMA_FLOOR 0.05

/* Of a centre of mass: electrons of the reflection spread over its disk, those of the background
 * over the window. */
static double centroid_sigma(const struct bragg_scratch *scratch,
                             const struct bragg_candidate *candidate, double radius)
{
    const double excess = candidate->excess, b = candidate->background;
    const double window = (radius + CENTROID_MARGIN) / (radius + BRAGG_DISK_MARGIN);
    const double spread = window * window * window * window;
    const double f = scratch->reference->values.overdispersion;
    const double variance = f * excess + spread * (f + candidate->speckle * b) * b;
    return sqrt(radius * radius / 4 * variance / (excess * excess) + SIGMA_FLOOR * SIGMA_FLOOR);
}

static void tell_reflection(struct bragg_reflection *reflection, struct bragg_scratch *scratch,
                            const struct bragg_peak *peak, enum bragg_width width,
                            const struct bragg_candidate *candidate)
{
    const struct bragg_reference *const r = scratch->reference;
    const double excess = candidate->excess;
    double row, column;
    find_centre(scratch, peak, &row, &column);
    *reflection = (struct bragg_reflection){
        .y = r->grid.top + row,
        .x = r->grid.left + column,
        .counts = candidate->counts,
        .background = candidate->background,
        .contrast = excess / candidate->background,
        .log10_p = bragg_null_tail_log(candidate->counts, candidate->background,
                                       r->values.overdispersion, candidate->speckle) /
                   M_LN10,
        .sigma = centroid_sigma(scratch, candidate, peak->radius),
        .partner = -1,
        .width = (uint8_t)width,
        .flags = r->positions[width].share[candidate->place] < EDGE_SHARE ? BRAGG_AT_EDGE : 0,
    };
}

/* Excess in standard deviations. */
static double significance(const struct bragg_scratch *scratch,
                           const struct bragg_candidate *candidate)
{
    const double b = candidate->background;
    return candidate->excess /
           sqrt((scratch->reference->values.overdispersion + candidate->speckle * b) * b);
}

/* The wide disk at the same place, where it tells more of the reflection than the matched one. */
static bool is_wide(const struct bragg_scratch *scratch, const struct bragg_candidate *matched,
                    struct bragg_candidate *wide)
{
    const struct bragg_reference *const r = scratch->reference;
    if (r->n_widths < 2)
        return false;
    const struct bragg_positions *const p = &r->positions[BRAGG_WIDE];
    const uint32_t row = matched->place / r->grid.stride, column = matched->place % r->grid.stride;
    const size_t place =
        bragg_map_at(&r->grid, row / p->step * p->step, column / p->step * p->step);
    if (p->cell[place] == BRAGG_NO_PLACE)
        return false;
    wide->place = (uint32_t)place;
    wide->counts = bragg_sum_at(scratch, BRAGG_WIDE, place);
    wide->background = bragg_background_at(scratch, BRAGG_WIDE, place, wide->counts);
    wide->speckle = bragg_speckle_at(scratch, BRAGG_WIDE, place);
    wide->excess = wide->counts - wide->background;
    return wide->excess > WIDE_EXCESS * matched->excess &&
           significance(scratch, wide) > significance(scratch, matched);
}

static bool is_double(const struct bragg_result *result, const struct bragg_reflection *reflection,
                      double radius)
{
    for (uint32_t i = 0; i < result->n_reflections; i++) {
        if (hypot(result->reflections[i].y - reflection->y,
                  result->reflections[i].x - reflection->x) < radius)
            return true;
    }
    return false;
}

static void accept(struct bragg_scratch *scratch, struct bragg_result *result,
                   enum bragg_width width, const struct bragg_candidate *candidate)
{
    const struct bragg_reference *const r = scratch->reference;
    struct bragg_candidate kept = *candidate;
    if (width == BRAGG_MATCHED && is_wide(scratch, candidate, &kept))
        width = BRAGG_WIDE;
    else
        kept = *candidate;
    struct bragg_peak *const peak = &scratch->peaks[result->n_reflections];
    *peak = (struct bragg_peak){
        .row = candidate->place / r->grid.stride,
        .column = candidate->place % r->grid.stride,
        .radius = r->positions[width].disk.radius,
        .excess = kept.excess,
    };
    struct bragg_reflection *const reflection = &result->reflections[result->n_reflections];
    tell_reflection(reflection, scratch, peak, width, &kept);
    if (!is_double(result, reflection, r->positions[BRAGG_MATCHED].disk.radius))
        result->n_reflections++;
}

/* Takes the candidate of most excess that is left out of the list; false: none is. */
static bool take_highest(struct bragg_width_scratch *w, struct bragg_candidate *highest)
{
    uint32_t best = 0;
    if (w->n_candidates == 0)
        return false;
    for (uint32_t i = 1; i < w->n_candidates; i++) {
        if (is_before(w, i, best))
            best = i;
    }
    *highest = w->candidates[best];
    w->candidates[best] = w->candidates[--w->n_candidates];
    return true;
}

static void choose(struct bragg_scratch *scratch, struct bragg_result *result,
                   enum bragg_width width)
{
    struct bragg_candidate candidate;
    while (take_highest(&scratch->width[width], &candidate)) {
        if (!stands_alone(scratch, result, width, &candidate))
            continue;
        if (result->n_reflections == BRAGG_REFLECTIONS_MAX) {
            result->flags |= BRAGG_LIST_FULL;
            return;
        }
        accept(scratch, result, width, &candidate);
    }
}

static void sort_peaks(struct bragg_scratch *scratch, struct bragg_result *result)
{
    for (uint32_t i = 1; i < result->n_reflections; i++) {
        const struct bragg_peak peak = scratch->peaks[i];
        const struct bragg_reflection reflection = result->reflections[i];
        uint32_t j = i;
        for (; j > 0 && result->reflections[j - 1].log10_p > reflection.log10_p; j--) {
            scratch->peaks[j] = scratch->peaks[j - 1];
            result->reflections[j] = result->reflections[j - 1];
        }
        scratch->peaks[j] = peak;
        result->reflections[j] = reflection;
    }
}

void bragg_choose_peaks(struct bragg_scratch *scratch, struct bragg_result *result)
{
    result->n_reflections = 0;
    result->contrast = 0;
    result->flags &= (uint8_t)~BRAGG_LIST_FULL;
    for (uint32_t w = 0; w < scratch->reference->n_widths; w++) {
        keep_highest(scratch, w);
        choose(scratch, result, w);
    }
    sort_peaks(scratch, result);
    for (uint32_t i = 0; i < result->n_reflections; i++)
        result->contrast = fmax(result->contrast, result->reflections[i].contrast);
}

uint64_t bragg_busy_sectors(const struct bragg_scratch *scratch, const struct bragg_result *result)
{
    const struct bragg_settings *const s = &scratch->reference->values.settings;
    const uint32_t n = scratch->reference->background.n_sectors;
    uint64_t busy = 0;
    for (uint32_t i = 0; i < result->n_reflections; i++) {
        const double y = result->reflections[i].y - s->centre_y;
        const double x = result->reflections[i].x - s->centre_x;
        const double reach = scratch->peaks[i].radius + 1, g = hypot(y, x);
        const double half = reach < g ? asin(reach / g) / (2 * M_PI) : 0.5;
        const double turn = atan2(y, x) / (2 * M_PI) + 0.5;
        const int first = (int)floor((turn - half) * n), last = (int)floor((turn + half) * n);
        for (int sector = first; sector <= last && sector < first + (int)n; sector++)
            busy |= 1ull << (uint32_t)((sector + (int)n) % (int)n);
    }
    return busy;
}
