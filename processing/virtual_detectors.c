#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "processing/kernels.h"
#include "processing/mask.h"
#include "processing/product.h"

/* Virtual detectors: the counts inside disks and annuli, a column and a map for each. */
struct virtual_detectors {
    const struct kernels *kernels;
    size_t n_masks;
    struct mask masks[];
};

static void frame(const struct product *product, const void *image, uint64_t *columns,
                  void *accumulator)
{
    const struct virtual_detectors *const state = product->state;
    for (size_t i = 0; i < state->n_masks; i++)
        columns[i] = state->kernels->masked_sum(&state->masks[i], image);
}

static void merge(const struct product *product, void *into, const void *from) {}

static void map_value(const struct product *product, unsigned map, const uint64_t *columns,
                      void *value)
{
    memcpy(value, &columns[map], sizeof columns[map]);
}

static void finish(struct product *product)
{
    struct virtual_detectors *const state = product->state;
    for (size_t i = 0; state && i < state->n_masks; i++)
        mask_finish(&state->masks[i]);
    free(state);
    free(product->maps);
    product->state = NULL;
    product->maps = NULL;
}

static const struct product_class class = {
    .kind = "virtual_detectors",
    .frame = frame,
    .merge = merge,
    .map_value = map_value,
    .finish = finish,
};

/* A detector as it is used: defaults filled in, a disk being a ring with no hole. */
struct ring {
    double centre_y, centre_x, inner, outer;
};

static struct ring ring_of(const struct virtual_detector_settings *detector,
                           const struct pixel_format *format)
{
    const bool given = detector->centre_given;
    return (struct ring){
        .centre_y = given ? detector->centre_y : (format->height - 1.0) / 2,
        .centre_x = given ? detector->centre_x : (format->width - 1.0) / 2,
        .inner = detector->shape == VIRTUAL_DETECTOR_ANNULUS ? detector->inner : 0,
        .outer = detector->outer,
    };
}

static int check_ring(const struct ring *ring, const char *name, struct error *error)
{
    if (!isfinite(ring->centre_y) || !isfinite(ring->centre_x))
        return error_set(
            error, -EINVAL,
            "virtual detector \"%s\": centre (%g, %g) is not a place; give [y, x] in pixels", name,
            ring->centre_y, ring->centre_x);
    if (!isfinite(ring->outer) || ring->outer < 0)
        return error_set(
            error, -EINVAL,
            "virtual detector \"%s\": radius %g is not a length; give pixels, 0 or more", name,
            ring->outer);
    if (!isfinite(ring->inner) || ring->inner < 0)
        return error_set(
            error, -EINVAL,
            "virtual detector \"%s\": inner radius %g is not a length; give pixels, 0 or more",
            name, ring->inner);
    if (ring->inner > ring->outer)
        return error_set(
            error, -EINVAL,
            "virtual detector \"%s\": inner radius %g is larger than outer radius %g; swap them",
            name, ring->inner, ring->outer);
    return 0;
}

static void describe(struct product_map *map, const struct virtual_detector_settings *detector,
                     const struct ring *ring)
{
    snprintf(map->name, sizeof map->name, "%s", detector->name);
    map->dtype = MAP_DTYPE_U64;
    map->units = "counts";
    if (detector->shape == VIRTUAL_DETECTOR_DISK)
        snprintf(map->description, sizeof map->description,
                 "sum of counts in the disk of radius %g px around (y, x) = (%g, %g)", ring->outer,
                 ring->centre_y, ring->centre_x);
    else
        snprintf(map->description, sizeof map->description,
                 "sum of counts in the annulus from %g to %g px around (y, x) = (%g, %g)",
                 ring->inner, ring->outer, ring->centre_y, ring->centre_x);
}

/* `selected` is scratch for one frame of pixels. */
static int add_detector(struct product *product, const struct virtual_detector_settings *detector,
                        uint8_t *selected, struct error *error)
{
    struct virtual_detectors *const state = product->state;
    const struct pixel_format *const format = &product->format;
    const struct ring ring = ring_of(detector, format);
    const int status = check_ring(&ring, detector->name, error);
    if (status)
        return status;
    mask_select_ring(selected, format->height, format->width, ring.centre_y, ring.centre_x,
                     ring.inner, ring.outer);
    if (mask_init(&state->masks[state->n_masks], selected, (size_t)format->height * format->width,
                  format->pixel_size))
        return error_set(error, -ENOMEM, "virtual detector \"%s\": no memory for its mask",
                         detector->name);
    describe(&product->maps[state->n_masks], detector, &ring);
    state->n_masks++;
    return 0;
}

static struct virtual_detectors *allocate(struct product *product, size_t n_detectors)
{
    struct virtual_detectors *const state =
        calloc(1, sizeof *state + n_detectors * sizeof state->masks[0]);
    struct product_map *const maps = calloc(n_detectors + 1, sizeof *maps);
    if (!state || !maps) {
        free(state);
        free(maps);
        return NULL;
    }
    product->state = state;
    product->maps = maps;
    return state;
}

static int add_detectors(struct product *product, const struct virtual_detector_settings *detectors,
                         size_t n_detectors, struct error *error)
{
    const struct pixel_format *const format = &product->format;
    uint8_t *const selected = malloc((size_t)format->height * format->width);
    if (!selected)
        return error_set(error, -ENOMEM, "no memory to draw virtual detectors");
    int status = 0;
    for (size_t i = 0; i < n_detectors && !status; i++)
        status = add_detector(product, &detectors[i], selected, error);
    free(selected);
    return status;
}

int virtual_detectors_prepare(struct product *product,
                              const struct virtual_detector_settings *detectors, size_t n_detectors,
                              const struct pixel_format *format, enum cpu_isa isa,
                              struct error *error)
{
    const struct kernels *const kernels = kernels_for(isa, format->pixel_size);
    if (!kernels)
        return error_set(error, -ENOTSUP,
                         "virtual detectors: no code for pixels of %" PRIu32 " bytes",
                         format->pixel_size);
    struct virtual_detectors *const state = allocate(product, n_detectors);
    if (!state)
        return error_set(error, -ENOMEM, "no memory for %zu virtual detectors", n_detectors);
    state->kernels = kernels;
    product->class = &class;
    product->format = *format;
    const int status = add_detectors(product, detectors, n_detectors, error);
    if (status) {
        finish(product);
        return status;
    }
    product->n_columns = product->n_maps = (unsigned)n_detectors;
    return 0;
}
