#include <immintrin.h>

#include "processing/kernels/kernels_weights_inline.h"

/* AVX-512 with VNNI: kernels_weights_vector.h with vectors of sixteen words. */
#define CHAINS 2

typedef __m512i lanes;

PIXEL_INLINE lanes lanes_add(lanes a, lanes b)
{
    return _mm512_add_epi32(a, b);
}

PIXEL_INLINE lanes lanes_weigh(lanes sum, const int16_t *weights, const void *pair)
{
    int32_t word;
    memcpy(&word, pair, sizeof word);
    return _mm512_dpwssd_epi32(sum, _mm512_set1_epi32(word), _mm512_load_si512(weights));
}

PIXEL_INLINE void lanes_store(int32_t *each, lanes some)
{
    _mm512_store_si512(each, some);
}

#include "processing/kernels/kernels_weights_vector.h"

const struct weight_kernels weight_kernels_avx512[KERNELS_PIXEL_SIZES] = {
    {images_u8, events_u8},
    {images_u16, events_u16},
    {images_u32, events_u32},
};
