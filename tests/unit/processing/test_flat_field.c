#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processing/analysis/flat_field.h"
#include "tests/unit/processing/numbers.h"

enum { HEIGHT = 24, WIDTH = 40, N = HEIGHT * WIDTH };

static double counts[N];
static float gain[N];

static void light_evenly(double mean)
{
    for (int i = 0; i < N; i++)
        counts[i] = mean;
}

static struct flat_field measure(double overdispersion)
{
    struct flat_field field;
    struct error error = {0};
    assert_int_equal(
        flat_field_measure(gain, &field, counts, HEIGHT, WIDTH, overdispersion, &error), 0);
    return field;
}

static int refusal(struct error *error)
{
    struct flat_field field;
    return flat_field_measure(gain, &field, counts, HEIGHT, WIDTH, 1, error);
}

static void the_gain_makes_all_pixels_count_alike(void **state)
{
    double sum = 0;
    for (int i = 0; i < N; i++) {
        counts[i] = 1000 + 7 * (i % 13);
        sum += counts[i];
    }
    const struct flat_field field = measure(1);
    assert_int_equal(field.n_good, N);
    assert_near(field.mean, sum / N, 1e-9);
    assert_near(field.least, sum / N / 1084, 1e-12);
    assert_near(field.most, sum / N / 1000, 1e-12);
    for (int i = 0; i < N; i++)
        assert_near(counts[i] * (double)gain[i], field.mean, 1e-4);
}

static void bad_pixels_have_gain_1_and_no_part_in_the_mean(void **state)
{
    light_evenly(2000);
    counts[5] = counts[N - 1] = NAN;
    counts[77] = 1000;
    const struct flat_field field = measure(1);
    assert_int_equal(field.n_good, N - 2);
    assert_near(field.mean, (2000.0 * (N - 3) + 1000) / (N - 2), 1e-9);
    assert_true(gain[5] == 1 && gain[N - 1] == 1);
    assert_near((double)gain[77], field.mean / 1000, 1e-6);
}

/* What counting alone makes, F = 1 and 2, is what an even detector is found to have. */
static void the_spread_of_an_even_detector_is_the_noise_of_counting(void **state)
{
    for (int overdispersion = 1; overdispersion <= 2; overdispersion++) {
        struct random_numbers random = {11};
        for (int i = 0; i < N; i++)
            counts[i] = overdispersion * random_poisson(&random, 10000.0 / overdispersion);
        const struct flat_field field = measure(overdispersion);
        assert_near(field.noise, sqrt(overdispersion / 10000.0), 1e-4);
        assert_near(field.spread, field.noise, 4 * field.noise / sqrt(2.0 * N));
    }
}

static void too_few_counts_are_refused_with_the_noise_that_they_would_make(void **state)
{
    struct error error = {0};
    light_evenly(FLAT_FIELD_COUNTS - 1);
    assert_int_equal(refusal(&error), -ENODATA);
    assert_non_null(strstr(error.text, "noisy by 5 %"));
    light_evenly(0);
    assert_int_equal(refusal(&error), -ENODATA);
    for (int i = 0; i < N; i++)
        counts[i] = NAN; /* none is good */
    assert_int_equal(refusal(&error), -ENODATA);
    light_evenly(FLAT_FIELD_COUNTS);
    assert_int_equal(refusal(&error), 0);
}

static void a_pixel_that_hardly_counts_is_named_and_is_no_matter_of_gain(void **state)
{
    static const double wrong[] = {0, 200, 5000};
    for (unsigned i = 0; i < 3; i++) {
        struct error error = {0};
        light_evenly(1000);
        counts[3 * WIDTH + 31] = wrong[i];
        assert_int_equal(refusal(&error), -EDOM);
        assert_non_null(strstr(error.text, "(3, 31)"));
        counts[3 * WIDTH + 31] = NAN;
        assert_int_equal(refusal(&error), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gain_makes_all_pixels_count_alike),
        cmocka_unit_test(bad_pixels_have_gain_1_and_no_part_in_the_mean),
        cmocka_unit_test(the_spread_of_an_even_detector_is_the_noise_of_counting),
        cmocka_unit_test(too_few_counts_are_refused_with_the_noise_that_they_would_make),
        cmocka_unit_test(a_pixel_that_hardly_counts_is_named_and_is_no_matter_of_gain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
