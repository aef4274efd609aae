#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/kernels/kernels_saturation.h"
#include "processing/products/product.h"
#include "processing/tables/frame_table.h"

/* Pixels at full scale. A frame without any, which is nearly every one, is looked at once. */
struct saturation {
    const struct saturation_kernels *kernels;
    size_t n_pixels;
    uint32_t full_scale;
};

static void frame(const struct product *product, struct frame *frame, uint64_t *columns)
{
    const struct saturation *const state = product->state;
    columns[0] = state->kernels->count(frame_image(frame), state->n_pixels, state->full_scale);
}

static void accumulate(const struct product *product, uint64_t exposure, struct frame *frame,
                       const uint64_t *columns, void *accumulator)
{
    const struct saturation *const state = product->state;
    if (columns[0] > 0)
        state->kernels->add(accumulator, frame_image(frame), state->n_pixels, state->full_scale);
}

static void merge(const struct product *product, void *into, const void *from)
{
    const struct saturation *const state = product->state;
    const uint32_t *const more = from;
    uint32_t *const counts = into;
    for (size_t i = 0; i < state->n_pixels; i++)
        counts[i] += more[i];
}

static void map_value(const struct product *product, unsigned map, const uint64_t *columns,
                      void *value)
{
    memcpy(value, &columns[0], sizeof columns[0]);
}

static void array(const struct product *product, unsigned which, const void *accumulator,
                  void *values)
{
    const struct saturation *const state = product->state;
    const uint32_t *const counts = accumulator;
    for (size_t i = 0; i < state->n_pixels; i++)
        ((uint64_t *)values)[i] = counts[i];
}

static void finish(struct product *product)
{
    free(product->maps);
    free(product->arrays);
    free(product->state);
    product->maps = NULL;
    product->arrays = NULL;
    product->state = NULL;
}

static const struct product_class class = {
    .kind = "saturation",
    .frame = frame,
    .accumulate = accumulate,
    .merge = merge,
    .map_value = map_value,
    .array = array,
    .finish = finish,
};

static void describe(struct product *product, uint32_t full_scale)
{
    *product->maps = (struct product_map){
        .name = "saturated",
        .dtype = MAP_DTYPE_U64,
        .units = "pixels",
    };
    snprintf(product->maps->description, sizeof product->maps->description,
             "pixels at full scale of the counter (%u counts) in the frame", full_scale);
    *product->arrays = (struct product_array){
        .name = "saturation",
        .dtype = MAP_DTYPE_U64,
        .rank = 2,
        .shape = {product->format.height, product->format.width},
        .units = "frames",
    };
    snprintf(product->arrays->description, sizeof product->arrays->description,
             "frames in which the pixel was at full scale of the counter (%u counts)", full_scale);
}

int saturation_prepare(struct product *product, const struct pixel_format *format, enum cpu_isa isa,
                       struct error *error)
{
    struct saturation *const state = calloc(1, sizeof *state);
    product->class = &class;
    product->format = *format;
    product->state = state;
    product->maps = calloc(1, sizeof *product->maps);
    product->arrays = calloc(1, sizeof *product->arrays);
    if (!state || !product->maps || !product->arrays) {
        finish(product);
        return error_set(error, -ENOMEM, "no memory for the count of saturated pixels");
    }
    state->kernels = saturation_kernels_for(isa, format->pixel_size);
    state->n_pixels = (size_t)format->height * format->width;
    state->full_scale = pixel_format_full_scale(format);
    product->n_columns = product->n_maps = product->n_arrays = 1;
    product->flag = FRAME_FLAG_SATURATED;
    product->accumulator_size = (state->n_pixels * sizeof(uint32_t) + 63) / 64 * 64;
    describe(product, state->full_scale);
    return 0;
}
