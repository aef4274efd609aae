#include <immintrin.h>

#define BRAGG_VECTOR_SIZE 32
#define ADD_8(a, b) ((lanes_8)_mm256_adds_epu8((__m256i)(a), (__m256i)(b)))
#include "processing/bragg/bragg_kernels_inline.h"
#include "processing/bragg/bragg_kernels_lookup_inline.h"

/* The limits of the cells, 16 of the table at a time: where the cell is not of these, the index is
 * above 127, for which a shuffle gives 0. */
static __m256i limits_of_cells(const __m256i tables[4], __m256i cells)
{
    __m256i limits = _mm256_setzero_si256();
    for (int i = 0; i < 4; i++) {
        const __m256i of_table = _mm256_xor_si256(cells, _mm256_set1_epi8((char)(16 * i)));
        const __m256i index = _mm256_adds_epu8(of_table, _mm256_set1_epi8(0x70));
        limits = _mm256_or_si256(limits, _mm256_shuffle_epi8(tables[i], index));
    }
    return limits;
}

static bool any_above_8(const uint8_t *sums, const uint8_t *cell, size_t n,
                        const uint8_t limits[BRAGG_CELLS])
{
    __m256i tables[4], above = _mm256_setzero_si256();
    for (size_t i = 0; i < 4; i++)
        tables[i] =
            _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(limits + 16 * i)));
    for (size_t i = 0; i < n; i += 32) {
        const __m256i limit =
            limits_of_cells(tables, _mm256_loadu_si256((const __m256i *)(cell + i)));
        const __m256i counts = _mm256_loadu_si256((const __m256i *)(sums + i));
        above = _mm256_or_si256(above, _mm256_subs_epu8(counts, limit));
    }
    return !_mm256_testz_si256(above, above);
}

const struct bragg_kernels bragg_kernels_avx2 = BRAGG_KERNELS;
