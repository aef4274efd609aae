#include "processing/pixels/mask_weights.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT_MAX 32767

/* The weight that most pixels have, 0 left out; 0 when none has any. */
static int most_common(const int16_t *weights, size_t n_pixels, uint32_t *histogram)
{
    int common = 0;
    for (size_t i = 0; i < n_pixels; i++)
        histogram[weights[i] + WEIGHT_MAX + 1]++;
    histogram[WEIGHT_MAX + 1] = 0;
    for (int weight = -WEIGHT_MAX; weight <= WEIGHT_MAX; weight++) {
        if (histogram[weight + WEIGHT_MAX + 1] > histogram[common + WEIGHT_MAX + 1])
            common = weight;
    }
    return common;
}

static bool is_flat(const int16_t *weights, size_t n, int flat_weight)
{
    for (size_t i = 0; i < n; i++) {
        if (weights[i] != 0 && weights[i] != flat_weight)
            return false;
    }
    return true;
}

/* Scratch and sizes that the steps of mask_weights_init share. */
struct layout {
    const int16_t *weights;
    size_t n_pixels, n_in_blocks, block_pixels;
    uint8_t *selected; /* [n_pixels]: belongs to `flat` */
};

static void select_flat(struct mask_weights *mask, struct layout *layout)
{
    for (size_t first = 0; first < layout->n_in_blocks; first += layout->block_pixels) {
        if (!is_flat(layout->weights + first, layout->block_pixels, mask->flat_weight)) {
            mask->n_blocks++;
            continue;
        }
        for (size_t i = first; i < first + layout->block_pixels; i++)
            layout->selected[i] = layout->weights[i] != 0;
    }
    for (size_t i = layout->n_in_blocks; i < layout->n_pixels; i++)
        layout->selected[i] = layout->weights[i] != 0 && layout->weights[i] == mask->flat_weight;
}

static void fill_blocks(struct mask_weights *mask, const struct layout *layout, uint32_t pixel_size)
{
    size_t block = 0;
    for (size_t first = 0; first < layout->n_in_blocks; first += layout->block_pixels) {
        const int16_t *const from = layout->weights + first;
        if (is_flat(from, layout->block_pixels, mask->flat_weight))
            continue;
        mask->offsets[block] = first * pixel_size;
        memcpy(mask->weights + block * layout->block_pixels, from,
               layout->block_pixels * sizeof *from);
        for (size_t i = 0; i < layout->block_pixels; i++)
            mask->sum_of_weights += from[i];
        block++;
    }
}

static void fill_loose(struct mask_weights *mask, const struct layout *layout)
{
    for (size_t i = layout->n_in_blocks; i < layout->n_pixels; i++) {
        if (layout->weights[i] != 0 && !layout->selected[i])
            mask->loose[mask->n_loose++] = (struct loose_weight){(uint32_t)i, layout->weights[i]};
    }
}

static int fill(struct mask_weights *mask, struct layout *layout, uint32_t pixel_size)
{
    const size_t block_size = layout->block_pixels * sizeof *mask->weights;
    select_flat(mask, layout);
    if (mask_init(&mask->flat, layout->selected, layout->n_pixels, pixel_size))
        return -ENOMEM;
    mask->offsets = calloc(mask->n_blocks + 1, sizeof *mask->offsets);
    mask->weights = aligned_alloc(MASK_BLOCK_SIZE, (mask->n_blocks * block_size + MASK_BLOCK_SIZE) /
                                                       MASK_BLOCK_SIZE * MASK_BLOCK_SIZE);
    mask->loose = calloc(layout->n_pixels - layout->n_in_blocks + 1, sizeof *mask->loose);
    if (!mask->offsets || !mask->weights || !mask->loose)
        return -ENOMEM;
    fill_blocks(mask, layout, pixel_size);
    fill_loose(mask, layout);
    return 0;
}

int mask_weights_init(struct mask_weights *mask, const int16_t *weights, size_t n_pixels,
                      uint32_t pixel_size)
{
    const size_t block_pixels = MASK_BLOCK_SIZE / pixel_size;
    uint32_t *const histogram = calloc(2 * WEIGHT_MAX + 2, sizeof *histogram);
    struct layout layout = {weights, n_pixels, n_pixels - n_pixels % block_pixels, block_pixels,
                            calloc(n_pixels + 1, 1)};
    int status = -ENOMEM;
    memset(mask, 0, sizeof *mask);
    if (histogram && layout.selected) {
        mask->flat_weight = (int16_t)most_common(weights, n_pixels, histogram);
        status = fill(mask, &layout, pixel_size);
    }
    if (status)
        mask_weights_finish(mask);
    free(layout.selected);
    free(histogram);
    return status;
}

void mask_weights_finish(struct mask_weights *mask)
{
    mask_finish(&mask->flat);
    free(mask->offsets);
    free(mask->weights);
    free(mask->loose);
    memset(mask, 0, sizeof *mask);
}
