#include "processing/products/weight_bank.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/huge_memory.h"

/* A group costs as much as seven masks one by one. */
#define GROUP_MIN_MASKS 8

/* A mask of few weights is summed as quickly by itself. */
static bool is_worth_a_lane(const struct mask_weights *mask, size_t n_blocks_of_frame)
{
    return 2 * mask->n_blocks >= n_blocks_of_frame;
}

static void fill_lane(int16_t *table, unsigned lane, const struct mask_weights *mask,
                      uint32_t pixel_size)
{
    const size_t block_pixels = MASK_BLOCK_SIZE / pixel_size;
    for (size_t block = 0; block < mask->n_blocks; block++) {
        const size_t first = mask->offsets[block] / pixel_size;
        for (size_t i = 0; i < block_pixels; i++)
            table[weight_table_index(first + i, lane)] = mask->weights[block * block_pixels + i];
    }
    for (size_t i = 0; i < mask->n_loose; i++)
        table[weight_table_index(mask->loose[i].pixel, lane)] = mask->loose[i].weight;
}

static int add_group(struct weight_bank *bank, const struct mask_weights *const *masks, size_t n,
                     uint32_t pixel_size)
{
    const size_t size = (bank->n_pixels / 2 + 1) * WEIGHT_PAIR * sizeof(int16_t);
    struct weight_group *const group = &bank->groups[bank->n_groups];
    group->table = huge_memory_allocate(size);
    if (!group->table)
        return -ENOMEM;
    memset(group->table, 0, size);
    for (unsigned lane = 0; lane < n; lane++) {
        group->masks[lane] = masks[lane];
        fill_lane(group->table, lane, masks[lane], pixel_size);
    }
    bank->n_groups++;
    return 0;
}

/* Moves the masks that are worth a lane to the front. Returns how many they are. */
static size_t choose(const struct mask_weights **chosen, const struct mask_weights *const *masks,
                     size_t n_masks, size_t n_blocks_of_frame)
{
    size_t n = 0;
    for (size_t i = 0; i < n_masks; i++) {
        if (is_worth_a_lane(masks[i], n_blocks_of_frame))
            chosen[n++] = masks[i];
    }
    return n;
}

static int add_groups(struct weight_bank *bank, const struct mask_weights *const *masks,
                      size_t n_masks, uint32_t pixel_size)
{
    for (size_t i = 0; i < n_masks && bank->n_groups < WEIGHT_BANK_GROUPS; i += WEIGHT_LANES) {
        const size_t n = n_masks - i < WEIGHT_LANES ? n_masks - i : WEIGHT_LANES;
        if (n < GROUP_MIN_MASKS)
            break;
        if (add_group(bank, masks + i, n, pixel_size) < 0)
            return -ENOMEM;
    }
    return 0;
}

int weight_bank_create(struct weight_bank **out, const struct mask_weights *const *masks,
                       size_t n_masks, size_t n_pixels, uint32_t pixel_size, enum cpu_isa isa)
{
    const struct mask_weights **const chosen =
        calloc(n_masks + 1, sizeof(const struct mask_weights *));
    struct weight_bank *const bank = calloc(1, sizeof *bank);
    *out = NULL;
    if (!chosen || !bank) {
        free(chosen);
        free(bank);
        return -ENOMEM;
    }
    bank->kernels = weight_kernels_for(isa, pixel_size);
    bank->n_pixels = n_pixels;
    const size_t n = choose(chosen, masks, n_masks, n_pixels * pixel_size / MASK_BLOCK_SIZE);
    const int r = add_groups(bank, chosen, n, pixel_size);
    free(chosen);
    if (r == 0 && bank->n_groups > 0)
        *out = bank;
    else
        weight_bank_destroy(bank);
    return r;
}

void weight_bank_destroy(struct weight_bank *bank)
{
    for (unsigned i = 0; bank && i < bank->n_groups; i++)
        free(bank->groups[i].table);
    free(bank);
}
