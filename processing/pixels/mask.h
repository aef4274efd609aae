#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Which pixels of a frame belong to a virtual detector, laid out for the kernels.
 *
 * The image is taken as one flat array and cut into blocks of 64 bytes (64, 32 or 16 pixels of 1, 2
 * or 4 bytes). Only blocks with a chosen pixel are listed, so that the cost of a detector follows
 * its area and not the frame's. The pixels after the last whole block are listed one by one: no
 * kernel needs to touch a byte outside the image.
 */
#define MASK_BLOCK_SIZE 64

struct mask_block {
    uint64_t offset; /* bytes from the start of the image, a multiple of MASK_BLOCK_SIZE */
    uint64_t bits;   /* bit i: pixel i of the block is chosen */
};

/* Both lists of blocks end with an empty block, for kernels that take pairs. */
struct mask {
    uint64_t n_pixels; /* chosen pixels, the loose ones included */
    size_t n_blocks;
    struct mask_block *blocks; /* [n_blocks + 1] */
    uint8_t *block_bytes;      /* [n_blocks + 1][64]: 0xff in every byte of a chosen pixel */
    size_t n_loose;
    uint32_t *loose; /* chosen pixels after the last whole block: indices into the image */
};

/* Makes a mask of the pixels whose `selected` is not 0, for pixels of 1, 2 or 4 bytes. 0 or
 * -ENOMEM. */
int mask_init(struct mask *mask, const uint8_t *selected, size_t n_pixels, uint32_t pixel_size);

/* Sets selected[pixel] to 1 for every pixel of the mask, made for pixels of pixel_size bytes. */
void mask_select(const struct mask *mask, uint32_t pixel_size, uint8_t *selected);

/* Also of a zeroed mask. */
void mask_finish(struct mask *mask);
