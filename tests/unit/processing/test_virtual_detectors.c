#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "processing/product.h"
#include "tests/unit/processing/frames.h"

static const struct virtual_detector_settings detectors[] = {
    {"bright_field", VIRTUAL_DETECTOR_DISK, .outer = 12.5},
    {"point", VIRTUAL_DETECTOR_DISK, 3, 4, true, .outer = 0},
    {"ring-1", VIRTUAL_DETECTOR_ANNULUS, 20.25, 30.75, true, .inner = 5, .outer = 10},
    {"corner", VIRTUAL_DETECTOR_ANNULUS, -3, -2, true, .inner = 4, .outer = 15},
    {"outside", VIRTUAL_DETECTOR_DISK, 5000, 5000, true, .outer = 100},
    {"everything", VIRTUAL_DETECTOR_DISK, 0, 0, true, .outer = 1e6},
};
#define N_DETECTORS (sizeof detectors / sizeof detectors[0])

static uint64_t expected_counts(const struct pixel_format *format, const void *image,
                                const struct virtual_detector_settings *detector)
{
    const double centre_y = detector->centre_given ? detector->centre_y : (format->height - 1) / 2.;
    const double centre_x = detector->centre_given ? detector->centre_x : (format->width - 1) / 2.;
    uint64_t sum = 0;
    for (uint32_t y = 0; y < format->height; y++) {
        for (uint32_t x = 0; x < format->width; x++) {
            const double dy = y - centre_y, dx = x - centre_x;
            const double squared = dy * dy + dx * dx;
            if (detector->inner * detector->inner <= squared &&
                squared <= detector->outer * detector->outer)
                sum += frame_pixel(image, (size_t)y * format->width + x, format->pixel_size);
        }
    }
    return sum;
}

static void check_frame(const struct pixel_format *format, enum cpu_isa isa, enum fill fill)
{
    struct product product = {0};
    struct error error = {0};
    assert_int_equal(
        virtual_detectors_prepare(&product, detectors, N_DETECTORS, format, isa, &error), 0);
    assert_int_equal(product.n_columns, N_DETECTORS);
    assert_int_equal(product.n_maps, N_DETECTORS);
    void *const image = frame_create(format);
    frame_fill(image, format, fill, 5);
    uint64_t columns[N_DETECTORS];
    product.class->frame(&product, image, columns, NULL);
    for (unsigned i = 0; i < N_DETECTORS; i++) {
        uint64_t value = 0;
        product.class->map_value(&product, i, columns, &value);
        assert_int_equal(value, expected_counts(format, image, &detectors[i]));
    }
    frame_destroy(image, format);
    product.class->finish(&product);
}

static void maps_are_the_sums_over_their_pixels(void **state)
{
    static const uint32_t shapes[][2] = {{64, 64}, {31, 257}, {256, 256}, {515, 515}};
    for (size_t shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++) {
        for (uint32_t size = 1; size <= 4; size *= 2) {
            const struct pixel_format format =
                frame_format(shapes[shape][0], shapes[shape][1], size);
            for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
                for (enum fill fill = 0; fill < N_FILLS; fill++)
                    check_frame(&format, isa, fill);
            }
        }
    }
}

static void maps_say_what_they_are(void **state)
{
    const struct pixel_format format = frame_format(256, 256, 1);
    struct product product = {0};
    assert_int_equal(
        virtual_detectors_prepare(&product, detectors, N_DETECTORS, &format, CPU_ISA_PLAIN, NULL),
        0);
    assert_string_equal(product.maps[0].name, "bright_field");
    assert_string_equal(product.maps[0].units, "counts");
    assert_int_equal(product.maps[0].dtype, MAP_DTYPE_U64);
    assert_string_equal(
        product.maps[0].description,
        "sum of counts in the disk of radius 12.5 px around (y, x) = (127.5, 127.5)");
    assert_string_equal(
        product.maps[2].description,
        "sum of counts in the annulus from 5 to 10 px around (y, x) = (20.25, 30.75)");
    product.class->finish(&product);
}

static void no_detectors_is_no_error(void **state)
{
    const struct pixel_format format = frame_format(8, 8, 1);
    struct product product = {0};
    assert_int_equal(virtual_detectors_prepare(&product, NULL, 0, &format, CPU_ISA_PLAIN, NULL), 0);
    assert_int_equal(product.n_columns, 0);
    assert_int_equal(product.n_maps, 0);
    product.class->finish(&product);
}

static void refused(struct virtual_detector_settings bad, int code, const char *word)
{
    const struct pixel_format format = frame_format(16, 16, 2);
    const struct virtual_detector_settings both[] = {detectors[0], bad};
    struct product product = {0};
    struct error error = {0};
    assert_int_equal(virtual_detectors_prepare(&product, both, 2, &format, CPU_ISA_PLAIN, &error),
                     code);
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.text, bad.name));
    assert_non_null(strstr(error.text, word));
}

static void radii_and_centres_that_mean_nothing_are_refused_by_name(void **state)
{
    refused((struct virtual_detector_settings){"bad", .outer = -1}, -EINVAL, "radius -1");
    refused((struct virtual_detector_settings){"bad", .outer = NAN}, -EINVAL, "radius");
    refused((struct virtual_detector_settings){"bad", .outer = INFINITY}, -EINVAL, "radius inf");
    refused((struct virtual_detector_settings){"bad", VIRTUAL_DETECTOR_ANNULUS, .inner = -2,
                                               .outer = 3},
            -EINVAL, "inner radius -2");
    refused((struct virtual_detector_settings){"bad", VIRTUAL_DETECTOR_ANNULUS, .inner = NAN,
                                               .outer = 3},
            -EINVAL, "inner radius");
    refused(
        (struct virtual_detector_settings){"bad", VIRTUAL_DETECTOR_ANNULUS, .inner = 4, .outer = 3},
        -EINVAL, "larger than outer");
    refused(
        (struct virtual_detector_settings){"bad", VIRTUAL_DETECTOR_DISK, NAN, 0, true, .outer = 3},
        -EINVAL, "centre");
}

static void pixels_of_other_sizes_are_refused(void **state)
{
    const struct pixel_format format = frame_format(16, 16, 8);
    struct product product = {0};
    struct error error = {0};
    assert_int_equal(
        virtual_detectors_prepare(&product, detectors, N_DETECTORS, &format, CPU_ISA_PLAIN, &error),
        -ENOTSUP);
    assert_non_null(strstr(error.text, "8 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_the_sums_over_their_pixels),
        cmocka_unit_test(maps_say_what_they_are),
        cmocka_unit_test(no_detectors_is_no_error),
        cmocka_unit_test(radii_and_centres_that_mean_nothing_are_refused_by_name),
        cmocka_unit_test(pixels_of_other_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
