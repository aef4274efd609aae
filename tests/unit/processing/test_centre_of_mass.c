#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "processing/products/product.h"
#include "tests/unit/processing/frames.h"

struct centre {
    double y, x;
};

static struct product prepared(const struct pixel_format *format, enum cpu_isa isa)
{
    struct product product = {0};
    struct error error = {0};
    assert_int_equal(centre_of_mass_prepare(&product, format, isa, &error), 0);
    assert_int_equal(product.n_columns, 3);
    assert_int_equal(product.n_maps, 2);
    return product;
}

static struct centre measured(const struct product *product, const void *image)
{
    uint64_t columns[3];
    struct centre centre = {0};
    product->class->frame(product, &(struct frame){.image = image}, columns);
    product->class->map_value(product, 0, columns, &centre.y);
    product->class->map_value(product, 1, columns, &centre.x);
    return centre;
}

static struct centre expected(const struct pixel_format *format, const void *image)
{
    uint64_t sum = 0, sum_y = 0, sum_x = 0;
    for (uint64_t y = 0; y < format->height; y++) {
        for (uint64_t x = 0; x < format->width; x++) {
            const uint64_t n = frame_pixel(image, y * format->width + x, format->pixel_size);
            sum += n;
            sum_y += y * n;
            sum_x += x * n;
        }
    }
    return (struct centre){(double)sum_y / (double)sum, (double)sum_x / (double)sum};
}

static void check_shape(uint32_t height, uint32_t width, uint32_t pixel_size, enum cpu_isa isa)
{
    const struct pixel_format format = frame_format(height, width, pixel_size);
    struct product product = prepared(&format, isa);
    void *const image = frame_create(&format);
    for (enum fill fill = FILL_FULL_SCALE; fill < N_FILLS; fill++) {
        frame_fill(image, &format, fill, 3);
        const struct centre centre = measured(&product, image), truth = expected(&format, image);
        assert_true(centre.y == truth.y && centre.x == truth.x);
    }
    frame_destroy(image, &format);
    product.class->finish(&product);
}

static void the_centre_is_that_of_the_double_loop(void **state)
{
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
        for (uint32_t size = 1; size <= 4; size *= 2) {
            check_shape(257, 31, size, isa);
            check_shape(256, 256, size, isa);
            check_shape(514, 515, size, isa);
        }
    }
}

static void a_single_count_is_where_it_is(void **state)
{
    const struct pixel_format format = frame_format(100, 300, 1);
    struct product product = prepared(&format, cpu_isa_best());
    uint8_t *const image = frame_create(&format);
    image[42 * 300 + 271] = 1;
    const struct centre centre = measured(&product, image);
    assert_true(centre.y == 42 && centre.x == 271);
    assert_string_equal(product.maps[0].name, "com_y");
    assert_string_equal(product.maps[1].name, "com_x");
    assert_int_equal(product.maps[0].dtype, MAP_DTYPE_F64);
    frame_destroy(image, &format);
    product.class->finish(&product);
}

static void a_frame_without_counts_has_no_centre(void **state)
{
    const struct pixel_format format = frame_format(64, 64, 2);
    struct product product = prepared(&format, cpu_isa_best());
    void *const image = frame_create(&format);
    const struct centre centre = measured(&product, image);
    assert_true(isnan(centre.y) && isnan(centre.x));
    frame_destroy(image, &format);
    product.class->finish(&product);
}

static void frames_whose_sums_could_overflow_are_refused(void **state)
{
    struct product product = {0};
    struct error error = {0};
    const struct pixel_format largest = frame_format(1024, 1024, 4),
                              larger = frame_format(4096, 4096, 4);
    assert_int_equal(centre_of_mass_prepare(&product, &larger, CPU_ISA_PLAIN, &error), -EOVERFLOW);
    assert_non_null(strstr(error.text, "4096"));
    assert_int_equal(centre_of_mass_prepare(&product, &largest, CPU_ISA_PLAIN, &error), 0);
    product.class->finish(&product);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_centre_is_that_of_the_double_loop),
        cmocka_unit_test(a_single_count_is_where_it_is),
        cmocka_unit_test(a_frame_without_counts_has_no_centre),
        cmocka_unit_test(frames_whose_sums_could_overflow_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
