#include "processing/bragg/bragg_candidates.h"

#include <math.h>

/* Which places are candidates: one by one in full, and quickly for a whole map. */

struct bragg_candidate bragg_look_at(const struct bragg_scratch *scratch, enum bragg_width width,
                                     size_t place)
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
            const struct bragg_candidate other = bragg_look_at(scratch, width, place);
            if (is_higher(&other, candidate) && reaches_threshold(scratch, &other))
                return true;
        }
    }
    return false;
}

void bragg_try_place(struct bragg_scratch *scratch, enum bragg_width width, size_t place)
{
    struct bragg_width_scratch *const w = &scratch->width[width];
    const struct bragg_candidate candidate = bragg_look_at(scratch, width, place);
    if (reaches_threshold(scratch, &candidate) && !is_beside_higher(scratch, width, &candidate))
        w->candidates[w->n_candidates++] = candidate;
}

/* No place of the cell with more than the limit can be a candidate's. Where the frame is left out
 * of the template, counts lower their own threshold: a threshold T(S) that falls with S is reached
 * only by counts of at least T(T(0)). */
static uint32_t cell_limit(const struct bragg_scratch *scratch, enum bragg_width width,
                           const struct bragg_cell *cell)
{
    const struct bragg_width_scratch *const w = &scratch->width[width];
    const struct bragg_thresholds *const thresholds = &scratch->reference->thresholds;
    double ratio = HUGE_VAL, variance = HUGE_VAL;
    for (uint32_t bin = cell->first_bin; bin <= cell->last_bin; bin++) {
        ratio = w->bin_ratio[bin] < ratio ? w->bin_ratio[bin] : ratio;
        variance = w->bin_variance[bin] < variance ? w->bin_variance[bin] : variance;
    }
    const double speckle = cell->speckle + variance;
    uint32_t threshold = bragg_threshold(thresholds, cell->weight * scratch->keep * ratio, speckle);
    if (scratch->own > 0) {
        const double left = cell->weight * scratch->keep - threshold * scratch->own;
        const double least = cell->weight * BRAGG_TEMPLATE_LEFT;
        threshold = bragg_threshold(thresholds, (left > least ? left : least) * ratio, speckle);
    }
    return threshold - 1;
}

static void to_16_bits(uint16_t narrow[BRAGG_CELLS], const uint32_t wide[BRAGG_CELLS])
{
    for (uint32_t i = 0; i < BRAGG_CELLS; i++)
        narrow[i] = wide[i] < UINT16_MAX ? (uint16_t)wide[i] : UINT16_MAX;
}

/* Fills blocks with the places that the limits of their cells do not rule out; returns how many. */
static size_t screen(struct bragg_scratch *scratch, enum bragg_width width,
                     uint32_t limits[BRAGG_CELLS])
{
    const struct bragg_reference *const r = scratch->reference;
    const struct bragg_positions *const p = &r->positions[width];
    _Alignas(64) uint16_t narrow[BRAGG_CELLS];
    for (uint32_t i = 0; i < BRAGG_CELLS; i++)
        limits[i] = p->cells[i].first_bin <= p->cells[i].last_bin
                        ? cell_limit(scratch, width, &p->cells[i])
                        : UINT32_MAX;
    to_16_bits(narrow, limits);
    const void *const sums = scratch->width[width].sums;
    return scratch->sums_are_narrow ? scratch->kernels->screen_16(scratch->blocks, sums, p->cell,
                                                                  r->grid.map_size, narrow)
                                    : scratch->kernels->screen_32(scratch->blocks, sums, p->cell,
                                                                  r->grid.map_size, limits);
}

/* Between what the background of a cell's places lies, and the highest of their thresholds. */
struct cell_range {
    double background[2];
    uint32_t threshold;
};

static struct cell_range range_of_cell(const struct bragg_scratch *scratch, enum bragg_width width,
                                       const struct bragg_cell *cell)
{
    const struct bragg_width_scratch *const w = &scratch->width[width];
    double least = HUGE_VAL, most = 0, variance = 0;
    for (uint32_t bin = cell->first_bin; bin <= cell->last_bin; bin++) {
        least = w->bin_ratio[bin] < least ? w->bin_ratio[bin] : least;
        most = w->bin_ratio[bin] > most ? w->bin_ratio[bin] : most;
        variance = w->bin_variance[bin] > variance ? w->bin_variance[bin] : variance;
    }
    const double highest = cell->most_weight * scratch->keep * most;
    return (struct cell_range){
        .background = {cell->weight * scratch->keep * least, highest},
        .threshold = bragg_threshold(&scratch->reference->thresholds, highest,
                                     cell->most_speckle + variance),
    };
}

/* Counts that a place may have less than one beside it, whose cell is `other`, without being ruled
 * out: with more than that, the other one reaches its threshold if this one does and has more
 * excess. */
static double slack_between(const struct cell_range *own, uint32_t limit,
                            const struct cell_range *other)
{
    const double background = other->background[1] - own->background[0] + 1;
    const double threshold = (double)other->threshold - limit;
    return background > threshold ? background : threshold;
}

static void find_slack(uint32_t slack[BRAGG_CELLS], const struct bragg_scratch *scratch,
                       enum bragg_width width, const uint32_t limits[BRAGG_CELLS])
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    struct cell_range ranges[BRAGG_CELLS];
    for (uint32_t i = 0; i < BRAGG_CELLS; i++)
        ranges[i] = range_of_cell(scratch, width, &p->cells[i]);
    for (uint32_t i = 0; i < BRAGG_CELLS; i++) {
        double most = 0;
        for (uint64_t left = p->cells[i].beside; left; left &= left - 1) {
            const double more =
                slack_between(&ranges[i], limits[i], &ranges[__builtin_ctzll(left)]);
            most = more > most ? more : most;
        }
        slack[i] = (uint32_t)ceil(most);
    }
}

/* Takes most places out of the blocks that have a higher one beside them: near bright disks nearly
 * all of some thousand are. */
static void drop_lower(struct bragg_scratch *scratch, enum bragg_width width,
                       const uint32_t limits[BRAGG_CELLS], size_t n_blocks)
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    const ptrdiff_t column = (ptrdiff_t)p->step;
    const ptrdiff_t row = column * (ptrdiff_t)scratch->reference->grid.stride;
    const void *const sums = scratch->width[width].sums;
    _Alignas(64) uint32_t slack[BRAGG_CELLS];
    _Alignas(64) uint16_t narrow[BRAGG_CELLS];
    find_slack(slack, scratch, width, limits);
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
    const size_t n = screen(scratch, width, limits);
    /* Of a frame that is left out the counts lower the background too. */
    if (n > FEW_BLOCKS && scratch->own == 0)
        drop_lower(scratch, width, limits, n);
    for (size_t i = 0; i < n; i++) {
        const struct bragg_block *const block = &scratch->blocks[i];
        for (uint32_t left = block->which; left; left &= left - 1)
            bragg_try_place(scratch, width, block->first + (uint32_t)__builtin_ctz(left));
    }
}
