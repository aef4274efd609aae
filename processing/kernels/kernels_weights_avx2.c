#include <immintrin.h>

#include "processing/kernels/kernels_weights_inline.h"

/* AVX2: kernels_weights_vector.h with vectors of eight words, two of which are the lanes. */
#define CHAINS 1

typedef struct {
    __m256i half[2];
} lanes;

PIXEL_INLINE lanes lanes_add(lanes a, lanes b)
{
    return (lanes){
        {_mm256_add_epi32(a.half[0], b.half[0]), _mm256_add_epi32(a.half[1], b.half[1])}};
}

PIXEL_INLINE lanes lanes_weigh(lanes sum, const int16_t *weights, const void *pair)
{
    int32_t word;
    memcpy(&word, pair, sizeof word);
    const __m256i both = _mm256_set1_epi32(word);
    const __m256i *const halves = (const __m256i *)weights;
    const lanes products = {{_mm256_madd_epi16(both, _mm256_load_si256(&halves[0])),
                             _mm256_madd_epi16(both, _mm256_load_si256(&halves[1]))}};
    return lanes_add(sum, products);
}

PIXEL_INLINE void lanes_store(int32_t *each, lanes some)
{
    _mm256_store_si256((__m256i *)each, some.half[0]);
    _mm256_store_si256((__m256i *)(each + 8), some.half[1]);
}

#include "processing/kernels/kernels_weights_vector.h"

const struct weight_kernels weight_kernels_avx2[KERNELS_PIXEL_SIZES] = {
    {images_u8, events_u8},
    {images_u16, events_u16},
    {images_u32, events_u32},
};
