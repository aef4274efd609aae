#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "processing/kernels/kernels.h"
#include "tests/unit/processing/frames.h"

/* Every version of every kernel, the plain one too, against loops that are too simple to be wrong.
 */

struct shape {
    uint32_t height, width;
};

static const struct shape shapes[] = {
    {1, 1},    {3, 5},    {1, 64},    {64, 1},   {7, 63},    {31, 257},  {257, 31},
    {65, 128}, {33, 160}, {256, 256}, {70, 514}, {515, 515}, {600, 300}, {1500, 256},
};
static const uint32_t pixel_sizes[] = {1, 2, 4};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef void (*check_fn)(const struct pixel_format *format, const void *image, enum cpu_isa isa);

static void check_frame(const struct pixel_format *format, enum fill fill, check_fn check)
{
    void *const image = frame_create(format);
    frame_fill(image, format, fill, format->height * 1000 + format->width);
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++)
        check(format, image, isa);
    frame_destroy(image, format);
}

static void check_all(check_fn check)
{
    for (size_t shape = 0; shape < COUNT(shapes); shape++) {
        for (size_t size = 0; size < COUNT(pixel_sizes); size++) {
            const struct pixel_format format =
                frame_format(shapes[shape].height, shapes[shape].width, pixel_sizes[size]);
            for (enum fill fill = 0; fill < N_FILLS; fill++)
                check_frame(&format, fill, check);
        }
    }
}

static uint64_t sum_of_chosen(const struct pixel_format *format, const void *image,
                              const uint8_t *selected)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < (size_t)format->height * format->width; i++) {
        if (selected[i])
            sum += frame_pixel(image, i, format->pixel_size);
    }
    return sum;
}

static void check_selection(const struct pixel_format *format, const void *image, enum cpu_isa isa,
                            const uint8_t *selected)
{
    struct mask mask;
    assert_int_equal(
        mask_init(&mask, selected, (size_t)format->height * format->width, format->pixel_size), 0);
    const struct kernels *const kernels = kernels_for(isa, format->pixel_size);
    assert_int_equal(kernels->masked_sum(&mask, image), sum_of_chosen(format, image, selected));
    mask_finish(&mask);
}

/* density of 256: none, a few, half, nearly all, all pixels. */
static void check_masked_sum(const struct pixel_format *format, const void *image, enum cpu_isa isa)
{
    static const unsigned densities[] = {0, 1, 128, 250, 256};
    const size_t n_pixels = (size_t)format->height * format->width;
    uint8_t *const selected = malloc(n_pixels);
    assert_non_null(selected);
    uint64_t seed = 7;
    for (size_t d = 0; d < COUNT(densities); d++) {
        for (size_t i = 0; i < n_pixels; i++)
            selected[i] = (frame_random(&seed) & 0xff) < densities[d];
        check_selection(format, image, isa, selected);
    }
    free(selected);
}

static void masked_sum_adds_exactly_the_chosen_pixels(void **state)
{
    check_all(check_masked_sum);
}

/* More blocks than the 16-bit kernel may add up in 32 bits. */
static void masked_sum_of_a_huge_frame_does_not_overflow(void **state)
{
    const struct pixel_format format = frame_format(2000, 2500, 2);
    const size_t n_pixels = (size_t)format.height * format.width;
    uint8_t *const selected = malloc(n_pixels);
    assert_non_null(selected);
    memset(selected, 1, n_pixels);
    void *const image = frame_create(&format);
    for (enum fill fill = FILL_ZERO; fill <= FILL_FULL_SCALE; fill++) {
        frame_fill(image, &format, fill, 1);
        for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++)
            check_selection(&format, image, isa, selected);
    }
    frame_destroy(image, &format);
    free(selected);
}

/* How weights are spread over the pixels of a test: extremes that strain the sums, one value in
 * places (flat blocks), anything, few. */
enum spread {
    WEIGHTS_LARGEST,
    WEIGHTS_SMALLEST,
    WEIGHTS_FLAT,
    WEIGHTS_RANDOM,
    WEIGHTS_FEW,
    N_SPREADS
};

static int16_t spread_weight(enum spread spread, size_t i, uint64_t *seed)
{
    const uint64_t random = frame_random(seed);
    const int16_t any = (int16_t)((int)(random % 65535) - 32767);
    switch (spread) {
    case WEIGHTS_LARGEST:
        /* One that differs makes its block no flat one: block_pixels and the tail see both kinds.
         */
        return (int16_t)(i % 16 == 3 ? 32766 : 32767);
    case WEIGHTS_SMALLEST:
        return (int16_t)(i % 16 == 3 ? -32766 : -32767);
    case WEIGHTS_FLAT:
        return i / 300 % 2 ? 77 : i % 1000 == 5 ? any : 0;
    case WEIGHTS_RANDOM:
        return any;
    default:
        return random >> 20 & 7 ? 0 : any;
    }
}

static void check_weights(const struct pixel_format *format, const void *image, enum cpu_isa isa,
                          const int16_t *weights)
{
    const size_t n_pixels = (size_t)format->height * format->width;
    const struct kernels *const kernels = kernels_for(isa, format->pixel_size);
    struct mask_weights mask;
    uint64_t expected = 0;
    for (size_t i = 0; i < n_pixels; i++)
        expected += (uint64_t)weights[i] * frame_pixel(image, i, format->pixel_size);
    assert_int_equal(mask_weights_init(&mask, weights, n_pixels, format->pixel_size), 0);
    const uint64_t sum = (uint64_t)mask.flat_weight * kernels->masked_sum(&mask.flat, image) +
                         (uint64_t)kernels->weighted_sum(&mask, image);
    assert_int_equal(sum, expected);
    mask_weights_finish(&mask);
}

static void check_weighted_sum(const struct pixel_format *format, const void *image,
                               enum cpu_isa isa)
{
    const size_t n_pixels = (size_t)format->height * format->width;
    int16_t *const weights = malloc(n_pixels * sizeof *weights);
    assert_non_null(weights);
    for (enum spread spread = 0; spread < N_SPREADS; spread++) {
        uint64_t seed = 11;
        for (size_t i = 0; i < n_pixels; i++)
            weights[i] = spread_weight(spread, i, &seed);
        check_weights(format, image, isa, weights);
    }
    free(weights);
}

static void weighted_sum_is_exact_for_every_weight(void **state)
{
    check_all(check_weighted_sum);
}

static void check_moments(const struct pixel_format *format, const void *image, enum cpu_isa isa)
{
    struct moments expected = {0}, moments;
    for (uint64_t y = 0; y < format->height; y++) {
        for (uint64_t x = 0; x < format->width; x++) {
            const uint64_t counts = frame_pixel(image, y * format->width + x, format->pixel_size);
            expected.sum += counts;
            expected.y += y * counts;
            expected.x += x * counts;
        }
    }
    memset(&moments, 0xaa, sizeof moments);
    kernels_for(isa, format->pixel_size)->moments(&moments, image, format->height, format->width);
    assert_int_equal(moments.sum, expected.sum);
    assert_int_equal(moments.y, expected.y);
    assert_int_equal(moments.x, expected.x);
}

static void moments_are_exact(void **state)
{
    check_all(check_moments);
}

/* The element of a tile, twice as wide as a pixel. */
static uint64_t tile_element(const void *tile, size_t i, uint32_t pixel_size)
{
    const size_t size = (size_t)2 * pixel_size;
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)tile + i * size, size);
    return value;
}

static void check_accumulate(const struct pixel_format *format, const void *image, enum cpu_isa isa)
{
    const uint32_t size = format->pixel_size;
    const size_t n_pixels = (size_t)format->height * format->width;
    const struct kernels *const kernels = kernels_for(isa, size);
    void *const tile = calloc(n_pixels, (size_t)2 * size);
    uint64_t *const sums = calloc(n_pixels, sizeof *sums);
    assert_true(tile && sums);
    for (int repeat = 0; repeat < 3; repeat++)
        kernels->accumulate(tile, image, n_pixels);
    kernels->widen(sums, tile, n_pixels);
    kernels->widen(sums, tile, n_pixels);
    for (size_t i = 0; i < n_pixels; i++) {
        const uint64_t counts = frame_pixel(image, i, size);
        if (tile_element(tile, i, size) != 3 * counts || sums[i] != 6 * counts)
            fail_msg("pixel %zu: %llu became %llu and %llu", i, (unsigned long long)counts,
                     (unsigned long long)tile_element(tile, i, size), (unsigned long long)sums[i]);
    }
    free(sums);
    free(tile);
}

static void accumulate_and_widen_add_every_pixel(void **state)
{
    check_all(check_accumulate);
}

static void pixels_of_other_sizes_have_no_kernels(void **state)
{
    assert_null(kernels_for(CPU_ISA_PLAIN, 0));
    assert_null(kernels_for(CPU_ISA_PLAIN, 3));
    assert_null(kernels_for(CPU_ISA_PLAIN, 8));
}

static void each_instruction_set_has_its_own_kernels(void **state)
{
#if defined(__x86_64__)
    for (size_t i = 0; i < COUNT(pixel_sizes); i++) {
        assert_ptr_equal(kernels_for(CPU_ISA_PLAIN, pixel_sizes[i]), &kernels_plain[i]);
        assert_ptr_equal(kernels_for(CPU_ISA_AVX2, pixel_sizes[i]), &kernels_avx2[i]);
        assert_ptr_equal(kernels_for(CPU_ISA_AVX512, pixel_sizes[i]), &kernels_avx512[i]);
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masked_sum_adds_exactly_the_chosen_pixels),
        cmocka_unit_test(masked_sum_of_a_huge_frame_does_not_overflow),
        cmocka_unit_test(weighted_sum_is_exact_for_every_weight),
        cmocka_unit_test(moments_are_exact),
        cmocka_unit_test(accumulate_and_widen_add_every_pixel),
        cmocka_unit_test(pixels_of_other_sizes_have_no_kernels),
        cmocka_unit_test(each_instruction_set_has_its_own_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
