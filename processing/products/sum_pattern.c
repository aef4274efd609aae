#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/kernels/kernels.h"
#include "processing/kernels/kernels_pixel.h"
#include "processing/kernels/kernels_squares.h"
#include "processing/products/product.h"
#include "processing/products/profile_products.h"

/*
 * Patterns over all placed frames: sum, mean and maximum. Frames are added to a tile of integers
 * twice as wide as a pixel, which halves the memory that each frame moves; before a pixel of the
 * tile could overflow, the tile is added to the 64-bit sums and starts again. Pixels of 4 bytes
 * have no tile: twice as wide is 64 bits already.
 *
 * A list of events raises the maximum only where a pixel has more than one count; a pixel that has
 * a sum has had one at least.
 */
enum { ARRAY_SUM, ARRAY_MEAN, ARRAY_MAXIMUM, N_ARRAYS };

struct sum_pattern {
    const struct kernels *kernels;
    const struct square_kernels *square_kernels;
    size_t n_pixels;
    size_t maximum_offset, tile_offset; /* bytes from the start of the accumulator */
    size_t tile_size;                   /* bytes, 0: no tile */
    uint64_t tile_frames;               /* frames of full scale that fit into the tile */
    uint8_t bad[];                      /* [n_pixels]: 1 where the maximum is not wanted */
};

/* Then follow the maximum, in the image's own pixels, and the tile. One worker's; see
 * processing/run/product_set.h. */
struct accumulator {
    _Alignas(64) uint64_t n_frames;
    uint64_t n_in_tile;           /* frames */
    _Alignas(64) uint64_t sums[]; /* [n_pixels] */
};

static void *part_of(struct accumulator *accumulator, size_t offset)
{
    return (uint8_t *)accumulator + offset;
}

static const void *const_part_of(const struct accumulator *accumulator, size_t offset)
{
    return (const uint8_t *)accumulator + offset;
}

static void raise_maximum(const struct sum_pattern *state, struct accumulator *accumulator,
                          const void *image)
{
    state->square_kernels->maximum(part_of(accumulator, state->maximum_offset), image,
                                   state->n_pixels);
}

/* Adds the frame to sums, of the tile's elements, and raises the maximum. */
static void add_frame(const struct sum_pattern *state, uint32_t pixel_size,
                      struct accumulator *mine, void *sums, struct frame *frame)
{
    const struct frame_events *const events = frame_events(frame);
    if (events) {
        events_add(events, pixel_size, sums, part_of(mine, state->maximum_offset));
        return;
    }
    state->kernels->accumulate(sums, frame_image(frame), state->n_pixels);
    raise_maximum(state, mine, frame_image(frame));
}

static void empty_tile(const struct sum_pattern *state, struct accumulator *mine)
{
    void *const tile = part_of(mine, state->tile_offset);
    state->kernels->widen(mine->sums, tile, state->n_pixels);
    memset(tile, 0, state->tile_size);
    mine->n_in_tile = 0;
}

static void accumulate(const struct product *product, uint64_t exposure, struct frame *frame,
                       const uint64_t *columns, void *accumulator)
{
    const struct sum_pattern *const state = product->state;
    struct accumulator *const mine = accumulator;
    void *const sums = state->tile_size ? part_of(mine, state->tile_offset) : (void *)mine->sums;
    add_frame(state, product->format.pixel_size, mine, sums, frame);
    mine->n_frames++;
    if (state->tile_size && ++mine->n_in_tile == state->tile_frames)
        empty_tile(state, mine);
}

/* What `accumulator` holds, its tile included, added to sums. */
static void add_all(const struct sum_pattern *state, uint64_t *sums,
                    const struct accumulator *accumulator)
{
    for (size_t i = 0; i < state->n_pixels; i++)
        sums[i] += accumulator->sums[i];
    if (accumulator->n_in_tile)
        state->kernels->widen(sums, const_part_of(accumulator, state->tile_offset),
                              state->n_pixels);
}

static void merge(const struct product *product, void *into, const void *from)
{
    const struct sum_pattern *const state = product->state;
    struct accumulator *const sum = into;
    const struct accumulator *const share = from;
    add_all(state, sum->sums, share);
    raise_maximum(state, sum, const_part_of(share, state->maximum_offset));
    sum->n_frames += share->n_frames;
}

/* In place of the sums. */
static void sums_to_maximum(const struct product *product, const struct accumulator *accumulator,
                            uint64_t *values)
{
    const struct sum_pattern *const state = product->state;
    const void *const maximum = const_part_of(accumulator, state->maximum_offset);
    for (size_t i = 0; i < state->n_pixels; i++) {
        const uint64_t several = pixel_value(maximum, i, product->format.pixel_size);
        const uint64_t one = values[i] > 0;
        values[i] = state->bad[i] ? 0 : several ? several : one;
    }
}

/* In place: uint64_t and double have the same size. */
static void sums_to_means(uint64_t *values, size_t n, uint64_t n_frames)
{
    for (size_t i = 0; i < n; i++) {
        const double mean = n_frames ? (double)values[i] / (double)n_frames : NAN;
        memcpy(&values[i], &mean, sizeof mean);
    }
}

static void array(const struct product *product, unsigned which, const void *accumulator,
                  void *values)
{
    const struct sum_pattern *const state = product->state;
    const struct accumulator *const merged = accumulator;
    memset(values, 0, state->n_pixels * sizeof(uint64_t));
    add_all(state, values, merged);
    if (which == ARRAY_MAXIMUM)
        sums_to_maximum(product, merged, values);
    if (which == ARRAY_MEAN)
        sums_to_means(values, state->n_pixels, merged->n_frames);
}

static void finish(struct product *product)
{
    free(product->state);
    free(product->arrays);
    product->state = NULL;
    product->arrays = NULL;
}

static const struct product_class class = {
    .kind = "sum_pattern",
    .accumulate = accumulate,
    .merge = merge,
    .array = array,
    .finish = finish,
};

static const struct product_array descriptions[N_ARRAYS] = {
    [ARRAY_SUM] = {"sum", MAP_DTYPE_U64, 2, {0, 0}, "counts", "sum of all placed frames"},
    [ARRAY_MEAN] = {"mean",
                    MAP_DTYPE_F64,
                    2,
                    {0, 0},
                    "counts",
                    "sum of all placed frames divided by their number, NaN before the first"},
    [ARRAY_MAXIMUM] = {"maximum",
                       MAP_DTYPE_U64,
                       2,
                       {0, 0},
                       "counts",
                       "largest count of each pixel in any placed frame, 0 at bad pixels"},
};

static struct product_array *arrays_of(const struct pixel_format *format)
{
    struct product_array *const arrays = malloc(sizeof descriptions);
    if (!arrays)
        return NULL;
    memcpy(arrays, descriptions, sizeof descriptions);
    for (unsigned i = 0; i < N_ARRAYS; i++) {
        arrays[i].shape[0] = format->height;
        arrays[i].shape[1] = format->width;
    }
    return arrays;
}

static size_t to_next_line(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

/* Returns the size of an accumulator. */
static size_t lay_out(struct sum_pattern *state, uint32_t pixel_size)
{
    const uint64_t pixel_max = UINT64_MAX >> (64 - 8 * pixel_size);
    const uint64_t tile_max = UINT64_MAX >> (64 - 16 * pixel_size);
    const bool has_tile = pixel_size < 4;
    state->maximum_offset =
        to_next_line(sizeof(struct accumulator) + state->n_pixels * sizeof(uint64_t));
    state->tile_offset = state->maximum_offset + to_next_line(state->n_pixels * pixel_size);
    state->tile_size = has_tile ? to_next_line(state->n_pixels * 2 * pixel_size) : 0;
    state->tile_frames = tile_max / pixel_max;
    return state->tile_offset + state->tile_size;
}

int patterns_prepare(struct product *product, const uint8_t *bad, const struct pixel_format *format,
                     enum cpu_isa isa, struct error *error)
{
    const struct kernels *const kernels = kernels_for(isa, format->pixel_size);
    if (!kernels)
        return error_set(error, -ENOTSUP, "sum pattern: no code for pixels of %" PRIu32 " bytes",
                         format->pixel_size);
    const size_t n_pixels = (size_t)format->height * format->width;
    struct sum_pattern *const state = calloc(1, sizeof *state + n_pixels);
    struct product_array *const arrays = arrays_of(format);
    if (!state || !arrays) {
        free(state);
        free(arrays);
        return error_set(error, -ENOMEM, "no memory for the sum pattern");
    }
    state->kernels = kernels;
    state->square_kernels = square_kernels_for(isa, format->pixel_size);
    state->n_pixels = n_pixels;
    for (size_t i = 0; bad && i < n_pixels; i++)
        state->bad[i] = bad[i] != 0;
    product->class = &class;
    product->format = *format;
    product->n_arrays = N_ARRAYS;
    product->arrays = arrays;
    product->accumulator_size = lay_out(state, format->pixel_size);
    product->state = state;
    return 0;
}

int sum_pattern_prepare(struct product *product, const struct pixel_format *format,
                        enum cpu_isa isa, struct error *error)
{
    return patterns_prepare(product, NULL, format, isa, error);
}
