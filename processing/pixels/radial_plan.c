#include "processing/pixels/radial_plan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_BIN UINT16_MAX

/* Fewer pixels than this are not worth a step. */
#define STEP_MIN_PIXELS 4

enum along { ALONG_ROWS, ALONG_COLUMNS };

/* A tile that is being cut into strips, in one direction: its rows, or the rows of its transpose.
 */
struct cutting {
    struct radial_plan *plan;
    const struct radial_tile *tile;
    enum along along;
    uint16_t bin[RADIAL_TILE][RADIAL_TILE]; /* NO_BIN: nothing here, or done with */
};

/* ---- lists that grow ---- */

static bool is_power_of_two(size_t n)
{
    return (n & (n - 1)) == 0;
}

/* Room for one more than n elements: `elements` itself, or what takes its place. NULL: no memory,
 * and `elements` stays. */
static void *grown(void *elements, size_t n, size_t size)
{
    if (n > 0 && !is_power_of_two(n))
        return elements;
    const size_t bytes = ((n ? 2 * n : 1) * size + 63) / 64 * 64;
    void *const more = aligned_alloc(64, bytes);
    if (!more)
        return NULL;
    if (n)
        memcpy(more, elements, n * size);
    free(elements);
    return more;
}

static int add_loose(struct radial_plan *plan, uint32_t pixel)
{
    uint32_t *const loose = grown(plan->loose, plan->n_loose, sizeof *loose);
    if (!loose)
        return -ENOMEM;
    plan->loose = loose;
    plan->loose[plan->n_loose++] = pixel;
    return 0;
}

static int add_strip(struct radial_plan *plan, uint16_t base)
{
    struct radial_strip *const strips = grown(plan->strips, plan->n_strips, sizeof *strips);
    if (!strips)
        return -ENOMEM;
    plan->strips = strips;
    plan->strips[plan->n_strips++] =
        (struct radial_strip){.first_step = (uint32_t)plan->n_steps, .base = base};
    return 0;
}

static int make_room_for_step(struct radial_plan *plan)
{
    struct radial_step *const steps = grown(plan->steps, plan->n_steps, sizeof *steps);
    if (!steps)
        return -ENOMEM;
    plan->steps = steps;
    uint64_t *const lanes = grown(plan->lanes, plan->n_steps, sizeof *lanes);
    if (!lanes)
        return -ENOMEM;
    plan->lanes = lanes;
    uint8_t *const step_row = grown(plan->step_row, plan->n_steps, sizeof *step_row);
    if (!step_row)
        return -ENOMEM;
    plan->step_row = step_row;
    return 0;
}

static int add_step(struct radial_plan *plan, uint8_t row, const struct radial_step *step,
                    uint64_t lanes)
{
    if (make_room_for_step(plan) < 0)
        return -ENOMEM;
    plan->steps[plan->n_steps] = *step;
    plan->lanes[plan->n_steps] = lanes;
    plan->step_row[plan->n_steps] = row;
    plan->n_steps++;
    plan->strips[plan->n_strips - 1].n_steps++;
    return 0;
}

/* ---- strips ---- */

/* Bins of a row that are left, first and last; first > last: none. */
struct span {
    uint16_t first, last;
};

static struct span span_of_row(const struct cutting *cutting, unsigned row)
{
    struct span span = {UINT16_MAX, 0};
    for (unsigned i = 0; i < RADIAL_TILE; i++) {
        const uint16_t bin = cutting->bin[row][i];
        if (bin == NO_BIN)
            continue;
        span.first = bin < span.first ? bin : span.first;
        span.last = bin > span.last ? bin : span.last;
    }
    return span;
}

/* Whether a strip of the bins of both has lanes enough; raises *strip to both then. */
static bool span_widens(struct span *strip, struct span row)
{
    const uint16_t first = row.first < strip->first ? row.first : strip->first;
    const uint16_t last = row.last > strip->last ? row.last : strip->last;
    if (last - first >= RADIAL_TILE)
        return false;
    *strip = (struct span){first, last};
    return true;
}

static unsigned lane_of(unsigned bin_of_strip)
{
    return 4 * (bin_of_strip % 16) + bin_of_strip / 16;
}

static uint32_t pixel_of(const struct cutting *cutting, unsigned row, unsigned column)
{
    const bool rows = cutting->along == ALONG_ROWS;
    const uint32_t y = cutting->tile->y + (rows ? row : column);
    const uint32_t x = cutting->tile->x + (rows ? column : row);
    return y * cutting->plan->bins->width + x;
}

static int loosen(struct cutting *cutting, unsigned row, const struct radial_step *step,
                  uint64_t lanes)
{
    int status = 0;
    for (; lanes && !status; lanes &= lanes - 1) {
        const unsigned column = step->source[__builtin_ctzll(lanes)];
        status = add_loose(cutting->plan, pixel_of(cutting, row, column));
    }
    return status;
}

/* Takes a pixel of every bin of the strip out of the row. Returns their lanes. */
static uint64_t take_step(struct cutting *cutting, unsigned row, uint16_t base,
                          struct radial_step *step)
{
    uint64_t lanes = 0;
    memset(step, 0, sizeof *step);
    for (unsigned column = 0; column < RADIAL_TILE; column++) {
        uint16_t *const bin = &cutting->bin[row][column];
        if (*bin == NO_BIN || *bin < base || *bin >= base + RADIAL_TILE)
            continue;
        const unsigned lane = lane_of(*bin - base);
        if (lanes >> lane & 1)
            continue;
        lanes |= UINT64_C(1) << lane;
        step->source[lane] = (uint8_t)column;
        *bin = NO_BIN;
    }
    return lanes;
}

/* All steps of a row in the strip. Steps get no fuller from one to the next. */
static int take_row(struct cutting *cutting, unsigned row, uint16_t base)
{
    struct radial_step step;
    for (;;) {
        const uint64_t lanes = take_step(cutting, row, base, &step);
        if (!lanes)
            return 0;
        const int status = __builtin_popcountll(lanes) < STEP_MIN_PIXELS
                               ? loosen(cutting, row, &step, lanes)
                               : add_step(cutting->plan, (uint8_t)row, &step, lanes);
        if (status)
            return status;
    }
}

/* A row is at most 64 / STEP_MIN_PIXELS steps. */
static bool strip_has_room(const struct radial_plan *plan)
{
    return plan->strips[plan->n_strips - 1].n_steps + RADIAL_TILE / STEP_MIN_PIXELS <=
           RADIAL_STRIP_MAX_STEPS;
}

/* How many rows from `row` on fit the lanes of one strip (at least 1), and their bins. */
static unsigned rows_of_strip(const struct cutting *cutting, unsigned row, struct span *strip)
{
    unsigned rows = 1;
    *strip = span_of_row(cutting, row);
    for (; row + rows < RADIAL_TILE; rows++) {
        const struct span next = span_of_row(cutting, row + rows);
        if (next.first <= next.last && !span_widens(strip, next))
            break;
    }
    return rows;
}

/* The strip that begins in `row`. Pixels that have no lane in it are left for another. */
static int cut_strip(struct cutting *cutting, unsigned row)
{
    struct span strip;
    const unsigned end = row + rows_of_strip(cutting, row, &strip);
    int status = add_strip(cutting->plan, strip.first);
    for (; !status && row < end && strip_has_room(cutting->plan); row++)
        status = take_row(cutting, row, strip.first);
    return status;
}

static int cut(struct cutting *cutting)
{
    unsigned row = 0;
    while (row < RADIAL_TILE) {
        const struct span span = span_of_row(cutting, row);
        if (span.first > span.last) {
            row++;
            continue;
        }
        const int status = cut_strip(cutting, row);
        if (status)
            return status;
        if (cutting->plan->strips[cutting->plan->n_strips - 1].n_steps == 0)
            cutting->plan->n_strips--; /* all its pixels are loose */
    }
    return 0;
}

/* ---- tiles ---- */

/* Whether the radius grows faster along the row than along the column. */
static bool grows_along_row(const struct radial_settings *settings, double y, double x)
{
    const double along_row =
        radial_radius(settings, y, x + 0.5) - radial_radius(settings, y, x - 0.5);
    const double along_column =
        radial_radius(settings, y + 0.5, x) - radial_radius(settings, y - 0.5, x);
    return fabs(along_row) >= fabs(along_column);
}

static void fill_cuttings(struct cutting *rows, struct cutting *columns)
{
    const struct radial_tile *const tile = rows->tile;
    const struct radial_bins *const bins = rows->plan->bins;
    memset(rows->bin, 0xff, sizeof rows->bin); /* NO_BIN */
    memset(columns->bin, 0xff, sizeof columns->bin);
    for (uint32_t y = 0; y < tile->height; y++) {
        for (uint32_t x = 0; x < tile->width; x++) {
            const uint16_t bin = bins->bin_of[(tile->y + y) * bins->width + tile->x + x];
            if (bin == bins->n_bins)
                continue;
            if (grows_along_row(&bins->settings, tile->y + y, tile->x + x))
                rows->bin[y][x] = bin;
            else
                columns->bin[x][y] = bin;
        }
    }
}

static int cut_tile(struct radial_plan *plan, struct radial_tile *tile, struct cutting cuttings[2])
{
    tile->first_strip = (uint32_t)plan->n_strips;
    tile->first_loose = (uint32_t)plan->n_loose;
    for (unsigned along = 0; along < 2; along++)
        cuttings[along].plan = plan, cuttings[along].tile = tile, cuttings[along].along = along;
    fill_cuttings(&cuttings[ALONG_ROWS], &cuttings[ALONG_COLUMNS]);
    for (unsigned along = 0; along < 2; along++) {
        const size_t before = plan->n_strips;
        const int status = cut(&cuttings[along]);
        if (status)
            return status;
        tile->n_strips[along] = (uint32_t)(plan->n_strips - before);
    }
    tile->n_loose = (uint32_t)(plan->n_loose - tile->first_loose);
    return 0;
}

static uint32_t at_most_a_tile(uint32_t length)
{
    return length < RADIAL_TILE ? length : RADIAL_TILE;
}

static int cut_tiles(struct radial_plan *plan, struct cutting cuttings[2])
{
    const struct radial_bins *const bins = plan->bins;
    for (uint32_t y = 0; y < bins->height; y += RADIAL_TILE) {
        for (uint32_t x = 0; x < bins->width; x += RADIAL_TILE) {
            struct radial_tile *const tile = &plan->tiles[plan->n_tiles++];
            *tile = (struct radial_tile){.y = y,
                                         .x = x,
                                         .height = at_most_a_tile(bins->height - y),
                                         .width = at_most_a_tile(bins->width - x)};
            const int status = cut_tile(plan, tile, cuttings);
            if (status)
                return status;
        }
    }
    return 0;
}

int radial_plan_init(struct radial_plan *plan, const struct radial_bins *bins, bool tiles)
{
    memset(plan, 0, sizeof *plan);
    plan->bins = bins;
    if (!tiles || (uint64_t)bins->height * bins->width >= RADIAL_PLAN_MAX_PIXELS)
        return 0;
    const size_t n_tiles = (size_t)((bins->height + RADIAL_TILE - 1) / RADIAL_TILE) *
                           ((bins->width + RADIAL_TILE - 1) / RADIAL_TILE);
    struct cutting *const cuttings = calloc(2, sizeof *cuttings);
    plan->tiles = calloc(n_tiles, sizeof *plan->tiles);
    const int status = cuttings && plan->tiles ? cut_tiles(plan, cuttings) : -ENOMEM;
    free(cuttings);
    if (status)
        radial_plan_finish(plan);
    return status;
}

void radial_plan_finish(struct radial_plan *plan)
{
    free(plan->tiles);
    free(plan->strips);
    free(plan->steps);
    free(plan->lanes);
    free(plan->step_row);
    free(plan->loose);
    memset(plan, 0, sizeof *plan);
}
