#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "processing/kernels/kernels_radial.h"
#include "tests/unit/processing/frames.h"

/* Every version of the radial kernels against a loop that is too simple to be wrong. */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct shape {
    uint32_t height, width;
};

static const struct shape shapes[] = {
    {1, 1},  {3, 5},    {1, 64},    {64, 1},    {64, 64},
    {7, 63}, {31, 257}, {129, 130}, {256, 256}, {200, 515},
};

static const struct radial_settings settings[] = {
    {0},
    {.centre_given = true, .centre_y = 30.3, .centre_x = 12.8, .n_bins = 20},
    {.centre_given = true, .centre_y = -50, .centre_x = 300},
    {.ellipse_ratio = 1.3, .ellipse_angle = 37, .bin_width = 0.3},
    {.bin_width = 7.5},
    {.bin_width = 1000},
};

/* What frames hold, beside the fills of frames.h: a few pixels with counts beyond a byte, so that
 * only some tiles have them. */
enum { FILL_SPIKES = N_FILLS, N_FILLS_HERE };

static void fill(void *image, const struct pixel_format *format, int how, uint64_t seed)
{
    frame_fill(image, format, how == FILL_SPIKES ? FILL_SPARSE : (enum fill)how, seed);
    if (how != FILL_SPIKES || format->pixel_size == 1)
        return;
    for (size_t i = 0; i < format->image_size; i += (size_t)4099 * format->pixel_size)
        ((uint8_t *)image)[i + format->pixel_size - 1] = 0x0f;
}

static void expect(const struct radial_bins *bins, const struct pixel_format *format,
                   const void *image, uint64_t *counts, uint64_t *squares)
{
    memset(counts, 0, RADIAL_MAX_BINS * sizeof *counts);
    memset(squares, 0, RADIAL_MAX_BINS * sizeof *squares);
    for (size_t i = 0; i < (size_t)format->height * format->width; i++) {
        const uint64_t n = frame_pixel(image, i, format->pixel_size);
        if (bins->bin_of[i] == bins->n_bins)
            continue;
        counts[bins->bin_of[i]] += n;
        squares[bins->bin_of[i]] += n * n;
    }
}

static void check(const struct radial_bins *bins, const struct pixel_format *format,
                  const void *image, enum cpu_isa isa, bool tiles)
{
    static uint64_t counts[RADIAL_MAX_BINS], squares[RADIAL_MAX_BINS];
    static uint64_t expected_counts[RADIAL_MAX_BINS], expected_squares[RADIAL_MAX_BINS];
    const struct radial_kernels *const kernels = radial_kernels_for(isa, format->pixel_size);
    const size_t size = bins->n_bins * sizeof(uint64_t);
    struct radial_plan plan;
    assert_int_equal(radial_plan_init(&plan, bins, tiles), 0);
    expect(bins, format, image, expected_counts, expected_squares);
    memset(counts, 0xaa, sizeof counts);
    kernels->counts(&plan, image, counts);
    assert_memory_equal(counts, expected_counts, size);
    memset(counts, 0xaa, sizeof counts);
    memset(squares, 0xaa, sizeof squares);
    kernels->squares(&plan, image, counts, squares);
    assert_memory_equal(counts, expected_counts, size);
    assert_memory_equal(squares, expected_squares, size);
    /* Nothing beyond the last bin is written. */
    if (bins->n_bins < RADIAL_MAX_BINS)
        assert_int_equal(counts[bins->n_bins], UINT64_C(0xaaaaaaaaaaaaaaaa));
    radial_plan_finish(&plan);
}

static void check_shape(struct shape shape, const struct radial_settings *how, uint32_t pixel_size)
{
    const struct pixel_format format = frame_format(shape.height, shape.width, pixel_size);
    const size_t n_pixels = (size_t)shape.height * shape.width;
    uint8_t *const bad = calloc(n_pixels, 1);
    assert_non_null(bad);
    for (size_t i = 0; i < n_pixels; i += 97)
        bad[i] = 1;
    struct radial_bins bins;
    assert_int_equal(
        radial_bins_init(&bins, how, bad, shape.height, shape.width, RADIAL_MAX_BINS, NULL), 0);
    void *const image = frame_create(&format);
    for (int content = 0; content < N_FILLS_HERE; content++) {
        fill(image, &format, content, shape.width + (uint64_t)content);
        for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
            check(&bins, &format, image, isa, false);
            if (radial_kernels_need_tiles(isa))
                check(&bins, &format, image, isa, true);
        }
    }
    frame_destroy(image, &format);
    radial_bins_finish(&bins);
    free(bad);
}

static void rings_are_summed_exactly(void **state)
{
    for (size_t shape = 0; shape < COUNT(shapes); shape++) {
        for (size_t how = 0; how < COUNT(settings); how++) {
            for (uint32_t size = 1; size <= 4; size *= 2)
                check_shape(shapes[shape], &settings[how], size);
        }
    }
}

/* One bin of more than 66051 bytes of full scale: halves of 64 bits would overflow. */
static void a_bin_of_a_large_frame_does_not_overflow(void **state)
{
    const struct pixel_format format = frame_format(300, 300, 1);
    const struct radial_settings one_bin = {.bin_width = 1000};
    struct radial_bins bins;
    assert_int_equal(radial_bins_init(&bins, &one_bin, NULL, 300, 300, RADIAL_MAX_BINS, NULL), 0);
    void *const image = frame_create(&format);
    frame_fill(image, &format, FILL_FULL_SCALE, 0);
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++)
        check(&bins, &format, image, isa, radial_kernels_need_tiles(isa));
    frame_destroy(image, &format);
    radial_bins_finish(&bins);
}

/* Each pixel with a bin is in exactly one step or loose. */
static void a_plan_takes_every_pixel_once(void **state)
{
    const struct radial_settings how = {.ellipse_ratio = 1.1, .ellipse_angle = 20};
    struct radial_bins bins;
    struct radial_plan plan;
    assert_int_equal(radial_bins_init(&bins, &how, NULL, 150, 200, RADIAL_MAX_BINS, NULL), 0);
    assert_int_equal(radial_plan_init(&plan, &bins, true), 0);
    size_t n = plan.n_loose;
    for (size_t step = 0; step < plan.n_steps; step++)
        n += (size_t)__builtin_popcountll(plan.lanes[step]);
    assert_int_equal(n, 150 * 200);
    for (size_t strip = 0; strip < plan.n_strips; strip++)
        assert_in_range(plan.strips[strip].n_steps, 1, RADIAL_STRIP_MAX_STEPS);
    radial_plan_finish(&plan);
    radial_bins_finish(&bins);
}

static void each_instruction_set_has_its_own_kernels(void **state)
{
    assert_null(radial_kernels_for(CPU_ISA_PLAIN, 3));
    assert_ptr_equal(radial_kernels_for(CPU_ISA_PLAIN, 2), &radial_kernels_plain[1]);
#if defined(__x86_64__)
    assert_ptr_equal(radial_kernels_for(CPU_ISA_AVX2, 4), &radial_kernels_avx2[2]);
    assert_ptr_equal(radial_kernels_for(CPU_ISA_AVX512, 1), &radial_kernels_avx512[0]);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rings_are_summed_exactly),
        cmocka_unit_test(a_bin_of_a_large_frame_does_not_overflow),
        cmocka_unit_test(a_plan_takes_every_pixel_once),
        cmocka_unit_test(each_instruction_set_has_its_own_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
