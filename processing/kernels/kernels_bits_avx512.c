#include <immintrin.h>

#include "processing/kernels/kernels_bits.h"

/* AVX-512 with VPOPCNTDQ. */
static inline __m512i bits_set(const uint64_t *mask, const uint8_t *payload, size_t word)
{
    return _mm512_popcnt_epi64(
        _mm512_and_si512(_mm512_load_si512(mask + word), _mm512_loadu_si512(payload + 8 * word)));
}

static uint64_t count(const uint64_t *mask, const uint8_t *payload, size_t n_words)
{
    __m512i a = _mm512_setzero_si512(), b = a;
    size_t word = 0;
    for (; word + 16 <= n_words; word += 16) {
        a = _mm512_add_epi64(a, bits_set(mask, payload, word));
        b = _mm512_add_epi64(b, bits_set(mask, payload, word + 8));
    }
    if (word < n_words)
        a = _mm512_add_epi64(a, bits_set(mask, payload, word));
    return (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(a, b));
}

const struct bit_kernels bit_kernels_avx512[1] = {{count}};
