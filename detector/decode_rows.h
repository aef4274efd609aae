#pragma once

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#    include <immintrin.h>
#endif

/*
 * One row of raw pixels, for decode_raw.c. A `wide` is as many bytes as one instruction rearranges,
 * always whole raw words. Seen as bytes in memory, each rearrangement that raw pixels need is "byte
 * i comes from byte i ^ something": pixels in order are a word's bytes backwards (i ^ 7). For a row
 * from its end to its start the wides and the words in them are taken backwards as well (i ^ (size
 * - 8)), which leaves the bytes of a word as they are (one byte a pixel) or swaps them in pairs
 * (two bytes a pixel).
 */
static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "raw pixels are decoded into little-endian numbers");

enum row_order { ROW_FORWARD, ROW_BACKWARD_BYTES, ROW_BACKWARD_PAIRS };

static inline uint64_t load_u64(const uint8_t *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

/* ---- eight pixels of one bit ---- */

static const uint64_t bits_from_lowest = 0x8040201008040201;
static const uint64_t bits_from_highest = 0x0102040810204080;

/* Byte i of the result is 1 when the bit of `packed` that byte i of `bits` names is set. */
static inline uint64_t spread_bits(uint8_t packed, uint64_t bits)
{
    const uint64_t chosen = packed * UINT64_C(0x0101010101010101) & bits;
    return (chosen + 0x7f7f7f7f7f7f7f7f) >> 7 & 0x0101010101010101;
}

#if defined(__AVX2__)

typedef __m256i wide;

static inline wide wide_load(const uint8_t *from)
{
    return _mm256_loadu_si256((const wide *)from);
}

static inline void wide_store(uint8_t *to, wide value)
{
    _mm256_storeu_si256((wide *)to, value);
}

static inline wide wide_arrange(wide value, enum row_order order)
{
    const wide counting = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    if (order == ROW_BACKWARD_BYTES)
        return _mm256_permute4x64_epi64(value, 0x1b);
    if (order == ROW_BACKWARD_PAIRS)
        value = _mm256_permute4x64_epi64(value, 0x1b);
    const char change = order == ROW_FORWARD ? 7 : 1;
    return _mm256_shuffle_epi8(value, _mm256_xor_si256(counting, _mm256_set1_epi8(change)));
}

/* high * 4096 + low for pixels of two bytes, stored as four. */
static inline void wide_store_joined(uint8_t *to, wide high, wide low)
{
    for (size_t half = 0; half < 2; half++) {
        const wide h = _mm256_cvtepu16_epi32(half ? _mm256_extracti128_si256(high, 1)
                                                  : _mm256_castsi256_si128(high));
        const wide l = _mm256_cvtepu16_epi32(half ? _mm256_extracti128_si256(low, 1)
                                                  : _mm256_castsi256_si128(low));
        wide_store(to + 32 * half, _mm256_add_epi32(_mm256_slli_epi32(h, 12), l));
    }
}

#else

typedef uint64_t wide;

static inline wide wide_load(const uint8_t *from)
{
    return load_u64(from);
}

static inline void wide_store(uint8_t *to, wide value)
{
    memcpy(to, &value, sizeof value);
}

static inline wide wide_arrange(wide value, enum row_order order)
{
    if (order == ROW_FORWARD)
        return __builtin_bswap64(value);
    if (order == ROW_BACKWARD_BYTES)
        return value;
    return (value & 0x00ff00ff00ff00ff) << 8 | (value >> 8 & 0x00ff00ff00ff00ff);
}

/* high * 4096 + low for pixels of two bytes, stored as four. */
static inline void wide_store_joined(uint8_t *to, wide high, wide low)
{
    uint32_t joined[4];
    for (int i = 0; i < 4; i++)
        joined[i] =
            ((uint32_t)(high >> 16 * i & 0xffff) << 12) + (uint32_t)(low >> 16 * i & 0xffff);
    memcpy(to, joined, sizeof joined);
}

#endif

/* ---- 64 pixels of one bit ---- */

/* Byte g of `packed`, counted from the least significant, becomes bytes 8 g to 8 g + 7; `bits` is
 * one of the two above. */
#if defined(__AVX2__)

static inline void spread_word(uint8_t *to, uint64_t packed, uint64_t bits)
{
    const wide eights =
        _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    for (size_t half = 0; half < 2; half++) {
        const wide wanted = _mm256_add_epi8(eights, _mm256_set1_epi8((char)(4 * half)));
        const wide groups = _mm256_shuffle_epi8(_mm256_set1_epi64x((int64_t)packed), wanted);
        const wide chosen = _mm256_and_si256(groups, _mm256_set1_epi64x((int64_t)bits));
        wide_store(to + 32 * half, _mm256_min_epu8(chosen, _mm256_set1_epi8(1)));
    }
}

#else

static inline void spread_word(uint8_t *to, uint64_t packed, uint64_t bits)
{
    for (size_t group = 0; group < 8; group++)
        wide_store(to + 8 * group, spread_bits((uint8_t)(packed >> 8 * group), bits));
}

#endif
