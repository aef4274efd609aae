#include "detector/bit_plane.h"

#include <assert.h>

#include "common/bytes.h"

static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "the first pixel of a word is in its first byte");

/* Of each byte the bits backwards. */
static inline uint64_t reverse_bits_of_bytes(uint64_t word)
{
    word = (word >> 1 & 0x5555555555555555) | (word & 0x5555555555555555) << 1;
    word = (word >> 2 & 0x3333333333333333) | (word & 0x3333333333333333) << 2;
    return (word >> 4 & 0x0f0f0f0f0f0f0f0f) | (word & 0x0f0f0f0f0f0f0f0f) << 4;
}

static inline uint64_t load_u64(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* Words whose first pixel is the lowest bit of their last byte. */
static void put_forward(uint8_t *restrict to, const uint8_t *restrict from, size_t size)
{
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        const uint64_t word = load_be64(from + at);
        memcpy(to + at, &word, sizeof word);
    }
}

/* The same from their end to their start. */
static void put_backward(uint8_t *restrict to, const uint8_t *restrict from, size_t size)
{
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        const uint64_t word = reverse_bits_of_bytes(load_u64(from + size - sizeof word - at));
        memcpy(to + at, &word, sizeof word);
    }
}

/* Bytes in order, of each the first pixel in the highest bit. */
static void put_packed(uint8_t *restrict to, const uint8_t *restrict from, size_t size)
{
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        const uint64_t word = reverse_bits_of_bytes(load_u64(from + at));
        memcpy(to + at, &word, sizeof word);
    }
}

/* Raw rows are [Q4 | Q3 | Q2 | Q1]: see decode_raw.c. */
static void put_quad(uint8_t *restrict plane, const uint8_t *restrict payload,
                     const struct pixel_format *format)
{
    const size_t raw_rows = format->height / 2;
    const size_t block = format->payload_size / raw_rows / 4;
    for (size_t y = 0; y < raw_rows; y++) {
        const uint8_t *const from = payload + y * 4 * block;
        uint8_t *const upper = plane + y * 2 * block;
        uint8_t *const lower = plane + (format->height - 1 - y) * 2 * block;
        put_backward(lower + block, from, block);
        put_backward(lower, from + block, block);
        put_forward(upper + block, from + 2 * block, block);
        put_forward(upper, from + 3 * block, block);
    }
}

bool bit_plane_applies(const struct pixel_format *format)
{
    const bool of_bits = format->packing == PACKING_RAW_1 || format->packing == PACKING_BITS;
    return of_bits && format->gap == 0 && format->pixel_size == 1 &&
           format->image_size == format->payload_size * 8 &&
           format->payload_size % sizeof(uint64_t) == 0;
}

void bit_plane_decode(uint8_t *restrict plane, const uint8_t *restrict payload,
                      const struct pixel_format *format)
{
    if (format->packing == PACKING_BITS)
        put_packed(plane, payload, format->payload_size);
    else if (format->raw_quad)
        put_quad(plane, payload, format);
    else
        put_forward(plane, payload, format->payload_size);
}
