#include "processing/products/virtual_detector.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/kernels/kernels.h"
#include "processing/pixels/weight_planes.h"
#include "processing/products/bit_mask.h"
#include "processing/products/mask_corrections.h"
#include "processing/products/product.h"
#include "processing/products/virtual_detector_shape.h"

/* A plane of the weights, weight_planes.h. */
struct detector_plane {
    struct mask_weights mask;
    struct bit_mask bits; /* the mask's flat part, for 1-bit frames */
};

/* Its column is the sum of weight * counts, of which the value of the map is made: an integer where
 * the map is one, else a double in units of `scale`. */
struct detector_map {
    struct detector_plane planes[WEIGHT_PLANES];
    unsigned n_planes, shift; /* weight_planes.h */
    bool exact;
    double scale;
    double divisor; /* 1 for a sum, the sum of weights for a mean */
};

struct virtual_detector {
    const struct kernels *kernels;
    enum virtual_detector_shape shape;
    double start_angle; /* of a segmented one, degrees */
    unsigned n_maps;
    struct detector_map maps[];
};

static uint64_t flat_sum(const struct virtual_detector *state, const struct detector_plane *plane,
                         struct frame *frame)
{
    const uint8_t *const bits = plane->bits.words ? frame_bits(frame) : NULL;
    if (bits)
        return bit_mask_count(&plane->bits, bits);
    return state->kernels->masked_sum(&plane->mask.flat, frame_image(frame));
}

static uint64_t weighted_sum(const struct virtual_detector *state, const struct mask_weights *mask,
                             struct frame *frame)
{
    int64_t sum;
    if (!frame_weighted_sum(frame, mask, &sum))
        sum = state->kernels->weighted_sum(mask, frame_image(frame));
    return (uint64_t)sum;
}

static int64_t plane_sum(const struct virtual_detector *state, const struct detector_plane *plane,
                         struct frame *frame)
{
    const struct mask_weights *const mask = &plane->mask;
    uint64_t sum = 0;
    if (mask->flat.n_pixels > 0)
        sum += (uint64_t)mask->flat_weight * flat_sum(state, plane, frame);
    if (mask->n_blocks + mask->n_loose > 0)
        sum += weighted_sum(state, mask, frame);
    return (int64_t)sum;
}

static void frame(const struct product *product, struct frame *frame, uint64_t *columns)
{
    const struct virtual_detector *const state = product->state;
    for (unsigned i = 0; i < state->n_maps; i++) {
        const struct detector_map *const map = &state->maps[i];
        int64_t sums[WEIGHT_PLANES] = {0};
        for (unsigned plane = 0; plane < map->n_planes; plane++)
            sums[plane] = plane_sum(state, &map->planes[plane], frame);
        if (map->exact) {
            columns[i] = (uint64_t)sums[0] + ((uint64_t)sums[1] << map->shift);
            continue;
        }
        /* Each plane is exact, so that this is the same whatever order they were summed in. */
        const double sum = ldexp((double)sums[1], (int)map->shift) + (double)sums[0];
        memcpy(&columns[i], &sum, sizeof sum);
    }
}

static const struct mask_weights *weights(const struct product *product, unsigned column,
                                          unsigned plane)
{
    const struct virtual_detector *const state = product->state;
    const struct detector_map *const map = &state->maps[column];
    return plane < map->n_planes ? &map->planes[plane].mask : NULL;
}

static void map_value(const struct product *product, unsigned map, const uint64_t *columns,
                      void *value)
{
    const struct virtual_detector *const state = product->state;
    const struct detector_map *const made = &state->maps[map];
    if (made->exact) {
        memcpy(value, &columns[map], sizeof columns[map]);
        return;
    }
    double sum;
    memcpy(&sum, &columns[map], sizeof sum);
    const double result = made->divisor != 0 ? sum * made->scale / made->divisor : NAN;
    memcpy(value, &result, sizeof result);
}

static void detector_map_finish(struct detector_map *map)
{
    for (unsigned i = 0; i < WEIGHT_PLANES; i++) {
        mask_weights_finish(&map->planes[i].mask);
        bit_mask_finish(&map->planes[i].bits);
    }
}

static void finish(struct product *product)
{
    struct virtual_detector *const state = product->state;
    for (unsigned i = 0; state && i < state->n_maps; i++)
        detector_map_finish(&state->maps[i]);
    free(state);
    free(product->maps);
    product->state = NULL;
    product->maps = NULL;
}

static const struct product_class class = {
    .kind = "virtual_detector",
    .frame = frame,
    .weights = weights,
    .map_value = map_value,
    .finish = finish,
};

/* ---- looking ---- */

static void add_flat(const struct mask_weights *mask, uint32_t pixel_size, double scale,
                     double *weights)
{
    const double weight = mask->flat_weight * scale;
    for (size_t i = 0; i < mask->flat.n_blocks; i++) {
        const struct mask_block *const block = &mask->flat.blocks[i];
        for (unsigned bit = 0; bit < MASK_BLOCK_SIZE; bit++) {
            if (block->bits >> bit & 1)
                weights[block->offset / pixel_size + bit] += weight;
        }
    }
    for (size_t i = 0; i < mask->flat.n_loose; i++)
        weights[mask->flat.loose[i]] += weight;
}

static void add_mask(const struct mask_weights *mask, uint32_t pixel_size, double scale,
                     double *weights)
{
    const size_t of_block = MASK_BLOCK_SIZE / pixel_size;
    add_flat(mask, pixel_size, scale, weights);
    for (size_t i = 0; i < mask->n_blocks * of_block; i++)
        weights[mask->offsets[i / of_block] / pixel_size + i % of_block] +=
            mask->weights[i] * scale;
    for (size_t i = 0; i < mask->n_loose; i++)
        weights[mask->loose[i].pixel] += mask->loose[i].weight * scale;
}

void virtual_detector_weights(const struct product *product, unsigned map, double *weights,
                              size_t n_pixels)
{
    if (product->class != &class) {
        for (size_t i = 0; i < n_pixels; i++)
            weights[i] += 1;
        return;
    }
    const struct virtual_detector *const state = product->state;
    const struct detector_map *const made = &state->maps[map];
    for (unsigned i = 0; i < made->n_planes; i++)
        add_mask(&made->planes[i].mask, product->format.pixel_size,
                 ldexp(1, (int)(i * made->shift)), weights);
}

bool virtual_detector_is_quadrants(const struct product *product, double *azimuth)
{
    if (product->class != &class)
        return false;
    const struct virtual_detector *const state = product->state;
    if (state->shape != VIRTUAL_DETECTOR_SEGMENTED || state->n_maps != 4)
        return false;
    *azimuth = state->start_angle + 45;
    return true;
}

/* What the maps of one detector are made from, and memory for one frame of weights. */
struct making {
    struct product *product;
    const struct virtual_detector_settings *settings;
    const struct detector_pixels *pixels;
    struct detector_shape shape;
    struct bit_order order;
    enum cpu_isa isa;
    size_t n_pixels;
    double *weights;
    struct error *error;
};

static double sum_of(const double *weights, size_t n_pixels)
{
    double sum = 0;
    for (size_t i = 0; i < n_pixels; i++)
        sum += weights[i];
    return sum;
}

static double sum_of_sizes(const double *weights, size_t n_pixels)
{
    double sum = 0;
    for (size_t i = 0; i < n_pixels; i++)
        sum += fabs(weights[i]);
    return sum;
}

/* A mean divides by the weights as they are before the gain: it is the mean of corrected counts. */
static int set_divisor(const struct making *making, struct detector_map *map)
{
    map->divisor = 1;
    if (making->settings->mode == VIRTUAL_DETECTOR_SUM)
        return 0;
    map->divisor = sum_of(making->weights, making->n_pixels);
    const double sizes = sum_of_sizes(making->weights, making->n_pixels);
    if (sizes > 0 && fabs(map->divisor) < 1e-9 * sizes)
        return error_set(making->error, -EINVAL,
                         "virtual detector \"%s\": its weights add up to 0, so that they have no "
                         "mean; use the sum",
                         making->settings->name);
    return 0;
}

static int fold_corrections(const struct making *making, struct detector_map *map)
{
    const struct pixel_format *const format = &making->product->format;
    const struct detector_pixels *const pixels = making->pixels;
    if (pixels && pixels->bad)
        mask_fold_bad_pixels(making->weights, pixels->bad, format->height, format->width);
    int status = set_divisor(making, map);
    if (!status && pixels && pixels->gain) {
        status = mask_fold_gain(making->weights, pixels->gain, format->height, format->width,
                                making->error);
        if (status)
            error_prefix(making->error, "virtual detector \"%s\"", making->settings->name);
    }
    return status;
}

/* Whether the weights are whole numbers whose sum over a frame at full scale fits 63 bits. */
static bool are_counts(const struct making *making, double scale)
{
    for (size_t i = 0; i < making->n_pixels; i++) {
        if (making->weights[i] < 0)
            return false;
    }
    const int pixel_bits = 8 * (int)making->product->format.pixel_size;
    return scale == 1 && sum_of(making->weights, making->n_pixels) < ldexp(1, 63 - pixel_bits);
}

static const char *corrections(const struct detector_pixels *pixels)
{
    if (!pixels || !(pixels->bad || pixels->gain))
        return "";
    if (!pixels->gain)
        return ", corrected for bad pixels";
    return pixels->bad ? ", corrected for bad pixels, gain" : ", corrected for gain";
}

static void describe(const struct making *making, unsigned i)
{
    const bool mean = making->settings->mode == VIRTUAL_DETECTOR_MEAN;
    struct product_map *const map = &making->product->maps[i];
    char where[110];
    detector_shape_describe(&making->shape, making->settings, i, where, sizeof where);
    snprintf(map->description, sizeof map->description, "%s of counts in %s%s",
             mean ? "mean" : "sum", where, corrections(making->pixels));
    virtual_detector_map_name(making->settings, i, map->name, sizeof map->name);
    map->units = mean ? "counts/pixel" : "counts";
}

/* The pixels of the mask's flat part, once more for 1-bit frames. */
static int make_bits(const struct making *making, struct detector_plane *plane)
{
    uint8_t *const selected = calloc(making->n_pixels, 1);
    if (!selected)
        return -ENOMEM;
    mask_select(&plane->mask.flat, making->product->format.pixel_size, selected);
    const int status = bit_mask_init(&plane->bits, selected, &making->order, making->isa);
    free(selected);
    return status;
}

static int make_plane(const struct making *making, struct detector_plane *plane,
                      const int16_t *weights)
{
    const int status = mask_weights_init(&plane->mask, weights, making->n_pixels,
                                         making->product->format.pixel_size);
    return status || !making->order.n_words ? status : make_bits(making, plane);
}

static int make_planes(const struct making *making, struct detector_map *map)
{
    struct weight_planes planes;
    int status = weight_planes_init(&planes, making->weights, making->n_pixels,
                                    making->product->format.pixel_size);
    if (status)
        return status;
    map->n_planes = planes.n;
    map->shift = planes.shift;
    map->scale = planes.scale;
    for (unsigned i = 0; !status && i < planes.n; i++)
        status = make_plane(making, &map->planes[i], planes.planes[i]);
    weight_planes_finish(&planes);
    return status;
}

static int make_map(const struct making *making, unsigned i)
{
    struct virtual_detector *const state = making->product->state;
    struct detector_map *const map = &state->maps[i];
    const struct pixel_format *const format = &making->product->format;
    detector_shape_draw(&making->shape, i, format->height, format->width, making->weights);
    const int status = fold_corrections(making, map);
    if (status)
        return status;
    state->n_maps++;
    if (make_planes(making, map) < 0)
        return error_set(making->error, -ENOMEM, "virtual detector \"%s\": no memory for its mask",
                         making->settings->name);
    map->exact = making->settings->mode == VIRTUAL_DETECTOR_SUM && are_counts(making, map->scale);
    making->product->maps[i].dtype = map->exact ? MAP_DTYPE_U64 : MAP_DTYPE_F64;
    describe(making, i);
    return 0;
}

static int allocate(struct making *making, const struct kernels *kernels)
{
    const unsigned n = virtual_detector_n_maps(making->settings);
    struct product *const product = making->product;
    struct virtual_detector *const state = calloc(1, sizeof *state + n * sizeof state->maps[0]);
    product->state = state;
    product->maps = calloc(n, sizeof *product->maps);
    making->weights = malloc(making->n_pixels * sizeof *making->weights);
    if (!state || !product->maps || !making->weights ||
        bit_order_init(&making->order, &product->format) < 0)
        return error_set(making->error, -ENOMEM, "virtual detector \"%s\": no memory",
                         making->settings->name);
    state->kernels = kernels;
    state->shape = making->settings->shape;
    state->start_angle = making->settings->start_angle;
    product->n_columns = product->n_maps = n;
    return 0;
}

static int make(struct making *making, const struct kernels *kernels)
{
    int status = detector_shape_init(&making->shape, making->settings, &making->product->format,
                                     making->error);
    if (!status)
        status = allocate(making, kernels);
    for (unsigned i = 0; !status && i < making->product->n_maps; i++)
        status = make_map(making, i);
    bit_order_finish(&making->order);
    free(making->weights);
    return status;
}

int virtual_detector_prepare(struct product *product,
                             const struct virtual_detector_settings *settings,
                             const struct pixel_format *format,
                             const struct detector_pixels *pixels, enum cpu_isa isa,
                             struct error *error)
{
    struct virtual_detector_settings loaded;
    const struct kernels *const kernels = kernels_for(isa, format->pixel_size);
    if (!kernels)
        return error_set(error, -ENOTSUP,
                         "virtual detector \"%s\": no code for pixels of %" PRIu32 " bytes",
                         settings->name, format->pixel_size);
    virtual_detector_settings_copy(&loaded, settings);
    int status = virtual_detector_settings_load(&loaded, error);
    product->class = &class;
    product->format = *format;
    if (!status) {
        struct making making = {
            .product = product,
            .settings = &loaded,
            .pixels = pixels,
            .isa = isa,
            .n_pixels = (size_t)format->height * format->width,
            .error = error,
        };
        status = make(&making, kernels);
        if (status)
            finish(product);
    }
    virtual_detector_settings_finish(&loaded);
    return status;
}
