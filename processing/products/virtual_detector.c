#include "processing/products/virtual_detector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/products/virtual_detector_state.h"

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

const struct product_class virtual_detector_class = {
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
    if (product->class != &virtual_detector_class) {
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
    if (product->class != &virtual_detector_class)
        return false;
    const struct virtual_detector *const state = product->state;
    if (state->shape != VIRTUAL_DETECTOR_SEGMENTED || state->n_maps != 4)
        return false;
    *azimuth = state->start_angle + 45;
    return true;
}
