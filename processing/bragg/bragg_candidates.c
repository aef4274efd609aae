#include "processing/bragg/bragg_candidates.h"

#include <math.h>
#include <string.h>

/* Which places are candidates: one by one in full, and quickly for a whole map. */

static inline struct bragg_candidate look_at(const struct bragg_scratch *scratch,
                                             enum bragg_width width, size_t place)
{
    const uint32_t counts = bragg_sum_at(scratch, width, place);
    const double background = bragg_background_at(scratch, width, place, counts);
    return (struct bragg_candidate){
        .place = (uint32_t)place,
        .counts = counts,
        .background = background,
        .speckle = bragg_speckle_at(scratch, width, place),
        .excess = counts - background,
    };
}

struct bragg_candidate bragg_look_at(const struct bragg_scratch *scratch, enum bragg_width width,
                                     size_t place)
{
    return look_at(scratch, width, place);
}

static bool reaches_threshold(const struct bragg_scratch *scratch,
                              const struct bragg_candidate *candidate)
{
    return candidate->counts >= bragg_threshold(&scratch->reference->thresholds,
                                                candidate->background, candidate->speckle);
}

/* Of two with the same excess the first is higher. */
static bool is_higher(const struct bragg_candidate *a, const struct bragg_candidate *b)
{
    return a->excess > b->excess || (a->excess == b->excess && a->place < b->place);
}

/* Whether one of the eight places around reaches its threshold and is higher. */
static bool is_beside_higher(const struct bragg_scratch *scratch, enum bragg_width width,
                             const struct bragg_candidate *candidate)
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const int step = (int)p->step;
    const int row = (int)(candidate->place / grid->stride);
    const int column = (int)(candidate->place % grid->stride);
    for (int y = row - step; y <= row + step; y += step) {
        for (int x = column - step; x <= column + step; x += step) {
            if (y < 0 || y >= (int)grid->rows || x < 0 || x >= (int)grid->columns)
                continue;
            const size_t place = bragg_map_at(grid, (uint32_t)y, (uint32_t)x);
            if (p->cell[place] == BRAGG_NO_PLACE)
                continue;
            const uint32_t counts = bragg_sum_at(scratch, width, place);
            const double excess = counts - bragg_background_at(scratch, width, place, counts);
            if (excess < candidate->excess)
                continue;
            const struct bragg_candidate other = look_at(scratch, width, place);
            if (is_higher(&other, candidate) && reaches_threshold(scratch, &other))
                return true;
        }
    }
    return false;
}

void bragg_try_place(struct bragg_scratch *scratch, enum bragg_width width, size_t place)
{
    struct bragg_width_scratch *const w = &scratch->width[width];
    const struct bragg_candidate candidate = look_at(scratch, width, place);
    if (reaches_threshold(scratch, &candidate) && !is_beside_higher(scratch, width, &candidate))
        w->candidates[w->n_candidates++] = candidate;
}

/* Between what the background of a ring's places over the template's lies, and its variance. */
struct ring_ratio {
    double low, high;
    double low_variance, high_variance;
};

static struct ring_ratio ratio_of_ring(const struct bragg_width_scratch *w,
                                       const struct bragg_ring *ring)
{
    struct ring_ratio ratio = {.low = HUGE_VAL, .low_variance = HUGE_VAL};
    for (uint32_t bin = ring->first_bin; bin < ring->end_bin; bin++) {
        ratio.low = w->bin_ratio[bin] < ratio.low ? w->bin_ratio[bin] : ratio.low;
        ratio.high = w->bin_ratio[bin] > ratio.high ? w->bin_ratio[bin] : ratio.high;
        const double variance = w->bin_variance[bin];
        ratio.low_variance = variance < ratio.low_variance ? variance : ratio.low_variance;
        ratio.high_variance = variance > ratio.high_variance ? variance : ratio.high_variance;
    }
    return ratio;
}

/* No place of the cell with more than the limit can be a candidate's. Where the frame is left out
 * of the template, counts lower their own threshold: a threshold T(S) that falls with S is reached
 * only by counts of at least T(T(0)). */
static uint32_t cell_limit(const struct bragg_scratch *scratch, const struct bragg_cell *cell,
                           const struct ring_ratio *ratio)
{
    const struct bragg_thresholds *const thresholds = &scratch->reference->thresholds;
    const double speckle = cell->speckle + ratio->low_variance;
    uint32_t threshold =
        bragg_threshold(thresholds, cell->weight * scratch->keep * ratio->low, speckle);
    if (scratch->own > 0) {
        const double left = cell->weight * scratch->keep - threshold * scratch->own;
        const double least = cell->weight * BRAGG_TEMPLATE_LEFT;
        threshold =
            bragg_threshold(thresholds, (left > least ? left : least) * ratio->low, speckle);
    }
    return threshold - 1;
}

static void find_limits(uint32_t limits[BRAGG_CELLS], struct ring_ratio *ratios,
                        const struct bragg_scratch *scratch, enum bragg_width width)
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    for (uint32_t i = 0; i < BRAGG_CELLS; i++)
        limits[i] = UINT32_MAX;
    for (uint32_t ring = 0; ring < p->n_rings; ring++) {
        ratios[ring] = ratio_of_ring(&scratch->width[width], &p->rings[ring]);
        for (uint32_t i = BRAGG_LEVELS * ring; i < BRAGG_LEVELS * (ring + 1); i++) {
            if (p->cells[i].has_places)
                limits[i] = cell_limit(scratch, &p->cells[i], &ratios[ring]);
        }
    }
}

static void to_16_bits(uint16_t narrow[BRAGG_CELLS], const uint32_t wide[BRAGG_CELLS])
{
    for (uint32_t i = 0; i < BRAGG_CELLS; i++)
        narrow[i] = wide[i] < UINT16_MAX ? (uint16_t)wide[i] : UINT16_MAX;
}

/* Fills blocks with the places that the limits of their cells do not rule out; returns how many. */
static size_t screen(struct bragg_scratch *scratch, enum bragg_width width,
                     const uint32_t limits[BRAGG_CELLS])
{
    const struct bragg_reference *const r = scratch->reference;
    const struct bragg_positions *const p = &r->positions[width];
    _Alignas(64) uint16_t narrow[BRAGG_CELLS];
    to_16_bits(narrow, limits);
    const void *const sums = scratch->width[width].sums;
    return scratch->sums_are_narrow ? scratch->kernels->screen_16(scratch->blocks, sums, p->cell,
                                                                  r->grid.map_size, narrow)
                                    : scratch->kernels->screen_32(scratch->blocks, sums, p->cell,
                                                                  r->grid.map_size, limits);
}

/* Limits as bytes, 255 (never reached) for cells without a place; false: some do not fit. */
static bool to_8_bits(uint8_t narrow[BRAGG_CELLS], const uint32_t wide[BRAGG_CELLS])
{
    bool fit = true;
    for (uint32_t i = 0; i < BRAGG_CELLS; i++) {
        narrow[i] = (uint8_t)(wide[i] < UINT8_MAX ? wide[i] : UINT8_MAX);
        fit &= wide[i] < UINT8_MAX || wide[i] == UINT32_MAX;
    }
    return fit;
}

/* Sectors above their expectation that a frame without reflections may well have. */
#define LOUD_BY_CHANCE 3

static bool looks_empty(const struct bragg_scratch *scratch)
{
    const uint64_t loud = scratch->reference->background.usable & ~scratch->background.quiet;
    return __builtin_popcountll(loud) <= LOUD_BY_CHANCE;
}

/* Most frames have no place above the limits: sums of bytes, twice as many at a time, tell. Not
 * tried where there seem to be reflections, or where bytes are too small for the background. */
static bool rules_out_all(struct bragg_scratch *scratch, enum bragg_width width,
                          const uint32_t limits[BRAGG_CELLS])
{
    struct bragg_width_scratch *const w = &scratch->width[width];
    uint8_t narrow[BRAGG_CELLS];
    if (!scratch->has_bytes || w->has_sums || !looks_empty(scratch) || !to_8_bits(narrow, limits))
        return false;
    if (!w->has_byte_sums)
        scratch->kernels->disk_sums_8(w->byte_sums, scratch->room_8, scratch->bytes, &w->plan);
    w->has_byte_sums = true;
    return !scratch->kernels->any_above_8(w->byte_sums, scratch->reference->positions[width].cell,
                                          scratch->reference->grid.map_size, narrow);
}

/* Between what the background of a ring's places lies, and the highest of their thresholds. */
struct ring_range {
    double least, most;
    uint32_t threshold;
};

static struct ring_range range_of_ring(const struct bragg_scratch *scratch,
                                       const struct bragg_ring *ring,
                                       const struct ring_ratio *ratio)
{
    if (ring->weight > ring->most_weight)
        return (struct ring_range){.least = HUGE_VAL};
    const double most = ring->most_weight * scratch->keep * ratio->high;
    return (struct ring_range){
        .least = ring->weight * scratch->keep * ratio->low,
        .most = most,
        .threshold = bragg_threshold(&scratch->reference->thresholds, most,
                                     ring->most_speckle + ratio->high_variance),
    };
}

/* Counts that a place of a cell may have less than one beside it without being ruled out: with more
 * than that, the other one reaches its threshold if this one does and has more excess. */
static void find_slack(uint32_t slack[BRAGG_CELLS], const struct bragg_scratch *scratch,
                       const struct bragg_positions *p, const uint32_t limits[BRAGG_CELLS],
                       const struct ring_ratio *ratios)
{
    struct ring_range ranges[BRAGG_RINGS_MAX];
    for (uint32_t ring = 0; ring < p->n_rings; ring++)
        ranges[ring] = range_of_ring(scratch, &p->rings[ring], &ratios[ring]);
    memset(slack, 0, BRAGG_CELLS * sizeof(*slack));
    for (uint32_t ring = 0; ring < p->n_rings; ring++) {
        double most = 0, threshold = 0;
        const uint32_t first = ring > p->rings_beside ? ring - p->rings_beside : 0;
        for (uint32_t i = first; i <= ring + p->rings_beside && i < p->n_rings; i++) {
            most = ranges[i].most > most ? ranges[i].most : most;
            threshold = ranges[i].threshold > threshold ? ranges[i].threshold : threshold;
        }
        const double background = most - ranges[ring].least + 1;
        for (uint32_t i = BRAGG_LEVELS * ring; i < BRAGG_LEVELS * (ring + 1); i++) {
            const double more = threshold - limits[i];
            slack[i] = (uint32_t)ceil(fmax(0, more > background ? more : background));
        }
    }
}

/* Takes most places out of the blocks that have a higher one beside them: near bright disks nearly
 * all of some thousand are. */
static void drop_lower(struct bragg_scratch *scratch, enum bragg_width width,
                       const uint32_t limits[BRAGG_CELLS], const struct ring_ratio *ratios,
                       size_t n_blocks)
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    const ptrdiff_t column = (ptrdiff_t)p->step;
    const ptrdiff_t row = column * (ptrdiff_t)scratch->reference->grid.stride;
    const void *const sums = scratch->width[width].sums;
    _Alignas(64) uint32_t slack[BRAGG_CELLS];
    _Alignas(64) uint16_t narrow[BRAGG_CELLS];
    find_slack(slack, scratch, p, limits, ratios);
    to_16_bits(narrow, slack);
    for (size_t i = 0; i < n_blocks; i++) {
        if (scratch->sums_are_narrow)
            scratch->kernels->drop_lower_16(&scratch->blocks[i], sums, p->cell, row, column,
                                            narrow);
        else
            scratch->kernels->drop_lower_32(&scratch->blocks[i], sums, p->cell, row, column, slack);
    }
}

/* Blocks for which it is worth to find out what can be ruled out. */
#define FEW_BLOCKS 4

void bragg_find_candidates(struct bragg_scratch *scratch, enum bragg_width width)
{
    _Alignas(64) uint32_t limits[BRAGG_CELLS];
    struct ring_ratio ratios[BRAGG_RINGS_MAX];
    find_limits(limits, ratios, scratch, width);
    if (rules_out_all(scratch, width, limits))
        return;
    bragg_need_sums(scratch, width);
    const size_t n = screen(scratch, width, limits);
    /* Of a frame that is left out the counts lower the background too. */
    if (n > FEW_BLOCKS && scratch->own == 0)
        drop_lower(scratch, width, limits, ratios, n);
    for (size_t i = 0; i < n; i++) {
        const struct bragg_block *const block = &scratch->blocks[i];
        for (uint32_t left = block->which; left; left &= left - 1)
            bragg_try_place(scratch, width, block->first + (uint32_t)__builtin_ctz(left));
    }
}
