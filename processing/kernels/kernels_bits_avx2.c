#include <immintrin.h>

#include "processing/kernels/kernels_bits.h"

/*
 * AVX2 counts the bits of nibbles by a look-up in a register (W. Mula, N. Kurz and D. Lemire,
 * Faster population counts using AVX2 instructions, Comput. J. 61, 111 (2018)). Four vectors are
 * first added bit by bit in carry-save adders, which leaves one look-up for four.
 */
static inline __m256i both(const uint64_t *mask, const uint8_t *payload, size_t vector)
{
    return _mm256_and_si256(_mm256_load_si256((const __m256i *)mask + vector),
                            _mm256_loadu_si256((const __m256i *)payload + vector));
}

/* Of each 64-bit lane. */
static inline __m256i bits_set(__m256i vector)
{
    const __m256i low_nibbles = _mm256_set1_epi8(0x0f);
    const __m256i of_nibble =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m256i low = _mm256_shuffle_epi8(of_nibble, _mm256_and_si256(vector, low_nibbles));
    const __m256i high =
        _mm256_shuffle_epi8(of_nibble, _mm256_and_si256(_mm256_srli_epi16(vector, 4), low_nibbles));
    return _mm256_sad_epu8(_mm256_add_epi8(low, high), _mm256_setzero_si256());
}

/* Adds two vectors to `ones`, bit by bit; returns what is carried. */
static inline __m256i add_bits(__m256i *ones, __m256i a, __m256i b)
{
    const __m256i half = _mm256_xor_si256(*ones, a);
    const __m256i carry = _mm256_or_si256(_mm256_and_si256(*ones, a), _mm256_and_si256(half, b));
    *ones = _mm256_xor_si256(half, b);
    return carry;
}

static inline uint64_t sum_u64(__m256i lanes)
{
    const __m128i two =
        _mm_add_epi64(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    return (uint64_t)_mm_extract_epi64(two, 0) + (uint64_t)_mm_extract_epi64(two, 1);
}

static uint64_t count(const uint64_t *mask, const uint8_t *payload, size_t n_words)
{
    const size_t n_vectors = n_words / 4;
    __m256i ones = _mm256_setzero_si256(), twos = ones, fours = ones, rest = ones;
    size_t i = 0;
    for (; i + 4 <= n_vectors; i += 4) {
        const __m256i a = add_bits(&ones, both(mask, payload, i), both(mask, payload, i + 1));
        const __m256i b = add_bits(&ones, both(mask, payload, i + 2), both(mask, payload, i + 3));
        fours = _mm256_add_epi64(fours, bits_set(add_bits(&twos, a, b)));
    }
    for (; i < n_vectors; i++)
        rest = _mm256_add_epi64(rest, bits_set(both(mask, payload, i)));
    return 4 * sum_u64(fours) + 2 * sum_u64(bits_set(twos)) + sum_u64(bits_set(ones)) +
           sum_u64(rest);
}

const struct bit_kernels bit_kernels_avx2[1] = {{count}};
