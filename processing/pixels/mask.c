#include "processing/pixels/mask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t block_bits(const uint8_t *selected, size_t n_pixels)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n_pixels; i++)
        bits |= (uint64_t)(selected[i] != 0) << i;
    return bits;
}

static size_t count_blocks(const uint8_t *selected, size_t n_pixels, size_t block_pixels)
{
    size_t count = 0;
    for (size_t first = 0; first + block_pixels <= n_pixels; first += block_pixels)
        count += block_bits(selected + first, block_pixels) != 0;
    return count;
}

static void fill_bytes(uint8_t *bytes, uint64_t bits, uint32_t pixel_size)
{
    for (size_t i = 0; i < MASK_BLOCK_SIZE; i++)
        bytes[i] = bits >> (i / pixel_size) & 1 ? 0xff : 0;
}

static void fill_blocks(struct mask *mask, const uint8_t *selected, size_t n_pixels,
                        uint32_t pixel_size)
{
    const size_t block_pixels = MASK_BLOCK_SIZE / pixel_size;
    size_t block = 0;
    for (size_t first = 0; first + block_pixels <= n_pixels; first += block_pixels) {
        const uint64_t bits = block_bits(selected + first, block_pixels);
        if (!bits)
            continue;
        mask->blocks[block] = (struct mask_block){.offset = first * pixel_size, .bits = bits};
        fill_bytes(mask->block_bytes + block * MASK_BLOCK_SIZE, bits, pixel_size);
        mask->n_pixels += (uint64_t)__builtin_popcountll(bits);
        block++;
    }
}

static void fill_loose(struct mask *mask, const uint8_t *selected, size_t first, size_t n_pixels)
{
    for (size_t i = first; i < n_pixels; i++) {
        if (selected[i])
            mask->loose[mask->n_loose++] = (uint32_t)i;
    }
    mask->n_pixels += mask->n_loose;
}

int mask_init(struct mask *mask, const uint8_t *selected, size_t n_pixels, uint32_t pixel_size)
{
    const size_t block_pixels = MASK_BLOCK_SIZE / pixel_size;
    memset(mask, 0, sizeof *mask);
    mask->n_blocks = count_blocks(selected, n_pixels, block_pixels);
    mask->blocks = calloc(mask->n_blocks + 1, sizeof *mask->blocks);
    mask->block_bytes = aligned_alloc(MASK_BLOCK_SIZE, (mask->n_blocks + 1) * MASK_BLOCK_SIZE);
    mask->loose = calloc(n_pixels % block_pixels + 1, sizeof *mask->loose);
    if (!mask->blocks || !mask->block_bytes || !mask->loose) {
        mask_finish(mask);
        return -ENOMEM;
    }
    memset(mask->block_bytes + mask->n_blocks * MASK_BLOCK_SIZE, 0, MASK_BLOCK_SIZE);
    fill_blocks(mask, selected, n_pixels, pixel_size);
    fill_loose(mask, selected, n_pixels - n_pixels % block_pixels, n_pixels);
    return 0;
}

void mask_finish(struct mask *mask)
{
    free(mask->blocks);
    free(mask->block_bytes);
    free(mask->loose);
    memset(mask, 0, sizeof *mask);
}

void mask_select(const struct mask *mask, uint32_t pixel_size, uint8_t *selected)
{
    for (size_t block = 0; block < mask->n_blocks; block++) {
        const size_t first = mask->blocks[block].offset / pixel_size;
        for (uint64_t bits = mask->blocks[block].bits; bits; bits &= bits - 1)
            selected[first + (size_t)__builtin_ctzll(bits)] = 1;
    }
    for (size_t i = 0; i < mask->n_loose; i++)
        selected[mask->loose[i]] = 1;
}
