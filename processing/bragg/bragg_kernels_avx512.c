#include <immintrin.h>

#define BRAGG_VECTOR_SIZE 64
#define ADD_8(a, b) ((lanes_8)_mm512_adds_epu8((__m512i)(a), (__m512i)(b)))
#include "processing/bragg/bragg_kernels_inline.h"

/* 16 sectors side by side. Gathers of 16-bit pixels bring the next pixel too, which is masked; the
 * buffer goes on behind its last pixel. */
BRAGG_INLINE void sum_parts(uint32_t *sums, const struct bragg_background_plan *plan,
                            const void *buffer, const int pixel_size)
{
    const __m512i kept = _mm512_set1_epi32(pixel_size == 2 ? UINT16_MAX : -1);
    const uint32_t n = plan->n_sectors;
    const uint32_t *pixels = plan->pixels;
    for (uint32_t b = 0; b < plan->n_bands; b++, sums += n) {
        for (uint32_t s = 0; s < n; s += 16) {
            const __mmask16 there = (__mmask16)(n - s < 16 ? (1u << (n - s)) - 1 : UINT16_MAX);
            __m512i sum = _mm512_setzero_si512();
            for (uint32_t k = 0; k < plan->band_room[b]; k++) {
                const __m512i at = _mm512_maskz_loadu_epi32(there, pixels + (size_t)k * n + s);
                const __m512i counts = pixel_size == 2 ? _mm512_i32gather_epi32(at, buffer, 2)
                                                       : _mm512_i32gather_epi32(at, buffer, 4);
                sum = _mm512_add_epi32(sum, _mm512_and_si512(counts, kept));
            }
            _mm512_mask_storeu_epi32(sums + s, there, sum);
        }
        pixels += (size_t)plan->band_room[b] * n;
    }
}

/* The same of bytes, four pixels of a part at a time. */
static void sum_parts_8(uint32_t *sums, const struct bragg_background_plan *plan,
                        const uint8_t *buffer)
{
    const uint32_t n = plan->n_sectors, *at = plan->words.at, *wanted = plan->words.wanted;
    for (uint32_t b = 0; b < plan->n_bands; b++, sums += n) {
        const size_t room = (size_t)plan->band_words[b] * n;
        for (uint32_t s = 0; s < n; s += 16) {
            const __mmask16 there = (__mmask16)(n - s < 16 ? (1u << (n - s)) - 1 : UINT16_MAX);
            __m512i sum = _mm512_setzero_si512();
            for (size_t k = s; k < room; k += n) {
                const __m512i place = _mm512_maskz_loadu_epi32(there, at + k);
                const __m512i counts = _mm512_i32gather_epi32(place, buffer, 1);
                sum = _mm512_dpbusd_epi32(sum, counts, _mm512_maskz_loadu_epi32(there, wanted + k));
            }
            _mm512_mask_storeu_epi32(sums + s, there, sum);
        }
        at += room;
        wanted += room;
    }
}

static void sum_parts_16(uint32_t *sums, const struct bragg_background_plan *plan,
                         const uint16_t *buffer)
{
    sum_parts(sums, plan, buffer, 2);
}

static void sum_parts_32(uint32_t *sums, const struct bragg_background_plan *plan,
                         const uint32_t *buffer)
{
    sum_parts(sums, plan, buffer, 4);
}

static bool any_above_8(const uint8_t *sums, const uint8_t *cell, size_t n,
                        const uint8_t limits[BRAGG_CELLS])
{
    const __m512i table = _mm512_loadu_si512(limits);
    __mmask64 above = 0;
    for (size_t i = 0; i < n; i += 64) {
        const __m512i limit = _mm512_permutexvar_epi8(_mm512_loadu_si512(cell + i), table);
        above |= _mm512_cmpgt_epu8_mask(_mm512_loadu_si512(sums + i), limit);
    }
    return above != 0;
}

/* Values of the cells: a table of 64 fills two registers of 16-bit or four of 32-bit lanes. */
BRAGG_INLINE __m512i look_up_16(const uint16_t table[BRAGG_CELLS], const uint8_t *cell)
{
    const __m512i low = _mm512_loadu_si512(table), high = _mm512_loadu_si512(table + 32);
    const __m512i index = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)cell));
    return _mm512_permutex2var_epi16(low, index, high);
}

BRAGG_INLINE __m512i look_up_32(const uint32_t table[BRAGG_CELLS], const uint8_t *cell)
{
    const __m512i a = _mm512_loadu_si512(table), b = _mm512_loadu_si512(table + 16);
    const __m512i c = _mm512_loadu_si512(table + 32), d = _mm512_loadu_si512(table + 48);
    const __m512i index = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)cell));
    const __mmask16 upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32));
    return _mm512_mask_blend_epi32(upper, _mm512_permutex2var_epi32(a, index, b),
                                   _mm512_permutex2var_epi32(c, index, d));
}

/* Those of BRAGG_LANES places that are above their limits. */
BRAGG_INLINE uint32_t find_above_16(const uint16_t *sums, const uint8_t *cell,
                                    const uint16_t limits[BRAGG_CELLS])
{
    return _mm512_cmpgt_epu16_mask(_mm512_loadu_si512(sums), look_up_16(limits, cell));
}

BRAGG_INLINE uint32_t find_above_32(const uint32_t *sums, const uint8_t *cell,
                                    const uint32_t limits[BRAGG_CELLS])
{
    uint32_t which = 0;
    for (uint32_t k = 0; k < BRAGG_LANES; k += 16) {
        const __m512i limit = look_up_32(limits, cell + k);
        const __mmask16 above = _mm512_cmpgt_epu32_mask(_mm512_loadu_si512(sums + k), limit);
        which |= (uint32_t)above << k;
    }
    return which;
}

SCREEN(16)
SCREEN(32)

/* The more of `most` and the sums of places. */
BRAGG_INLINE __m512i more_of_16(__m512i most, const uint16_t *sums, const uint8_t *cell)
{
    const __m256i cells = _mm256_loadu_si256((const __m256i *)cell);
    const __mmask32 there = _mm256_cmpneq_epu8_mask(cells, _mm256_set1_epi8(BRAGG_NO_PLACE));
    return _mm512_mask_max_epu16(most, there, most, _mm512_loadu_si512(sums));
}

static void drop_lower_16(struct bragg_block *blocks, size_t n, const uint16_t *sums,
                          const uint8_t *cell, ptrdiff_t first, ptrdiff_t second,
                          const uint16_t slack[BRAGG_CELLS], const uint16_t limit[BRAGG_CELLS])
{
    for (size_t i = 0; i < n; i++) {
        if (blocks[i].which == 0)
            continue;
        const uint16_t *const at = sums + blocks[i].first;
        const uint8_t *const cells = cell + blocks[i].first;
        const __m512i own = _mm512_adds_epu16(_mm512_loadu_si512(at), look_up_16(slack, cells));
        __m512i most = _mm512_setzero_si512();
        most = more_of_16(most, at - first, cells - first);
        most = more_of_16(most, at - second, cells - second);
        most = more_of_16(most, at + second, cells + second);
        most = more_of_16(most, at + first, cells + first);
        const __mmask32 is_enough = _mm512_cmpgt_epu16_mask(most, look_up_16(limit, cells));
        blocks[i].which &= ~_mm512_mask_cmpgt_epu16_mask(is_enough, most, own);
    }
}

BRAGG_INLINE __m512i more_of_32(__m512i most, const uint32_t *sums, const uint8_t *cell)
{
    const __m128i cells = _mm_loadu_si128((const __m128i *)cell);
    const __mmask16 there = _mm_cmpneq_epu8_mask(cells, _mm_set1_epi8(BRAGG_NO_PLACE));
    return _mm512_mask_max_epu32(most, there, most, _mm512_loadu_si512(sums));
}

/* Of half a block; those of its places that are lower. */
BRAGG_INLINE __mmask16 find_lower_32(const uint32_t *at, const uint8_t *cells, ptrdiff_t first,
                                     ptrdiff_t second, const uint32_t slack[BRAGG_CELLS],
                                     const uint32_t limit[BRAGG_CELLS])
{
    const __m512i counts = _mm512_loadu_si512(at);
    __m512i most = _mm512_setzero_si512();
    most = more_of_32(most, at - first, cells - first);
    most = more_of_32(most, at - second, cells - second);
    most = more_of_32(most, at + second, cells + second);
    most = more_of_32(most, at + first, cells + first);
    const __m512i ahead =
        _mm512_maskz_sub_epi32(_mm512_cmpgt_epu32_mask(most, counts), most, counts);
    const __mmask16 is_enough = _mm512_cmpgt_epu32_mask(most, look_up_32(limit, cells));
    return _mm512_mask_cmpgt_epu32_mask(is_enough, ahead, look_up_32(slack, cells));
}

static void drop_lower_32(struct bragg_block *blocks, size_t n, const uint32_t *sums,
                          const uint8_t *cell, ptrdiff_t first, ptrdiff_t second,
                          const uint32_t slack[BRAGG_CELLS], const uint32_t limit[BRAGG_CELLS])
{
    for (size_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < BRAGG_LANES; k += 16) {
            const size_t at = blocks[i].first + k;
            const __mmask16 lower =
                find_lower_32(sums + at, cell + at, first, second, slack, limit);
            blocks[i].which &= ~((uint32_t)lower << k);
        }
    }
}

/* Of doubles, 16 bands fill two registers. */
BRAGG_INLINE void excess_of(double *excess, const void *pixels, const double *template,
                            const float *band_at, const struct bragg_lines *lines, size_t n,
                            const int pixel_size)
{
    const __m512d ratio0 = _mm512_loadu_pd(lines->ratio),
                  ratio8 = _mm512_loadu_pd(lines->ratio + 8);
    const __m512d more0 = _mm512_loadu_pd(lines->more), more8 = _mm512_loadu_pd(lines->more + 8);
    for (size_t i = 0; i < n; i += BRAGG_EXCESS_LANES) {
        const __m512d of_template = _mm512_loadu_pd(template + i);
        const __m512d band = _mm512_cvtps_pd(_mm256_loadu_ps(band_at + i));
        const __m512i lower = _mm512_cvttpd_epi64(band);
        const __m512d part = _mm512_sub_pd(band, _mm512_cvtepi64_pd(lower));
        const __m512d more = _mm512_permutex2var_pd(more0, lower, more8);
        const __m512d ratio =
            _mm512_add_pd(_mm512_permutex2var_pd(ratio0, lower, ratio8), _mm512_mul_pd(part, more));
        const __m256i counts =
            pixel_size == 2 ? _mm256_cvtepu16_epi32(
                                  _mm_loadu_si128((const __m128i *)((const uint16_t *)pixels + i)))
                            : _mm256_loadu_si256((const __m256i *)((const uint32_t *)pixels + i));
        const __mmask8 used = _mm512_cmp_pd_mask(of_template, _mm512_setzero_pd(), _CMP_GT_OQ);
        const __m512d difference =
            _mm512_sub_pd(_mm512_cvtepu32_pd(counts), _mm512_mul_pd(of_template, ratio));
        _mm512_storeu_pd(excess + i, _mm512_mask_blend_pd(used, _mm512_set1_pd(NAN), difference));
    }
}

static void excess_16(double *excess, const uint16_t *pixels, const double *template,
                      const float *band_at, const struct bragg_lines *lines, size_t n)
{
    excess_of(excess, pixels, template, band_at, lines, n, 2);
}

static void excess_32(double *excess, const uint32_t *pixels, const double *template,
                      const float *band_at, const struct bragg_lines *lines, size_t n)
{
    excess_of(excess, pixels, template, band_at, lines, n, 4);
}

const struct bragg_kernels bragg_kernels_avx512 = BRAGG_KERNELS;
