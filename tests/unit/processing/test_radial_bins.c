#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "processing/pixels/radial_bins.h"

static struct radial_bins made(const struct radial_settings *settings, const uint8_t *bad,
                               uint32_t height, uint32_t width)
{
    struct radial_bins bins;
    struct error error = {0};
    assert_int_equal(radial_bins_init(&bins, settings, bad, height, width, RADIAL_MAX_BINS, &error),
                     0);
    return bins;
}

static void a_bin_is_a_pixel_wide_around_the_centre_of_the_frame(void **state)
{
    struct radial_bins bins = made(&(struct radial_settings){0}, NULL, 7, 10);
    for (uint32_t y = 0; y < 7; y++) {
        for (uint32_t x = 0; x < 10; x++)
            assert_int_equal(bins.bin_of[y * 10 + x], (int)hypot(y - 3.0, x - 4.5));
    }
    assert_int_equal(bins.n_bins, 6); /* the corner is sqrt(9 + 20.25) = 5.4 away */
    radial_bins_finish(&bins);
}

static void edges_belong_to_the_outer_bin(void **state)
{
    const struct radial_settings settings = {.centre_given = true, .bin_width = 2.5};
    struct radial_bins bins = made(&settings, NULL, 1, 11);
    static const uint16_t expected[] = {0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4};
    assert_memory_equal(bins.bin_of, expected, sizeof expected);
    radial_bins_finish(&bins);
}

static void areas_count_good_pixels(void **state)
{
    uint8_t bad[64] = {0};
    bad[3] = bad[27] = bad[63] = 1;
    const struct radial_settings settings = {.n_bins = 4};
    struct radial_bins bins = made(&settings, bad, 8, 8);
    uint64_t areas[4] = {0}, largest = 0;
    for (uint32_t i = 0; i < 64; i++) {
        const uint32_t y = i / 8, x = i % 8;
        const double radius = hypot(y - 3.5, x - 3.5);
        if (radius < 4 && !bad[i])
            areas[(int)radius]++;
        assert_int_equal(bins.bin_of[i], radius < 4 && !bad[i] ? (int)radius : 4);
    }
    for (uint32_t bin = 0; bin < 4; bin++)
        largest = areas[bin] > largest ? areas[bin] : largest;
    assert_memory_equal(bins.areas, areas, sizeof areas);
    assert_int_equal(bins.largest_area, largest);
    radial_bins_finish(&bins);
}

/* Points of an ellipse have the radius of the circle with its area. */
static void an_ellipse_has_one_radius(void **state)
{
    const double a = 60, b = 50, angle = 30 * M_PI / 180;
    const struct radial_settings settings = {.centre_given = true,
                                             .centre_y = 11,
                                             .centre_x = -7,
                                             .ellipse_ratio = a / b,
                                             .ellipse_angle = 30,
                                             .bin_width = 1};
    for (int i = 0; i < 36; i++) {
        const double u = a * cos(i * M_PI / 18), v = b * sin(i * M_PI / 18);
        const double x = -7 + u * cos(angle) - v * sin(angle);
        const double y = 11 + u * sin(angle) + v * cos(angle);
        assert_true(fabs(radial_radius(&settings, y, x) - sqrt(a * b)) < 1e-9);
    }
}

/* The long axis at 90 degrees lies along y: the far ends of the y axis are nearer. */
static void the_long_axis_turns_from_x_towards_y(void **state)
{
    const struct radial_settings at_45 = {.ellipse_ratio = 2, .ellipse_angle = 45};
    assert_true(radial_radius(&at_45, 1, 1) < 1.01);  /* sqrt(2) / sqrt(2) */
    assert_true(radial_radius(&at_45, 1, -1) > 1.99); /* sqrt(2) * sqrt(2) */
    const struct radial_settings at_90 = {.ellipse_ratio = 4, .ellipse_angle = 90};
    assert_true(fabs(radial_radius(&at_90, 4, 0) - 2) < 1e-12);
    assert_true(fabs(radial_radius(&at_90, 0, 4) - 8) < 1e-12);
}

static void bins_beyond_the_limit_are_cut_or_refused(void **state)
{
    const struct radial_settings fine = {.bin_width = 0.01};
    struct radial_bins bins;
    assert_int_equal(radial_bins_init(&bins, &fine, NULL, 64, 64, 100, NULL), 0);
    assert_int_equal(bins.n_bins, 100);
    radial_bins_finish(&bins);
    struct error error = {0};
    const struct radial_settings many = {.n_bins = 101};
    assert_int_equal(radial_bins_init(&bins, &many, NULL, 64, 64, 100, &error), -EINVAL);
    assert_non_null(strstr(error.text, "101"));
}

static void nonsense_is_refused(void **state)
{
    static const struct radial_settings wrong[] = {
        {.centre_given = true, .centre_y = NAN},
        {.centre_given = true, .centre_x = INFINITY},
        {.ellipse_ratio = 0.9},
        {.ellipse_ratio = NAN},
        {.ellipse_ratio = 1e9},
        {.ellipse_angle = INFINITY},
        {.bin_width = -1},
        {.bin_width = NAN},
        {.bin_width = INFINITY},
        {.bin_width = 1e-9},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct radial_bins bins;
        struct error error = {0};
        assert_int_equal(radial_bins_init(&bins, &wrong[i], NULL, 8, 8, 64, &error), -EINVAL);
        assert_string_not_equal(error.text, "");
        radial_bins_finish(&bins);
    }
}

static void a_centre_far_outside_leaves_no_pixel_in_a_bin(void **state)
{
    const struct radial_settings settings = {
        .centre_given = true, .centre_y = 1e30, .centre_x = -1e30};
    struct radial_bins bins = made(&settings, NULL, 9, 9);
    assert_int_equal(bins.n_bins, RADIAL_MAX_BINS);
    for (size_t i = 0; i < 81; i++)
        assert_int_equal(bins.bin_of[i], RADIAL_MAX_BINS);
    assert_int_equal(bins.largest_area, 0);
    radial_bins_finish(&bins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bin_is_a_pixel_wide_around_the_centre_of_the_frame),
        cmocka_unit_test(edges_belong_to_the_outer_bin),
        cmocka_unit_test(areas_count_good_pixels),
        cmocka_unit_test(an_ellipse_has_one_radius),
        cmocka_unit_test(the_long_axis_turns_from_x_towards_y),
        cmocka_unit_test(bins_beyond_the_limit_are_cut_or_refused),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(a_centre_far_outside_leaves_no_pixel_in_a_bin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
