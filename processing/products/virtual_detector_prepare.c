#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "processing/products/mask_corrections.h"
#include "processing/products/virtual_detector.h"
#include "processing/products/virtual_detector_shape.h"
#include "processing/products/virtual_detector_state.h"

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
    bool sees; /* a map that was made has a pixel that counts */
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

static int make_map(struct making *making, unsigned i)
{
    struct virtual_detector *const state = making->product->state;
    struct detector_map *const map = &state->maps[i];
    const struct pixel_format *const format = &making->product->format;
    detector_shape_draw(&making->shape, i, format->height, format->width, making->weights);
    const int status = fold_corrections(making, map);
    if (status)
        return status;
    making->sees |= sum_of_sizes(making->weights, making->n_pixels) > 0;
    state->n_maps++;
    if (make_planes(making, map) < 0)
        return error_set(making->error, -ENOMEM, "virtual detector \"%s\": no memory for its mask",
                         making->settings->name);
    map->exact = making->settings->mode == VIRTUAL_DETECTOR_SUM && are_counts(making, map->scale);
    making->product->maps[i].dtype = map->exact ? MAP_DTYPE_U64 : MAP_DTYPE_F64;
    describe(making, i);
    return 0;
}

/* A map that is 0 everywhere looks like a specimen without contrast. One sector of several may look
 * past the frame. */
static int check_sees(const struct making *making)
{
    const struct pixel_format *const format = &making->product->format;
    if (making->sees)
        return 0;
    return error_set(making->error, -EINVAL,
                     "virtual detector \"%s\": no pixel counts in it, of frames of %" PRIu32
                     " x %" PRIu32 "; look at its place, its size, and what is masked as bad",
                     making->settings->name, format->height, format->width);
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
    if (!status)
        status = check_sees(making);
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
    product->class = &virtual_detector_class;
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
            product->class->finish(product);
    }
    virtual_detector_settings_finish(&loaded);
    return status;
}
