#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "processing/kernels/kernels_saturation.h"
#include "processing/products/product.h"
#include "processing/tables/frame_table.h"
#include "tests/unit/processing/frames.h"

/* Also more pixels at full scale than a lane of a byte can count. */
static const uint32_t widths[] = {1, 5, 63, 64, 1000, 4099, 64 * 300};

static void check(const struct pixel_format *format, const void *image, uint32_t full,
                  enum cpu_isa isa)
{
    const struct saturation_kernels *const kernels =
        saturation_kernels_for(isa, format->pixel_size);
    uint32_t *const counts = calloc(format->width, sizeof *counts);
    uint64_t expected = 0;
    assert_non_null(counts);
    for (int i = 0; i < 2; i++)
        kernels->add(counts, image, format->width, full);
    for (size_t i = 0; i < format->width; i++) {
        const bool there = frame_pixel(image, i, format->pixel_size) >= full;
        assert_int_equal(counts[i], 2 * there);
        expected += there;
    }
    assert_int_equal(kernels->count(image, format->width, full), expected);
    free(counts);
}

static void pixels_at_full_scale_are_counted_by_every_kernel(void **state)
{
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        for (uint32_t size = 1; size <= 4; size *= 2) {
            const struct pixel_format format = frame_format(1, widths[w], size);
            void *const image = frame_create(&format);
            const uint32_t scales[] = {1, 63, (uint32_t)(UINT64_MAX >> (64 - 8 * size))};
            for (enum fill fill = 0; fill < N_FILLS; fill++) {
                frame_fill(image, &format, fill, 1);
                for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
                    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++)
                        check(&format, image, scales[i], isa);
                }
            }
            frame_destroy(image, &format);
        }
    }
}

static void each_instruction_set_has_its_own_kernels(void **state)
{
    assert_null(saturation_kernels_for(CPU_ISA_PLAIN, 8));
    assert_ptr_equal(saturation_kernels_for(CPU_ISA_PLAIN, 1), &saturation_kernels_plain[0]);
#if defined(__x86_64__)
    assert_ptr_equal(saturation_kernels_for(CPU_ISA_AVX2, 2), &saturation_kernels_avx2[1]);
    assert_ptr_equal(saturation_kernels_for(CPU_ISA_AVX512, 4), &saturation_kernels_avx512[2]);
#endif
}

/* 12 bits in 16: 4095 is the end, 4094 is not. */
static void a_frame_tells_its_pixels_and_a_pixel_its_frames(void **state)
{
    struct pixel_format format = frame_format(2, 3, 2);
    format.counter_depth = 12;
    const uint16_t images[3][6] = {
        {4094, 0, 4095, 1, 2, 4095}, {0, 0, 4095, 0, 0, 0}, {4094, 0, 0, 1, 2, 3}};
    const uint64_t of_frame[3] = {2, 1, 0}, of_pixel[6] = {0, 0, 2, 0, 0, 1};
    struct product product = {0};
    uint64_t column, value, values[6];
    assert_int_equal(saturation_prepare(&product, &format, cpu_isa_best(), NULL), 0);
    assert_int_equal(product.flag, FRAME_FLAG_SATURATED);
    assert_string_equal(product.maps[0].name, "saturated");
    assert_non_null(strstr(product.maps[0].description, "4095"));
    void *const own = product_accumulator_create(product.accumulator_size);
    void *const all = product_accumulator_create(product.accumulator_size);
    for (unsigned i = 0; i < 3; i++) {
        struct frame frame = {.image = images[i]};
        product.class->frame(&product, &frame, &column);
        product.class->map_value(&product, 0, &column, &value);
        assert_int_equal(value, of_frame[i]);
        product.class->accumulate(&product, i, &frame, &column, own);
    }
    product.class->merge(&product, all, own);
    product.class->array(&product, 0, all, values);
    assert_memory_equal(values, of_pixel, sizeof values);
    free(own);
    free(all);
    product.class->finish(&product);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_at_full_scale_are_counted_by_every_kernel),
        cmocka_unit_test(each_instruction_set_has_its_own_kernels),
        cmocka_unit_test(a_frame_tells_its_pixels_and_a_pixel_its_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
