#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processing/analysis/bad_pixels.h"
#include "tests/unit/processing/numbers.h"

enum { SIDE = 64, N = SIDE * SIDE };

struct sums {
    uint64_t sums[N], squares[N];
    uint64_t n_frames;
};

static struct sums accumulated;

/* Frames of Poisson counts; the detector is lit evenly, or by a halo with a bright beam. */
static void expose(double mean, bool even, unsigned n_frames, uint64_t seed)
{
    struct random_numbers random = {seed};
    memset(&accumulated, 0, sizeof accumulated);
    accumulated.n_frames = n_frames;
    for (unsigned i = 0; i < N; i++) {
        const double radius = hypot(i / SIDE - 30.3, i % SIDE - 33.1);
        const double halo = exp(-pow(radius - 20, 2) / 18) + 0.3 * exp(-radius / 9);
        const double beam = 400 * exp(-radius * radius / 5);
        for (unsigned frame = 0; frame < n_frames; frame++) {
            const double count = random_poisson(&random, even ? mean : mean * (halo + beam));
            accumulated.sums[i] += (uint64_t)count;
            accumulated.squares[i] += (uint64_t)(count * count);
        }
    }
}

static uint8_t mask[N];

static struct bad_pixels find(const struct bad_pixel_settings *settings, const uint8_t *known)
{
    struct bad_pixels found;
    assert_int_equal(bad_pixels_find(mask, &found, accumulated.sums, accumulated.squares,
                                     accumulated.n_frames, SIDE, SIDE, known, settings, NULL),
                     0);
    return found;
}

static const struct bad_pixel_settings even = {.overdispersion = 1, .even = true};
static const struct bad_pixel_settings structured = {.overdispersion = 1};

static void good_detectors_have_no_bad_pixels(void **state)
{
    static const double means[] = {0.002, 0.05, 1, 10};
    for (unsigned i = 0; i < 4; i++) {
        expose(means[i], true, 200, 5 + i);
        assert_int_equal(find(&even, NULL).n_bad, 0);
        assert_int_equal(find(&structured, NULL).n_bad, 0);
        expose(means[i], false, 200, 15 + i);
        assert_int_equal(find(&structured, NULL).n_bad, 0);
    }
}

static void set_pixel(unsigned y, unsigned x, uint64_t sum)
{
    accumulated.sums[y * SIDE + x] = sum;
    accumulated.squares[y * SIDE + x] = sum; /* as if never more than one at a time */
}

static void dead_and_hot_pixels_are_found(void **state)
{
    expose(1, true, 100, 3);
    set_pixel(0, 0, 0); /* a corner has 8 neighbours */
    set_pixel(7, 9, 0);
    set_pixel(7, 10, 0);
    set_pixel(20, 63, 190); /* expected 100: 9 standard deviations */
    set_pixel(21, 63, 190);
    set_pixel(40, 40, 150); /* 5: chance in a frame of 4096 pixels */
    const struct bad_pixels found = find(&even, NULL);
    assert_int_equal(mask[0], BAD_PIXEL_DEAD);
    assert_int_equal(mask[7 * SIDE + 9], BAD_PIXEL_DEAD);
    assert_int_equal(mask[7 * SIDE + 10], BAD_PIXEL_DEAD);
    assert_int_equal(mask[20 * SIDE + 63], BAD_PIXEL_HOT);
    assert_int_equal(mask[21 * SIDE + 63], BAD_PIXEL_HOT);
    assert_int_equal(mask[40 * SIDE + 40], 0);
    assert_int_equal(found.n_dead, 3);
    assert_int_equal(found.n_hot, 2);
    assert_int_equal(found.n_noisy, 0);
    assert_int_equal(found.n_bad, 5);
}

/* With F = 2 the same excess is only 5.6 standard deviations. */
static void overdispersion_makes_the_rule_careful(void **state)
{
    const struct bad_pixel_settings shared = {.overdispersion = 2, .even = true};
    expose(1, true, 100, 3);
    set_pixel(20, 20, 175);
    assert_int_equal(find(&even, NULL).n_hot, 1);
    assert_int_equal(find(&shared, NULL).n_hot, 0);
    set_pixel(20, 20, 250);
    assert_int_equal(find(&shared, NULL).n_hot, 1);
}

/* The first sum that is hot is that of the Poisson law: P(X >= n) against 1e-6 / 4096 from exact
 * sums of the series. */
static void the_limit_is_that_of_the_poisson_law(void **state)
{
    static const double means[] = {1, 4, 30, 100};
    for (unsigned i = 0; i < 4; i++) {
        unsigned limit = (unsigned)means[i];
        double tail = 1;
        while (tail >= 1e-6 / N) {
            limit++;
            tail = 0;
            for (unsigned n = limit + 200; n >= limit; n--)
                tail += exp(n * log(means[i]) - means[i] - lgamma(n + 1.0));
        }
        for (unsigned j = 0; j < N; j++)
            accumulated.sums[j] = (uint64_t)means[i];
        accumulated.n_frames = 1;
        set_pixel(30, 30, limit - 1);
        assert_int_equal(find(&even, NULL).n_hot, 0);
        set_pixel(30, 30, limit);
        assert_int_equal(find(&even, NULL).n_hot, 1);
    }
}

static void a_few_counts_in_the_dark_are_chance(void **state)
{
    memset(&accumulated, 0, sizeof accumulated);
    accumulated.n_frames = 1;
    set_pixel(5, 5, 3);
    set_pixel(15, 15, 1);
    assert_int_equal(find(&even, NULL).n_hot, 0);
    set_pixel(5, 5, 10);
    assert_int_equal(find(&even, NULL).n_hot, 1);
}

static void structure_is_not_hot_but_hot_pixels_in_it_are(void **state)
{
    expose(0.5, false, 200, 77);
    assert_true(find(&even, NULL).n_hot > 0); /* the beam, taken for an even light */
    assert_int_equal(find(&structured, NULL).n_hot, 0);
    set_pixel(30, 53, 5 * accumulated.sums[30 * SIDE + 53] + 100); /* in the halo */
    set_pixel(60, 60, 40);                                         /* in the dark */
    assert_int_equal(find(&structured, NULL).n_hot, 2);
}

static void noisy_pixels_flicker(void **state)
{
    expose(0.5, true, 400, 9);
    const unsigned flickering = 25 * SIDE + 12;
    accumulated.sums[flickering] = 200; /* as many as its neighbours, 8 at a time */
    accumulated.squares[flickering] = 1600;
    const struct bad_pixels found = find(&even, NULL);
    assert_int_equal(found.n_noisy, 1);
    assert_int_equal(mask[flickering], BAD_PIXEL_NOISY);
    /* Where all pixels vary like that (a specimen), none stands out. */
    for (unsigned i = 0; i < N; i++) {
        accumulated.sums[i] = 200;
        accumulated.squares[i] = 2000;
    }
    assert_int_equal(find(&even, NULL).n_noisy, 0);
    /* Without squares, or with one frame, noise is not judged. */
    expose(0.5, true, 400, 9);
    accumulated.squares[flickering] = 200000;
    struct bad_pixels unsquared;
    assert_int_equal(bad_pixels_find(mask, &unsquared, accumulated.sums, NULL, 400, SIDE, SIDE,
                                     NULL, &even, NULL),
                     0);
    assert_int_equal(unsquared.n_noisy, 0);
    accumulated.n_frames = 1;
    assert_int_equal(find(&even, NULL).n_noisy, 0);
}

static void known_bad_pixels_are_not_asked(void **state)
{
    static uint8_t known[N];
    expose(1, true, 100, 3);
    set_pixel(30, 30, 0);
    for (unsigned y = 28; y < 33; y++) {
        for (unsigned x = 28; x < 33; x++) {
            if ((y + x) % 2 || y == 28) { /* 15 of its 24 neighbours */
                set_pixel(y, x, 0);
                known[y * SIDE + x] = 1;
            }
        }
    }
    const struct bad_pixels found = find(&even, known);
    assert_int_equal(found.n_dead, 1);
    assert_int_equal(mask[30 * SIDE + 30], BAD_PIXEL_DEAD);
    assert_int_equal(mask[30 * SIDE + 31], 0);
}

static void settings_that_make_no_sense_are_refused(void **state)
{
    static const struct bad_pixel_settings wrong[] = {{.overdispersion = 0},
                                                      {.overdispersion = NAN},
                                                      {.overdispersion = 1, .dead_expectation = -1},
                                                      {.overdispersion = 1, .noise_limit = 0.5},
                                                      {.overdispersion = 1, .chance = -1}};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct bad_pixels found;
        assert_int_equal(bad_pixels_find(mask, &found, accumulated.sums, NULL, 1, SIDE, SIDE, NULL,
                                         &wrong[i], NULL),
                         -EINVAL);
    }
}

static void saturation_is_counted_and_shown(void **state)
{
    static const uint32_t maximum[] = {0, 4094, 4095, 4096, 7};
    static const uint8_t expected[] = {0, 0, 1, 1, 0};
    uint8_t where[5];
    assert_int_equal(bad_pixels_saturated(where, maximum, 5, 4095), 2);
    assert_memory_equal(where, expected, 5);
    assert_int_equal(bad_pixels_saturated(NULL, maximum, 5, 63), 3);
    assert_int_equal(bad_pixels_saturated(where, (uint32_t[]){1, 1, 0, 1, 1}, 5, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_detectors_have_no_bad_pixels),
        cmocka_unit_test(dead_and_hot_pixels_are_found),
        cmocka_unit_test(overdispersion_makes_the_rule_careful),
        cmocka_unit_test(the_limit_is_that_of_the_poisson_law),
        cmocka_unit_test(a_few_counts_in_the_dark_are_chance),
        cmocka_unit_test(structure_is_not_hot_but_hot_pixels_in_it_are),
        cmocka_unit_test(noisy_pixels_flicker),
        cmocka_unit_test(known_bad_pixels_are_not_asked),
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
        cmocka_unit_test(saturation_is_counted_and_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
