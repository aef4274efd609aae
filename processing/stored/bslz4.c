#include "processing/stored/bslz4.h"

#include <endian.h>
#include <lz4.h>
#include <string.h>

#define BLOCK_SIZE 8192 /* as bitshuffle chooses it */
#define HEADER_SIZE 12  /* of all */
#define LENGTH_SIZE sizeof(uint32_t)
#define PIXELS_PER_BYTE 8

static void put_be32(uint8_t *to, size_t value)
{
    const uint32_t be = htobe32((uint32_t)value);
    memcpy(to, &be, sizeof be);
}

static void put_header(uint8_t *to, size_t size)
{
    const uint64_t be = htobe64(size);
    memcpy(to, &be, sizeof be);
    put_be32(to + sizeof be, BLOCK_SIZE);
}

size_t bslz4_bound(size_t size)
{
    const size_t blocks = size / BLOCK_SIZE + 1;
    return HEADER_SIZE + blocks * (LENGTH_SIZE + (size_t)LZ4_COMPRESSBOUND(BLOCK_SIZE));
}

/* A matrix of 8 x 8 bits, a row a byte, is mirrored at its diagonal: halves, quarters and single
 * bits change places. */
static uint64_t transposed(uint64_t rows)
{
    uint64_t swap = (rows ^ (rows >> 28)) & UINT64_C(0x00000000f0f0f0f0);
    rows ^= swap ^ (swap << 28);
    swap = (rows ^ (rows >> 14)) & UINT64_C(0x0000cccc0000cccc);
    rows ^= swap ^ (swap << 14);
    swap = (rows ^ (rows >> 7)) & UINT64_C(0x00aa00aa00aa00aa);
    return rows ^ swap ^ (swap << 7);
}

/* The bits of one byte of each of n pixels: 8 rows of n / 8 bytes. */
static void shuffle_byte(const uint8_t *pixels, size_t n, uint32_t pixel_size, uint8_t *rows)
{
    const size_t row_size = n / PIXELS_PER_BYTE;
    for (size_t at = 0; at < row_size; at++) {
        uint64_t bits = 0;
        for (unsigned i = 0; i < PIXELS_PER_BYTE; i++)
            bits |= (uint64_t)pixels[(at * PIXELS_PER_BYTE + i) * pixel_size] << 8 * i;
        bits = transposed(bits);
        for (unsigned bit = 0; bit < 8; bit++)
            rows[bit * row_size + at] = (uint8_t)(bits >> 8 * bit);
    }
}

/* Pixels are little-endian: their bytes come in the order of their bits. Returns the bytes used. */
static size_t pack_block(const uint8_t *block, size_t size, uint32_t pixel_size, uint8_t *to)
{
    uint8_t shuffled[BLOCK_SIZE];
    const size_t n = size / pixel_size;
    for (uint32_t byte = 0; byte < pixel_size; byte++)
        shuffle_byte(block + byte, n, pixel_size, shuffled + byte * n);
    const int packed = LZ4_compress_default((const char *)shuffled, (char *)to + LENGTH_SIZE,
                                            (int)size, LZ4_COMPRESSBOUND(BLOCK_SIZE));
    put_be32(to, (size_t)packed);
    return LENGTH_SIZE + (size_t)packed;
}

size_t bslz4_pack(const uint8_t *image, size_t size, uint32_t pixel_size, uint8_t *bytes)
{
    if (pixel_size == 0 || size % ((size_t)PIXELS_PER_BYTE * pixel_size) != 0)
        return 0;
    size_t used = HEADER_SIZE;
    put_header(bytes, size);
    for (size_t done = 0; done < size; done += BLOCK_SIZE)
        used += pack_block(image + done, size - done < BLOCK_SIZE ? size - done : BLOCK_SIZE,
                           pixel_size, bytes + used);
    return used;
}
