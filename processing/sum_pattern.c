#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "processing/kernels.h"
#include "processing/product.h"

/*
 * The sum of all patterns. Frames are added to a tile of integers twice as wide as a pixel, which
 * halves the memory that each frame moves; before a pixel of the tile could overflow, the tile is
 * added to the 64-bit sums and starts again. Pixels of 4 bytes have no tile: twice as wide is 64
 * bits already.
 */
struct sum_pattern {
    const struct kernels *kernels;
    size_t n_pixels;
    size_t tile_offset, tile_size; /* bytes from the start of the accumulator; size 0: no tile */
    uint64_t tile_frames;          /* frames of full scale that fit into the tile */
};

/* Then follows the tile at tile_offset. One worker's; see processing/run.h. */
struct accumulator {
    _Alignas(64) uint64_t n_in_tile; /* frames */
    _Alignas(64) uint64_t sums[];    /* [n_pixels] */
};

static void *tile_of(const struct sum_pattern *state, const struct accumulator *accumulator)
{
    return (uint8_t *)accumulator + state->tile_offset;
}

static void frame(const struct product *product, const void *image, uint64_t *columns,
                  void *accumulator)
{
    const struct sum_pattern *const state = product->state;
    struct accumulator *const mine = accumulator;
    if (!state->tile_size) {
        state->kernels->accumulate(mine->sums, image, state->n_pixels);
        return;
    }
    void *const tile = tile_of(state, mine);
    state->kernels->accumulate(tile, image, state->n_pixels);
    if (++mine->n_in_tile < state->tile_frames)
        return;
    state->kernels->widen(mine->sums, tile, state->n_pixels);
    memset(tile, 0, state->tile_size);
    mine->n_in_tile = 0;
}

/* What `accumulator` holds, its tile included, added to sums. */
static void add_all(const struct sum_pattern *state, uint64_t *sums,
                    const struct accumulator *accumulator)
{
    for (size_t i = 0; i < state->n_pixels; i++)
        sums[i] += accumulator->sums[i];
    if (accumulator->n_in_tile)
        state->kernels->widen(sums, tile_of(state, accumulator), state->n_pixels);
}

static void merge(const struct product *product, void *into, const void *from)
{
    struct accumulator *const sum = into;
    add_all(product->state, sum->sums, from);
}

static void image(const struct product *product, const void *accumulator, uint64_t *image)
{
    const struct sum_pattern *const state = product->state;
    memset(image, 0, state->n_pixels * sizeof *image);
    add_all(state, image, accumulator);
}

static void map_value(const struct product *product, unsigned map, const uint64_t *columns,
                      void *value)
{
}

static void finish(struct product *product)
{
    free(product->state);
    product->state = NULL;
}

static const struct product_class class = {
    .kind = "sum_pattern",
    .frame = frame,
    .merge = merge,
    .map_value = map_value,
    .image = image,
    .finish = finish,
};

static size_t to_next_line(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

static void lay_out(struct sum_pattern *state, uint32_t pixel_size)
{
    const uint64_t pixel_max = UINT64_MAX >> (64 - 8 * pixel_size);
    const uint64_t tile_max = UINT64_MAX >> (64 - 16 * pixel_size);
    const bool has_tile = pixel_size < 4;
    state->tile_offset =
        to_next_line(sizeof(struct accumulator) + state->n_pixels * sizeof(uint64_t));
    state->tile_size = has_tile ? to_next_line(state->n_pixels * 2 * pixel_size) : 0;
    state->tile_frames = tile_max / pixel_max;
}

int sum_pattern_prepare(struct product *product, const struct pixel_format *format,
                        enum cpu_isa isa, struct error *error)
{
    const struct kernels *const kernels = kernels_for(isa, format->pixel_size);
    if (!kernels)
        return error_set(error, -ENOTSUP, "sum pattern: no code for pixels of %" PRIu32 " bytes",
                         format->pixel_size);
    struct sum_pattern *const state = calloc(1, sizeof *state);
    if (!state)
        return error_set(error, -ENOMEM, "no memory for the sum pattern");
    state->kernels = kernels;
    state->n_pixels = (size_t)format->height * format->width;
    lay_out(state, format->pixel_size);
    product->class = &class;
    product->format = *format;
    product->accumulator_size = state->tile_offset + state->tile_size;
    product->image_name = "sum";
    product->state = state;
    return 0;
}
