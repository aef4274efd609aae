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

/* Whether this place beside it reaches its threshold and is higher. */
static bool is_lower_than(const struct bragg_scratch *scratch, enum bragg_width width,
                          const struct bragg_candidate *candidate, size_t place)
{
    const uint32_t counts = bragg_sum_at(scratch, width, place);
    const double excess = counts - bragg_background_at(scratch, width, place, counts);
    if (excess < candidate->excess)
        return false;
    const struct bragg_candidate other = look_at(scratch, width, place);
    return is_higher(&other, candidate) && reaches_threshold(scratch, &other);
}

/* Whether one of the eight places around reaches its threshold and is higher. That of most counts
 * is looked at first: mostly it is the one. Of most others the counts alone tell that they are not.
 */
static bool is_beside_higher(const struct bragg_scratch *scratch, enum bragg_width width,
                             const struct bragg_candidate *candidate)
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    const ptrdiff_t column = (ptrdiff_t)p->step;
    const ptrdiff_t row = column * (ptrdiff_t)scratch->reference->grid.stride;
    const ptrdiff_t around[8] = {-row - column, -row,         -row + column, -column,
                                 column,        row - column, row,           row + column};
    const double least = scratch->width[width].least[p->cell[candidate->place] / BRAGG_LEVELS];
    const double as_high = candidate->excess + least - 1; /* far more than rounding */
    size_t places[8], first = 0;
    uint32_t n = 0, most = 0;
    for (int i = 0; i < 8; i++) {
        const size_t place = candidate->place + (size_t)around[i];
        if (p->cell[place] == BRAGG_NO_PLACE)
            continue;
        const uint32_t counts = bragg_sum_at(scratch, width, place);
        if (counts < as_high)
            continue;
        first = counts > most ? n : first;
        most = counts > most ? counts : most;
        places[n++] = place;
    }
    if (n > 0 && is_lower_than(scratch, width, candidate, places[first]))
        return true;
    for (uint32_t i = 0; i < n; i++) {
        if (i != first && is_lower_than(scratch, width, candidate, places[i]))
            return true;
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
    const uint8_t *const cell = scratch->reference->positions[width].cell;
    const struct bragg_width_scratch *const w = &scratch->width[width];
    _Alignas(64) uint16_t narrow[BRAGG_CELLS];
    to_16_bits(narrow, limits);
    return scratch->sums_are_narrow
               ? scratch->kernels->screen_16(scratch->blocks, w->sums, cell, &w->plan, narrow)
               : scratch->kernels->screen_32(scratch->blocks, w->sums, cell, &w->plan, limits);
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
    const struct bragg_grid *const grid = &scratch->reference->grid;
    struct bragg_width_scratch *const w = &scratch->width[width];
    uint8_t narrow[BRAGG_CELLS];
    if (!scratch->has_bytes || grid->stride < BRAGG_BYTES_STRIDE || w->has_sums ||
        !looks_empty(scratch) || !to_8_bits(narrow, limits))
        return false;
    if (!w->has_byte_sums)
        scratch->kernels->disk_sums_8(w->byte_sums, scratch->room_8, scratch->bytes, &w->plan);
    w->has_byte_sums = true;
    return !scratch->kernels->any_above_8(w->byte_sums, scratch->reference->positions[width].cell,
                                          grid->map_size, narrow);
}

/* Between what the background of each ring's places lies, and the highest of their thresholds. */
struct ring_ranges {
    double least[BRAGG_RINGS_MAX], most[BRAGG_RINGS_MAX];
    uint32_t threshold[BRAGG_RINGS_MAX];
};

static void find_ranges(struct ring_ranges *ranges, const struct bragg_scratch *scratch,
                        const struct bragg_positions *p, const struct ring_ratio *ratios)
{
    for (uint32_t i = 0; i < p->n_rings; i++) {
        const struct bragg_ring *const ring = &p->rings[i];
        const bool has_places = ring->weight <= ring->most_weight;
        ranges->least[i] = has_places ? ring->weight * scratch->keep * ratios[i].low : HUGE_VAL;
        ranges->most[i] = has_places ? ring->most_weight * scratch->keep * ratios[i].high : 0;
        ranges->threshold[i] = bragg_threshold(&scratch->reference->thresholds, ranges->most[i],
                                               ring->most_speckle + ratios[i].high_variance);
    }
}

/* What a place beside one of a cell must have to be higher whatever the backgrounds of both are,
 * and to reach its threshold: more than so many counts more, and more than so many. */
struct higher {
    _Alignas(64) uint32_t more[BRAGG_CELLS];
    uint32_t limit[BRAGG_CELLS];
};

static void find_higher(struct higher *higher, double *least, const struct bragg_positions *p,
                        const struct ring_ranges *ranges, uint32_t rings_apart)
{
    memset(higher, 0, sizeof(*higher));
    for (uint32_t ring = 0; ring < p->n_rings; ring++) {
        double most = 0;
        uint32_t threshold = 0;
        least[ring] = HUGE_VAL;
        const uint32_t first = ring > rings_apart ? ring - rings_apart : 0;
        for (uint32_t i = first; i <= ring + rings_apart && i < p->n_rings; i++) {
            most = ranges->most[i] > most ? ranges->most[i] : most;
            least[ring] = ranges->least[i] < least[ring] ? ranges->least[i] : least[ring];
            threshold = ranges->threshold[i] > threshold ? ranges->threshold[i] : threshold;
        }
        const double more = most - ranges->least[ring];
        for (uint32_t i = BRAGG_LEVELS * ring; i < BRAGG_LEVELS * (ring + 1); i++) {
            higher->more[i] = more > 0 ? (uint32_t)more + 2 : 2;
            higher->limit[i] = threshold - 1;
        }
    }
}

/* Takes those places out of the blocks that have a higher one beside them, `first` or `second` away
 * forth or back. */
static void drop_lower_beside(struct bragg_scratch *scratch, enum bragg_width width,
                              const struct higher *higher, ptrdiff_t first, ptrdiff_t second,
                              size_t n_blocks)
{
    const struct bragg_kernels *const kernels = scratch->kernels;
    const uint8_t *const cell = scratch->reference->positions[width].cell;
    const void *const sums = scratch->width[width].sums;
    _Alignas(64) uint16_t more[BRAGG_CELLS], limit[BRAGG_CELLS];
    to_16_bits(more, higher->more);
    to_16_bits(limit, higher->limit);
    if (scratch->sums_are_narrow)
        kernels->drop_lower_16(scratch->blocks, n_blocks, sums, cell, first, second, more, limit);
    else
        kernels->drop_lower_32(scratch->blocks, n_blocks, sums, cell, first, second, higher->more,
                               higher->limit);
}

/* Takes most places out of the blocks that have a higher one beside them: near bright disks nearly
 * all of some thousand are. */
static void drop_lower(struct bragg_scratch *scratch, enum bragg_width width,
                       const struct ring_ratio *ratios, size_t n_blocks)
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    const ptrdiff_t column = (ptrdiff_t)p->step;
    const ptrdiff_t row = column * (ptrdiff_t)scratch->reference->grid.stride;
    struct ring_ranges ranges;
    struct higher higher;
    find_ranges(&ranges, scratch, p, ratios);
    double *const least = scratch->width[width].least;
    find_higher(&higher, least, p, &ranges, p->rings_beside);
    drop_lower_beside(scratch, width, &higher, row, column, n_blocks);
    find_higher(&higher, least, p, &ranges, p->rings_across);
    drop_lower_beside(scratch, width, &higher, row + column, row - column, n_blocks);
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
        drop_lower(scratch, width, ratios, n);
    for (size_t i = 0; i < n; i++) {
        const struct bragg_block *const block = &scratch->blocks[i];
        for (uint32_t left = block->which; left; left &= left - 1)
            bragg_try_place(scratch, width, block->first + (uint32_t)__builtin_ctz(left));
    }
}
