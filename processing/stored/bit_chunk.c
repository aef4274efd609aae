#include "processing/stored/bit_chunk.h"

#include <blosc.h>
#include <endian.h>
#include <limits.h>
#include <lz4.h>
#include <string.h>

/* Blosc's buffer: a header of 16 bytes, where each block begins (4 bytes each, from the header on),
 * and of each block its size and its LZ4 stream. Numbers are little-endian. */
#define HEADER_SIZE 16
#define LENGTH_SIZE sizeof(uint32_t)
/* Bitshuffled, a block is one stream whatever the size of a pixel, LZ4. */
#define HEADER_FLAGS (BLOSC_DOBITSHUFFLE | 0x10 | BLOSC_LZ4_FORMAT << 5)

/* LZ4: a token has the number of literals in its upper half and the length of a match less 4 in its
 * lower; 15 means that bytes follow, which add up, up to the first that is not 255. A stream ends
 * with 5 literals or more, after its last match. */
#define LZ4_LONG 15
#define LZ4_SHORTEST_MATCH 4
#define LZ4_LAST_LITERALS 5
/* What the stream of a block may take beyond LZ4's of the plane and the lengths of its zeros. */
#define TAIL_ROOM 32

#define PLANES 8 /* of a byte */

static void put_le32(uint8_t *to, size_t value)
{
    const uint32_t le = htole32((uint32_t)value);
    memcpy(to, &le, sizeof le);
}

static uint8_t *put_length(uint8_t *to, size_t length)
{
    for (; length >= 255; length -= 255)
        *to++ = 255;
    *to++ = (uint8_t)length;
    return to;
}

/* The rest of a length whose token said LZ4_LONG. */
static size_t get_length(const uint8_t **from)
{
    size_t length = LZ4_LONG;
    uint8_t more;
    do {
        more = *(*from)++;
        length += more;
    } while (more == 255);
    return length;
}

/* ---- one block ---- */

struct literals {
    uint8_t *token;
    const uint8_t *bytes;
    size_t n;
};

/* The last sequence of a stream, which has no match. */
static struct literals last_literals(uint8_t *stream, const uint8_t *end)
{
    uint8_t *token = stream;
    for (;;) {
        const uint8_t *at = token + 1;
        size_t n = *token >> 4;
        if (n == LZ4_LONG)
            n = get_length(&at);
        if (at + n >= end)
            return (struct literals){token, at, n};
        at += n + sizeof(uint16_t);
        if ((*token & 15) == LZ4_LONG)
            (void)get_length(&at);
        token = stream + (at - stream);
    }
}

/*
 * Lengthens a stream by n zeros, at the price of their length's bytes: its last literals get one
 * zero more, which a match at distance 1 repeats. Returns the new end.
 */
static uint8_t *append_zeros(uint8_t *stream, const uint8_t *end, size_t n)
{
    const struct literals last = last_literals(stream, end);
    const size_t n_literals = last.n + 1;
    const size_t match = n - 1 - LZ4_LAST_LITERALS - LZ4_SHORTEST_MATCH;
    const size_t grown = n_literals < LZ4_LONG ? 0 : 1 + (n_literals - LZ4_LONG) / 255;
    uint8_t *to = last.token + 1 + grown;
    memmove(to, last.bytes, last.n);
    *last.token = (uint8_t)((n_literals < LZ4_LONG ? n_literals : LZ4_LONG) << 4 | LZ4_LONG);
    if (grown > 0)
        (void)put_length(last.token + 1, n_literals - LZ4_LONG);
    to += last.n;
    *to++ = 0;
    *to++ = 1; /* the distance, two bytes */
    *to++ = 0;
    to = put_length(to, match - LZ4_LONG);
    *to++ = LZ4_LAST_LITERALS << 4;
    memset(to, 0, LZ4_LAST_LITERALS);
    return to + LZ4_LAST_LITERALS;
}

/* Returns the bytes used; 0: they do not suffice. */
static size_t pack_block(const uint8_t *plane, size_t size, int acceleration, uint8_t *to,
                         size_t capacity)
{
    const size_t zeros = (PLANES - 1) * size, tail = zeros / 255 + TAIL_ROOM;
    if (capacity < LENGTH_SIZE + tail)
        return 0;
    const size_t room = capacity - LENGTH_SIZE - tail;
    uint8_t *const stream = to + LENGTH_SIZE;
    const int packed = LZ4_compress_fast((const char *)plane, (char *)stream, (int)size,
                                         room > INT_MAX ? INT_MAX : (int)room, acceleration);
    if (packed <= 0)
        return 0;
    const uint8_t *const end = append_zeros(stream, stream + packed, zeros);
    put_le32(to, (size_t)(end - stream));
    return (size_t)(end - to);
}

/* ---- all of them ---- */

bool bit_chunk_takes(size_t plane_size)
{
    return plane_size >= 32 && plane_size <= LZ4_MAX_INPUT_SIZE / PLANES;
}

static void put_header(uint8_t *bytes, size_t n_bytes, size_t block_size, size_t packed)
{
    bytes[0] = BLOSC_VERSION_FORMAT;
    bytes[1] = BLOSC_LZ4_VERSION_FORMAT;
    bytes[2] = HEADER_FLAGS;
    bytes[3] = 1; /* bytes of a pixel */
    put_le32(bytes + 4, n_bytes);
    put_le32(bytes + 8, block_size);
    put_le32(bytes + 12, packed);
}

size_t bit_chunk_pack(const uint8_t *planes, size_t n, size_t plane_size, int acceleration,
                      uint8_t *bytes, size_t capacity)
{
    const size_t block_size = PLANES * plane_size;
    size_t at = HEADER_SIZE + n * LENGTH_SIZE;
    if (capacity < at)
        return 0;
    for (size_t i = 0; i < n; i++) {
        const size_t size = pack_block(planes + i * plane_size, plane_size, acceleration,
                                       bytes + at, capacity - at);
        if (size == 0)
            return 0;
        put_le32(bytes + HEADER_SIZE + i * LENGTH_SIZE, at);
        at += size;
    }
    put_header(bytes, n * block_size, block_size, at);
    return at;
}
