#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "processing/kernels/kernels_squares.h"
#include "tests/unit/processing/frames.h"

static const uint32_t widths[] = {1, 5, 63, 64, 1000, 4099};

static uint64_t element(const void *array, size_t i, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)array + i * size, size);
    return value;
}

static void check_maximum(const struct pixel_format *format, const void *a, const void *b,
                          enum cpu_isa isa)
{
    const uint32_t size = format->pixel_size;
    void *const maximum = malloc(format->image_size);
    assert_non_null(maximum);
    memcpy(maximum, a, format->image_size);
    square_kernels_for(isa, size)->maximum(maximum, b, format->width);
    for (size_t i = 0; i < format->width; i++) {
        const uint64_t of_a = frame_pixel(a, i, size), of_b = frame_pixel(b, i, size);
        assert_int_equal(frame_pixel(maximum, i, size), of_a > of_b ? of_a : of_b);
    }
    free(maximum);
}

/* Twice, so that they are added and not set. */
static void check_accumulate(const struct pixel_format *format, const void *image, enum cpu_isa isa)
{
    const uint32_t size = format->pixel_size, n = format->width;
    void *const sums = calloc(n, (size_t)2 * size), *const pairs = calloc(n, (size_t)4 * size);
    assert_true(sums && pairs);
    for (int i = 0; i < 2; i++)
        square_kernels_for(isa, size)->accumulate(sums, pairs, image, n);
    for (size_t i = 0; i < n; i++) {
        const uint64_t counts = frame_pixel(image, i, size), pair = counts * counts - counts;
        assert_int_equal(element(sums, i, (size_t)2 * size), 2 * counts);
        if (size < 4) {
            assert_int_equal(element(pairs, i, (size_t)4 * size), 2 * pair);
            continue;
        }
        assert_int_equal(((uint64_t *)pairs)[i], 2 * (pair & UINT32_MAX));
        assert_int_equal(((uint64_t *)pairs)[n + i], 2 * (pair >> 32));
    }
    free(sums);
    free(pairs);
}

static void every_pixel_is_treated_for_itself(void **state)
{
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        for (uint32_t size = 1; size <= 4; size *= 2) {
            const struct pixel_format format = frame_format(1, widths[w], size);
            void *const a = frame_create(&format), *const b = frame_create(&format);
            for (enum fill fill = 0; fill < N_FILLS; fill++) {
                frame_fill(a, &format, fill, 1);
                frame_fill(b, &format, FILL_RANDOM, 2);
                for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
                    check_maximum(&format, a, b, isa);
                    check_accumulate(&format, a, isa);
                }
            }
            frame_destroy(a, &format);
            frame_destroy(b, &format);
        }
    }
}

static void each_instruction_set_has_its_own_kernels(void **state)
{
    assert_null(square_kernels_for(CPU_ISA_PLAIN, 8));
    assert_ptr_equal(square_kernels_for(CPU_ISA_PLAIN, 1), &square_kernels_plain[0]);
#if defined(__x86_64__)
    assert_ptr_equal(square_kernels_for(CPU_ISA_AVX2, 2), &square_kernels_avx2[1]);
    assert_ptr_equal(square_kernels_for(CPU_ISA_AVX512, 4), &square_kernels_avx512[2]);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel_is_treated_for_itself),
        cmocka_unit_test(each_instruction_set_has_its_own_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
