#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processing/analysis/map_profile.h"
#include "tests/unit/processing/numbers.h"

enum { NY = 64, NX = 96, N = NY * NX };

/* value = 100 row + column, so that a value tells its place. */
static const double *place_map(void)
{
    static double map[N];
    for (unsigned i = 0; i < N; i++)
        map[i] = 100.0 * (i / NX) + i % NX;
    return map;
}

static struct map_profile profile_of(const double *map, const struct map_line *line)
{
    struct map_profile profile;
    assert_int_equal(map_profile_init(&profile, line, map, NY, NX, NULL), 0);
    return profile;
}

static void a_line_along_a_row_is_that_row(void **state)
{
    for (unsigned sampling = 0; sampling < 2; sampling++) {
        const struct map_line line = {5, 3, 5, 90, 1, sampling};
        struct map_profile profile = profile_of(place_map(), &line);
        assert_int_equal(profile.n, 88);
        assert_near(profile.spacing, 1, 1e-15);
        for (unsigned i = 0; i < profile.n; i++) {
            assert_near(profile.values[i], 503 + i, 1e-10);
            assert_int_equal(profile.counts[i], 1);
            assert_true(isnan(profile.errors[i]));
        }
        map_profile_finish(&profile);
    }
}

static void the_width_lies_across_the_line(void **state)
{
    /* Down a column, width 4: columns 8.5 to 11.5 around 10. */
    const struct map_line line = {2, 10, 60, 10, 4, MAP_SAMPLING_BILINEAR};
    struct map_profile profile = profile_of(place_map(), &line);
    assert_int_equal(profile.n, 59);
    for (unsigned i = 0; i < profile.n; i++) {
        assert_near(profile.values[i], 100.0 * (2 + i) + 10, 1e-9);
        assert_int_equal(profile.counts[i], 4);
        /* sd of -1.5, -0.5, 0.5, 1.5 over sqrt(4) */
        assert_near(profile.errors[i], sqrt(5.0 / 3) / 2, 1e-9);
    }
    map_profile_finish(&profile);
}

static void between_positions_the_sampling_decides(void **state)
{
    struct map_line line = {1.25, 2, 1.25, 12, 1, MAP_SAMPLING_BILINEAR};
    struct map_profile profile = profile_of(place_map(), &line);
    assert_near(profile.values[3], 125 + 5, 1e-9);
    map_profile_finish(&profile);
    line.sampling = MAP_SAMPLING_NEAREST;
    profile = profile_of(place_map(), &line);
    assert_near(profile.values[3], 100 + 5, 1e-9);
    map_profile_finish(&profile);
    line.from_y = line.to_y = 1.75;
    profile = profile_of(place_map(), &line);
    assert_near(profile.values[3], 200 + 5, 1e-9);
    map_profile_finish(&profile);
}

static void an_oblique_line_ends_where_it_should(void **state)
{
    const struct map_line line = {10, 20, 40, 60, 5, MAP_SAMPLING_BILINEAR};
    struct map_profile profile = profile_of(place_map(), &line);
    assert_int_equal(profile.n, 51);
    assert_near(profile.values[0], 1020, 1e-9);
    assert_near(profile.values[50], 4060, 1e-9);
    assert_near(profile.values[10], 1000 + 600 + 20 + 8, 1e-9);
    map_profile_finish(&profile);
    const struct map_line uneven = {10, 20, 10, 22.5, 1, MAP_SAMPLING_BILINEAR};
    profile = profile_of(place_map(), &uneven);
    assert_int_equal(profile.n, 4);
    assert_near(profile.spacing, 2.5 / 3, 1e-12);
    assert_near(profile.values[3], 1022.5, 1e-9);
    map_profile_finish(&profile);
}

static void what_was_not_measured_is_left_out(void **state)
{
    static double map[N];
    memcpy(map, place_map(), sizeof map);
    map[5 * NX + 50] = NAN;
    for (unsigned x = 0; x < NX; x++)
        map[6 * NX + x] = NAN;
    const struct map_line line = {4, -2, 4, 97, 5, MAP_SAMPLING_NEAREST};
    struct map_profile profile = profile_of(map, &line);
    assert_int_equal(profile.n, 100);
    assert_true(isnan(profile.values[0]));
    assert_int_equal(profile.counts[1], 0);
    assert_int_equal(profile.counts[2], 4); /* rows 2 to 6, row 6 missing */
    assert_near(profile.values[2], 350, 1e-9);
    assert_int_equal(profile.counts[52], 3);
    assert_near(profile.values[52], 300 + 50, 1e-9);
    assert_int_equal(profile.counts[98], 0);
    map_profile_finish(&profile);
    /* Bilinear on a whole row does not touch the row below. */
    const struct map_line row = {5, 0, 5, 95, 1, MAP_SAMPLING_BILINEAR};
    profile = profile_of(map, &row);
    for (unsigned i = 0; i < profile.n; i++)
        assert_true(i == 50 ? isnan(profile.values[i]) : profile.values[i] == 500 + i);
    map_profile_finish(&profile);
}

static void lines_without_length_are_refused(void **state)
{
    static const struct map_line wrong[] = {
        {1, 1, 1, 1, 1, 0}, {1, 1, NAN, 1, 1, 0}, {0, 0, 1e9, 0, 1, 0}, {0, 0, 9, 0, NAN, 0}};
    for (unsigned i = 0; i < 4; i++) {
        struct map_profile profile;
        assert_int_equal(map_profile_init(&profile, &wrong[i], place_map(), NY, NX, NULL), -EINVAL);
    }
}

enum { LENGTH = 240 };

static void a_clean_wave_gives_its_period_exactly(void **state)
{
    double values[LENGTH];
    struct profile_period period;
    for (unsigned i = 0; i < LENGTH; i++)
        values[i] = 1000 + 0.7 * i + 5 * cos(2 * M_PI * i / 17.3 - 0.4);
    values[30] = values[31] = values[200] = NAN;
    assert_int_equal(profile_period_find(&period, values, LENGTH, 0.25, NULL), 0);
    assert_near(period.period, 17.3 * 0.25, 1e-6);
    assert_near(period.amplitude, 5, 1e-5);
    assert_near(period.phase, 0.4 * 180 / M_PI, 1e-3);
    assert_near(period.explained, 1, 1e-9);
    assert_true(period.error < 1e-5);
}

/* Layers of 5 nm at 0.4 nm per position: square, on a ramp, with noise as strong as they are. */
static void fill_layers(double *values, double period, double noise, uint64_t seed)
{
    struct random_numbers random = {seed};
    const double start = random_uniform(&random);
    for (unsigned i = 0; i < LENGTH; i++) {
        const double place = i * 0.4 / period + start;
        values[i] = 20 + 0.02 * i + (place - floor(place) < 0.5) + noise * random_gaussian(&random);
    }
}

static void the_error_of_the_period_is_what_many_profiles_show(void **state)
{
    enum { N_PROFILES = 100 };
    double values[LENGTH], squares = 0, sum = 0, errors = 0;
    for (unsigned i = 0; i < N_PROFILES; i++) {
        struct profile_period period;
        fill_layers(values, 5, 0.6, 1000 + i);
        assert_int_equal(profile_period_find(&period, values, LENGTH, 0.4, NULL), 0);
        squares += pow((period.period - 5) / period.error, 2) / N_PROFILES;
        sum += (period.period - 5) / N_PROFILES;
        errors += period.error / N_PROFILES;
    }
    print_message("period 5 nm: mean error %.4f, mean of the deviations %.4f, pull %.2f\n", errors,
                  sum, sqrt(squares));
    assert_near(sqrt(squares), 1, 0.25);
    assert_near(sum, 0, 4 * errors / sqrt(N_PROFILES));
    assert_true(errors < 0.04);
}

/* Layers whose thickness varies by a tenth at random: the error must grow with it. */
static void uneven_layers_have_a_larger_error(void **state)
{
    enum { N_PROFILES = 60 };
    double values[LENGTH], squares = 0;
    struct random_numbers random = {77};
    for (unsigned n = 0; n < N_PROFILES; n++) {
        struct profile_period period;
        double border = 0;
        unsigned layer = 0;
        for (unsigned i = 0; i < LENGTH; i++) {
            while (border <= i) {
                border += 6.25 * (1 + 0.1 * random_gaussian(&random));
                layer++;
            }
            values[i] = layer % 2 + 0.05 * random_gaussian(&random);
        }
        assert_int_equal(profile_period_find(&period, values, LENGTH, 1, NULL), 0);
        squares += pow((period.period - 12.5) / period.error, 2) / N_PROFILES;
    }
    print_message("uneven layers: pull %.2f\n", sqrt(squares));
    assert_near(sqrt(squares), 1.2, 0.5);
}

static void noise_has_no_period(void **state)
{
    double values[LENGTH];
    struct random_numbers random = {5};
    unsigned found = 0;
    for (unsigned n = 0; n < 200; n++) {
        struct profile_period period;
        for (unsigned i = 0; i < LENGTH; i++)
            values[i] = random_gaussian(&random);
        found += profile_period_find(&period, values, LENGTH, 1, NULL) == 0;
    }
    assert_true(found <= 6); /* 1 % of 200 */
}

/* Thickness that varies slowly: much power at long periods, none of them a period. */
static void a_random_walk_has_no_period(void **state)
{
    double values[LENGTH];
    struct random_numbers random = {6};
    unsigned found = 0;
    for (unsigned n = 0; n < 100; n++) {
        struct profile_period period;
        double value = 0;
        for (unsigned i = 0; i < LENGTH; i++)
            values[i] = value += random_gaussian(&random);
        found += profile_period_find(&period, values, LENGTH, 1, NULL) == 0;
    }
    print_message("random walks with a period: %u of 100\n", found);
    assert_true(found <= 5);
}

static void profiles_without_a_period_are_refused(void **state)
{
    static double values[5000];
    struct profile_period period;
    struct error error = {0};
    assert_int_equal(profile_period_find(&period, values, 5000, 1, &error), -EINVAL);
    assert_int_equal(profile_period_find(&period, values, 11, 1, &error), -ENODATA);
    assert_non_null(strstr(error.text, "the profile has 11"));
    for (unsigned i = 0; i < 100; i++)
        values[i] = 1e6 + 3.0 * i;
    assert_int_equal(profile_period_find(&period, values, 100, 1, &error), -ENODATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_along_a_row_is_that_row),
        cmocka_unit_test(the_width_lies_across_the_line),
        cmocka_unit_test(between_positions_the_sampling_decides),
        cmocka_unit_test(an_oblique_line_ends_where_it_should),
        cmocka_unit_test(what_was_not_measured_is_left_out),
        cmocka_unit_test(lines_without_length_are_refused),
        cmocka_unit_test(a_clean_wave_gives_its_period_exactly),
        cmocka_unit_test(the_error_of_the_period_is_what_many_profiles_show),
        cmocka_unit_test(uneven_layers_have_a_larger_error),
        cmocka_unit_test(noise_has_no_period),
        cmocka_unit_test(a_random_walk_has_no_period),
        cmocka_unit_test(profiles_without_a_period_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
