#include "processing/bragg/bragg_search.h"

/* The search in plain words: every pixel of every disk of every place. */

static uint32_t pixel_at(const struct bragg_frame *frame, size_t i)
{
    switch (frame->pixel_size) {
    case 1:
        return ((const uint8_t *)frame->image)[i];
    case 2:
        return ((const uint16_t *)frame->image)[i];
    default:
        return ((const uint32_t *)frame->image)[i];
    }
}

static uint64_t load_plain(struct bragg_scratch *scratch, const struct bragg_frame *frame)
{
    const struct bragg_reference *const r = scratch->reference;
    uint64_t total = 0;
    for (uint32_t row = 0; row < r->grid.rows; row++) {
        for (uint32_t column = 0; column < r->grid.columns; column++) {
            uint32_t counts = 0;
            if (r->mask[bragg_map_at(&r->grid, row, column)])
                counts = pixel_at(frame, bragg_frame_at(&r->grid, row, column));
            scratch->pixels[bragg_buffer_at(&r->grid, (int)row, (int)column)] = counts;
            total += counts;
        }
    }
    for (uint32_t i = 0; i < r->background.n_sectors * r->background.n_bands; i++) {
        scratch->part_counts[i] = 0;
        for (uint32_t j = 0; j < r->background.part_n[i]; j++)
            scratch->part_counts[i] += scratch->pixels[bragg_part_pixel(&r->background, i, j)];
    }
    scratch->sums_are_narrow = false;
    scratch->has_narrow = false;
    scratch->has_wide = true;
    scratch->has_bytes = false;
    return total;
}

static uint32_t disk_sum(const struct bragg_scratch *scratch, const struct bragg_disk *disk,
                         uint32_t row, uint32_t column)
{
    uint32_t sum = 0;
    for (int dy = -disk->reach; dy <= disk->reach; dy++) {
        const int half = disk->half_width[dy < 0 ? -dy : dy];
        for (int dx = -half; dx <= half; dx++)
            sum += scratch->pixels[bragg_buffer_at(&scratch->reference->grid, (int)row + dy,
                                                   (int)column + dx)];
    }
    return sum;
}

static void sum_disks_plain(struct bragg_scratch *scratch, enum bragg_width width)
{
    const struct bragg_grid *const grid = &scratch->reference->grid;
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    uint32_t *const sums = scratch->width[width].sums;
    for (uint32_t row = 0; row < grid->rows; row++) {
        for (uint32_t column = 0; column < grid->columns; column++) {
            const size_t place = bragg_map_at(grid, row, column);
            if (p->cell[place] != BRAGG_NO_PLACE)
                sums[place] = disk_sum(scratch, &p->disk, row, column);
        }
    }
}

static void find_plain(struct bragg_scratch *scratch, enum bragg_width width)
{
    const struct bragg_positions *const p = &scratch->reference->positions[width];
    bragg_need_sums(scratch, width);
    for (size_t place = 0; place < scratch->reference->grid.map_size; place++) {
        if (p->cell[place] != BRAGG_NO_PLACE)
            bragg_try_place(scratch, width, place);
    }
}

void bragg_classify_plain(struct bragg_scratch *scratch, const struct bragg_frame *frame,
                          struct bragg_result *result)
{
    static const struct bragg_method plain = {load_plain, sum_disks_plain, find_plain};
    bragg_classify_by(&plain, scratch, frame, result);
}
