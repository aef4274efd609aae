#include <immintrin.h>

#include "processing/kernels/kernels_radial_inline.h"

/*
 * AVX-512 with BW, VNNI and VBMI: bytes are permuted into the lanes of their bins, see
 * radial_plan.h. Wider pixels are taken apart into planes of bytes, tile by tile: most frames have
 * counts below 256 nearly everywhere, and a plane of zeros is left out.
 */
#define MAX_PLANES 4
#define HISTOGRAM_SIZE (RADIAL_MAX_BINS + RADIAL_TILE) /* strips may end beyond the last bin */

struct sums {
    uint32_t counts[MAX_PLANES][HISTOGRAM_SIZE];
    uint64_t squares[HISTOGRAM_SIZE];
};

/* A tile of bytes with all its 64 x 64 pixels readable. */
struct bytes {
    const uint8_t *start;
    size_t stride;
};

/* ---- getting a tile ---- */

typedef uint8_t tile_bytes[RADIAL_TILE][RADIAL_TILE];

PIXEL_INLINE uint64_t first_bits(uint32_t n)
{
    return n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
}

/* Up to 16 pixels as 32-bit words, the others 0. */
PIXEL_INLINE __m512i load_16(const void *image, size_t first, uint32_t n, uint32_t pixel_size)
{
    const __mmask16 some = (__mmask16)first_bits(n);
    switch (pixel_size) {
    case 1:
        return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(some, (const uint8_t *)image + first));
    case 2:
        return _mm512_cvtepu16_epi32(
            _mm256_maskz_loadu_epi16(some, (const uint16_t *)image + first));
    default:
        return _mm512_maskz_loadu_epi32(some, (const uint32_t *)image + first);
    }
}

/* A row of 64 pixels of 2 bytes that are all there. Returns their high bytes. */
PIXEL_INLINE __m512i narrow_row_u16(uint8_t *row, const uint16_t *pixels, unsigned plane)
{
    const __m512i a = _mm512_loadu_si512(pixels), b = _mm512_loadu_si512(pixels + 32);
    const __m512i at_a = _mm512_srl_epi16(a, _mm_cvtsi32_si128((int)(8 * plane)));
    const __m512i at_b = _mm512_srl_epi16(b, _mm_cvtsi32_si128((int)(8 * plane)));
    _mm256_store_si256((__m256i *)row, _mm512_cvtepi16_epi8(at_a));
    _mm256_store_si256((__m256i *)(row + 32), _mm512_cvtepi16_epi8(at_b));
    return _mm512_srli_epi16(_mm512_or_si512(at_a, at_b), 8);
}

/* Any row. Returns what lies above the plane. */
PIXEL_INLINE __m512i narrow_row(uint8_t *row, const void *image, size_t first, uint32_t width,
                                uint32_t pixel_size, unsigned plane)
{
    __m512i higher = _mm512_setzero_si512();
    for (uint32_t x = 0; x < RADIAL_TILE; x += 16) {
        const uint32_t n = x < width ? width - x : 0;
        const __m512i pixels =
            _mm512_srl_epi32(n ? load_16(image, first + x, n, pixel_size) : _mm512_setzero_si512(),
                             _mm_cvtsi32_si128((int)(8 * plane)));
        _mm_store_si128((__m128i *)(row + x), _mm512_cvtepi32_epi8(pixels));
        higher = _mm512_or_si512(higher, _mm512_srli_epi32(pixels, 8));
    }
    return higher;
}

/* Byte `plane` of each pixel of the tile. Returns whether a pixel has more bytes above. */
PIXEL_INLINE bool narrow(tile_bytes bytes, const struct radial_plan *plan,
                         const struct radial_tile *tile, const void *image, uint32_t pixel_size,
                         unsigned plane)
{
    __m512i higher = _mm512_setzero_si512();
    for (uint32_t y = 0; y < tile->height; y++) {
        const size_t first = (size_t)(tile->y + y) * plan->bins->width + tile->x;
        const __m512i of_row =
            pixel_size == 2 && tile->width == RADIAL_TILE
                ? narrow_row_u16(bytes[y], (const uint16_t *)image + first, plane)
                : narrow_row(bytes[y], image, first, tile->width, pixel_size, plane);
        higher = _mm512_or_si512(higher, of_row);
    }
    for (uint32_t y = tile->height; y < RADIAL_TILE; y++)
        _mm512_store_si512(bytes[y], _mm512_setzero_si512());
    return _mm512_test_epi32_mask(higher, higher) != 0;
}

/* ---- transposing ---- */

/* Four rows of 16 bytes as 16 columns of four, a 32-bit word each. */
PIXEL_INLINE __m512i columns_of_four_rows(const uint8_t *start, size_t stride, __m512i order)
{
    __m512i rows = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)start));
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)(start + stride)), 1);
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)(start + 2 * stride)), 2);
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128((const __m128i *)(start + 3 * stride)), 3);
    return _mm512_permutexvar_epi8(order, rows);
}

/* Columns first, first + 4, first + 8 and first + 12 of a block, 16 bytes each. */
PIXEL_INLINE void store_columns(uint8_t *transposed, unsigned first, __m512i columns)
{
    uint8_t *const at = transposed + (size_t)first * RADIAL_TILE;
    _mm_store_si128((__m128i *)at, _mm512_castsi512_si128(columns));
    _mm_store_si128((__m128i *)(at + (size_t)4 * RADIAL_TILE),
                    _mm512_extracti32x4_epi32(columns, 1));
    _mm_store_si128((__m128i *)(at + (size_t)8 * RADIAL_TILE),
                    _mm512_extracti32x4_epi32(columns, 2));
    _mm_store_si128((__m128i *)(at + (size_t)12 * RADIAL_TILE),
                    _mm512_extracti32x4_epi32(columns, 3));
}

/* A block of 16 x 16 bytes. */
PIXEL_INLINE void transpose_block(uint8_t *transposed, const uint8_t *start, size_t stride,
                                  __m512i order)
{
    const __m512i a = columns_of_four_rows(start, stride, order);
    const __m512i b = columns_of_four_rows(start + 4 * stride, stride, order);
    const __m512i c = columns_of_four_rows(start + 8 * stride, stride, order);
    const __m512i d = columns_of_four_rows(start + 12 * stride, stride, order);
    const __m512i ab_low = _mm512_unpacklo_epi32(a, b), ab_high = _mm512_unpackhi_epi32(a, b);
    const __m512i cd_low = _mm512_unpacklo_epi32(c, d), cd_high = _mm512_unpackhi_epi32(c, d);
    store_columns(transposed, 0, _mm512_unpacklo_epi64(ab_low, cd_low));
    store_columns(transposed, 1, _mm512_unpackhi_epi64(ab_low, cd_low));
    store_columns(transposed, 2, _mm512_unpacklo_epi64(ab_high, cd_high));
    store_columns(transposed, 3, _mm512_unpackhi_epi64(ab_high, cd_high));
}

static void transpose(tile_bytes transposed, struct bytes bytes)
{
    /* Byte 4 i + r of the result is byte i of row r. */
    const __m512i order =
        _mm512_add_epi32(_mm512_set1_epi32(0x30201000),
                         _mm512_mullo_epi32(_mm512_set1_epi32(0x01010101),
                                            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
                                                              12, 13, 14, 15)));
    for (unsigned y = 0; y < RADIAL_TILE; y += 16) {
        for (unsigned x = 0; x < RADIAL_TILE; x += 16)
            transpose_block(&transposed[x][y], bytes.start + y * bytes.stride + x, bytes.stride,
                            order);
    }
}

/* ---- strips ---- */

PIXEL_INLINE __m512i take_step(const struct radial_plan *plan, uint32_t step, struct bytes bytes)
{
    const __m512i row = _mm512_loadu_si512(bytes.start + plan->step_row[step] * bytes.stride);
    return _mm512_maskz_permutexvar_epi8(plan->lanes[step],
                                         _mm512_load_si512(plan->steps[step].source), row);
}

PIXEL_INLINE void add_u32(uint32_t *sums, __m512i added)
{
    _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_loadu_si512(sums), added));
}

PIXEL_INLINE void add_u64(uint64_t *sums, __m512i added)
{
    const __m512i low = _mm512_cvtepu32_epi64(_mm512_castsi512_si256(added));
    const __m512i high = _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64(added, 1));
    _mm512_storeu_si512(sums, _mm512_add_epi64(_mm512_loadu_si512(sums), low));
    _mm512_storeu_si512(sums + 8, _mm512_add_epi64(_mm512_loadu_si512(sums + 8), high));
}

static void add_strip_counts(const struct radial_plan *plan, const struct radial_strip *strip,
                             struct bytes bytes, uint32_t *counts)
{
    const __m512i low_bytes = _mm512_set1_epi16(0xff), low_words = _mm512_set1_epi32(0xffff);
    __m512i even = _mm512_setzero_si512(), odd = _mm512_setzero_si512();
    const uint32_t end = strip->first_step + strip->n_steps;
    for (uint32_t step = strip->first_step; step < end; step++) {
        const __m512i lanes = take_step(plan, step, bytes);
        even = _mm512_add_epi16(even, _mm512_and_si512(lanes, low_bytes));
        odd = _mm512_add_epi16(odd, _mm512_srli_epi16(lanes, 8));
    }
    counts += strip->base;
    add_u32(counts, _mm512_and_si512(even, low_words));
    add_u32(counts + 16, _mm512_and_si512(odd, low_words));
    add_u32(counts + 32, _mm512_srli_epi32(even, 16));
    add_u32(counts + 48, _mm512_srli_epi32(odd, 16));
}

static void add_strip_squares(const struct radial_plan *plan, const struct radial_strip *strip,
                              struct bytes bytes, uint32_t *counts, uint64_t *squares)
{
    const __m512i low_bytes = _mm512_set1_epi32(0xff);
    __m512i sum[4] = {0}, square[4] = {0};
    const uint32_t end = strip->first_step + strip->n_steps;
    for (uint32_t step = strip->first_step; step < end; step++) {
        const __m512i lanes = take_step(plan, step, bytes);
        const __m512i n[4] = {
            _mm512_and_si512(lanes, low_bytes),
            _mm512_and_si512(_mm512_srli_epi32(lanes, 8), low_bytes),
            _mm512_and_si512(_mm512_srli_epi32(lanes, 16), low_bytes),
            _mm512_srli_epi32(lanes, 24),
        };
        for (unsigned i = 0; i < 4; i++) {
            sum[i] = _mm512_add_epi32(sum[i], n[i]);
            square[i] = _mm512_dpwssd_epi32(square[i], n[i], n[i]);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        add_u32(counts + strip->base + (size_t)16 * i, sum[i]);
        add_u64(squares + strip->base + (size_t)16 * i, square[i]);
    }
}

/* `squares` NULL: only counts. */
PIXEL_INLINE void add_strips(const struct radial_plan *plan, uint32_t first, uint32_t n,
                             struct bytes bytes, uint32_t *counts, uint64_t *squares)
{
    for (uint32_t i = first; i < first + n; i++) {
        if (squares)
            add_strip_squares(plan, &plan->strips[i], bytes, counts, squares);
        else
            add_strip_counts(plan, &plan->strips[i], bytes, counts);
    }
}

PIXEL_INLINE void add_bytes(const struct radial_plan *plan, const struct radial_tile *tile,
                            struct bytes bytes, uint32_t *counts, uint64_t *squares)
{
    add_strips(plan, tile->first_strip, tile->n_strips[0], bytes, counts, squares);
    if (!tile->n_strips[1])
        return;
    _Alignas(64) tile_bytes transposed;
    transpose(transposed, bytes);
    add_strips(plan, tile->first_strip + tile->n_strips[0], tile->n_strips[1],
               (struct bytes){transposed[0], RADIAL_TILE}, counts, squares);
}

/* ---- tiles ---- */

PIXEL_INLINE void add_pixel(const struct radial_plan *plan, const void *image, size_t i,
                            uint32_t pixel_size, uint64_t *counts, uint64_t *squares)
{
    const uint32_t bin = plan->bins->bin_of[i];
    const uint64_t n = pixel_value(image, i, pixel_size);
    if (bin == plan->bins->n_bins)
        return;
    counts[bin] += n;
    if (squares)
        squares[bin] += n * n;
}

PIXEL_INLINE void add_loose(const struct radial_plan *plan, const struct radial_tile *tile,
                            const void *image, uint32_t pixel_size, uint64_t *counts,
                            uint64_t *squares)
{
    for (uint32_t i = tile->first_loose; i < tile->first_loose + tile->n_loose; i++)
        add_pixel(plan, image, plan->loose[i], pixel_size, counts, squares);
}

PIXEL_INLINE void add_every_pixel(const struct radial_plan *plan, const struct radial_tile *tile,
                                  const void *image, uint32_t pixel_size, uint64_t *counts,
                                  uint64_t *squares)
{
    for (uint32_t y = tile->y; y < tile->y + tile->height; y++) {
        for (uint32_t x = tile->x; x < tile->x + tile->width; x++)
            add_pixel(plan, image, (size_t)y * plan->bins->width + x, pixel_size, counts, squares);
    }
}

PIXEL_INLINE bool lies_ready(const struct radial_tile *tile, uint32_t pixel_size)
{
    return pixel_size == 1 && tile->height == RADIAL_TILE && tile->width == RADIAL_TILE;
}

/* Plane by plane. */
PIXEL_INLINE void add_tile_counts(const struct radial_plan *plan, const struct radial_tile *tile,
                                  const void *image, uint32_t pixel_size, struct sums *sums,
                                  uint64_t *counts)
{
    const size_t width = plan->bins->width;
    add_loose(plan, tile, image, pixel_size, counts, NULL);
    if (lies_ready(tile, pixel_size)) {
        const uint8_t *const start = (const uint8_t *)image + tile->y * width + tile->x;
        add_bytes(plan, tile, (struct bytes){start, width}, sums->counts[0], NULL);
        return;
    }
    _Alignas(64) tile_bytes bytes;
    bool more = true;
    for (unsigned plane = 0; more && plane < pixel_size; plane++) {
        more = narrow(bytes, plan, tile, image, pixel_size, plane);
        add_bytes(plan, tile, (struct bytes){bytes[0], RADIAL_TILE}, sums->counts[plane], NULL);
    }
}

/* Squares of planes would not add up: a tile with larger counts is taken a pixel at a time. */
PIXEL_INLINE void add_tile_squares(const struct radial_plan *plan, const struct radial_tile *tile,
                                   const void *image, uint32_t pixel_size, struct sums *sums,
                                   uint64_t *counts, uint64_t *squares)
{
    const size_t width = plan->bins->width;
    _Alignas(64) tile_bytes copy;
    struct bytes bytes = {copy[0], RADIAL_TILE};
    if (lies_ready(tile, pixel_size))
        bytes = (struct bytes){(const uint8_t *)image + tile->y * width + tile->x, width};
    else if (narrow(copy, plan, tile, image, pixel_size, 0)) {
        add_every_pixel(plan, tile, image, pixel_size, counts, squares);
        return;
    }
    add_loose(plan, tile, image, pixel_size, counts, squares);
    add_bytes(plan, tile, bytes, sums->counts[0], sums->squares);
}

PIXEL_INLINE void radial_counts(const struct radial_plan *plan, const void *image, uint64_t *counts,
                                uint32_t pixel_size)
{
    const uint32_t n_bins = plan->bins->n_bins;
    if (!plan->n_tiles) {
        radial_sums(plan, image, counts, pixel_size, POWER_1);
        return;
    }
    struct sums sums;
    for (unsigned plane = 0; plane < pixel_size; plane++)
        memset(sums.counts[plane], 0, (n_bins + RADIAL_TILE) * sizeof sums.counts[plane][0]);
    memset(counts, 0, n_bins * sizeof *counts);
    for (size_t i = 0; i < plan->n_tiles; i++)
        add_tile_counts(plan, &plan->tiles[i], image, pixel_size, &sums, counts);
    for (unsigned plane = 0; plane < pixel_size; plane++) {
        for (uint32_t bin = 0; bin < n_bins; bin++)
            counts[bin] += (uint64_t)sums.counts[plane][bin] << (8 * plane);
    }
}

PIXEL_INLINE void radial_counts_and_squares(const struct radial_plan *plan, const void *image,
                                            uint64_t *counts, uint64_t *squares,
                                            uint32_t pixel_size)
{
    const uint32_t n_bins = plan->bins->n_bins;
    if (!plan->n_tiles) {
        radial_squares(plan, image, counts, squares, pixel_size);
        return;
    }
    struct sums sums;
    memset(sums.counts[0], 0, (n_bins + RADIAL_TILE) * sizeof sums.counts[0][0]);
    memset(sums.squares, 0, (n_bins + RADIAL_TILE) * sizeof sums.squares[0]);
    memset(counts, 0, n_bins * sizeof *counts);
    memset(squares, 0, n_bins * sizeof *squares);
    for (size_t i = 0; i < plan->n_tiles; i++)
        add_tile_squares(plan, &plan->tiles[i], image, pixel_size, &sums, counts, squares);
    for (uint32_t bin = 0; bin < n_bins; bin++) {
        counts[bin] += sums.counts[0][bin];
        squares[bin] += sums.squares[bin];
    }
}

static void counts_u8(const struct radial_plan *plan, const void *image, uint64_t *counts)
{
    radial_counts(plan, image, counts, 1);
}

static void counts_u16(const struct radial_plan *plan, const void *image, uint64_t *counts)
{
    radial_counts(plan, image, counts, 2);
}

static void counts_u32(const struct radial_plan *plan, const void *image, uint64_t *counts)
{
    radial_counts(plan, image, counts, 4);
}

static void squares_u8(const struct radial_plan *plan, const void *image, uint64_t *counts,
                       uint64_t *squares)
{
    radial_counts_and_squares(plan, image, counts, squares, 1);
}

static void squares_u16(const struct radial_plan *plan, const void *image, uint64_t *counts,
                        uint64_t *squares)
{
    radial_counts_and_squares(plan, image, counts, squares, 2);
}

static void squares_u32(const struct radial_plan *plan, const void *image, uint64_t *counts,
                        uint64_t *squares)
{
    radial_counts_and_squares(plan, image, counts, squares, 4);
}

const struct radial_kernels radial_kernels_avx512[KERNELS_PIXEL_SIZES] = {
    {counts_u8, squares_u8},
    {counts_u16, squares_u16},
    {counts_u32, squares_u32},
};
