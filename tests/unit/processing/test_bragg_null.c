#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/bragg/bragg_disk.h"
#include "processing/bragg/bragg_null.h"
#include "processing/bragg/bragg_reference.h"
#include "processing/bragg/bragg_settings.h"

static struct bragg_thresholds thresholds_for(double alpha, double f, double v)
{
    struct bragg_thresholds thresholds;
    const double background[2] = {0.25, 2000}, speckle[2] = {v, v + 0.5};
    assert_int_equal(bragg_thresholds_init(&thresholds, log(alpha), f, background, speckle, NULL),
                     0);
    return thresholds;
}

/* P(X >= k) of a Poisson law, summed. */
static double poisson_tail(unsigned k, double mean)
{
    double term = exp(-mean), below = 0;
    for (unsigned i = 0; i < k; i++, term *= mean / i)
        below += term;
    return 1 - below;
}

static void without_charge_sharing_and_speckle_the_law_is_poissons(void **state)
{
    for (unsigned k = 1; k < 30; k++) {
        const double expected = poisson_tail(k, 6.5);
        if (expected > 1e-9)
            assert_true(fabs(exp(bragg_null_tail_log(k, 6.5, 1, 0)) / expected - 1) < 1e-6);
    }
}

/* The means and variances of the law, summed from its tail: E X = sum of P(X >= k). With lots of
 * counts the smooth tail stands between those of whole lots, half a lot too high. */
static void check_moments(double b, double f, double v)
{
    double mean = 0, square = 0;
    for (unsigned k = 1; k < 20 * b + 400; k++) {
        const double tail = exp(bragg_null_tail_log(k, b, f, v));
        mean += tail;
        square += (2.0 * k - 1) * tail;
    }
    const double lot = (1 + f) / 2;
    assert_true(mean >= b * 0.999 && mean <= b + lot / 2);
    const double variance = square - mean * mean, expected = f * b + v * b * b;
    assert_true(fabs(variance / expected - 1) < 0.05);
}

static void the_law_has_the_variance_of_sharing_and_speckle(void **state)
{
    check_moments(60, 1, 0);
    check_moments(60, 2, 0);
    check_moments(60, 1, 0.02);
    check_moments(60, 2, 0.05);
}

static void thresholds_are_the_smallest_counts_below_the_level(void **state)
{
    const double alpha = 1e-2 / 5000;
    struct bragg_thresholds thresholds = thresholds_for(alpha, 2, 0.0078125);
    for (double b = 0.25; b < 1500; b *= 2) { /* on the grid */
        const uint32_t counts = bragg_threshold(&thresholds, b, 0.0078125);
        assert_true(exp(bragg_null_tail_log(counts, b, 2, 0.0078125)) < alpha);
        assert_true(exp(bragg_null_tail_log(counts - 1, b, 2, 0.0078125)) >= alpha);
    }
    bragg_thresholds_finish(&thresholds);
}

static uint32_t first_below(double alpha, double b, double f, double v)
{
    uint32_t counts = 1;
    while (exp(bragg_null_tail_log(counts, b, f, v)) >= alpha)
        counts++;
    return counts;
}

/* Integer thresholds worked out in the design notes, 1 % over 4000 places. With F = 2 theirs are of
 * a negative binomial law of single counts; lots of 1.5 counts have a shorter tail. */
static void thresholds_are_those_of_the_notes(void **state)
{
    static const double poisson[] = {0.5, 1, 2, 5, 10, 20, 50, 100};
    static const uint32_t of_poisson[] = {7, 9, 12, 19, 28, 44, 86, 150};
    static const double shared[] = {0.9, 2.25, 4.5, 13.5, 45, 135, 450, 1350};
    static const uint32_t of_shared[] = {19, 24, 30, 50, 107, 252, 739, 2113};
    for (int i = 0; i < 8; i++) {
        assert_int_equal(first_below(1e-2 / 4000, poisson[i], 1, 0), of_poisson[i]);
        const uint32_t found = first_below(1e-2 / 4000, shared[i], 2, 0.01);
        assert_true(found <= of_shared[i] && found + 2 >= of_shared[i]);
    }
}

static void thresholds_rise_with_background_and_speckle(void **state)
{
    struct bragg_thresholds thresholds = thresholds_for(1e-6, 1.5, 0.003);
    uint32_t last = 0;
    for (double b = 0.01; b < 2000; b *= 1.003) {
        const uint32_t counts = bragg_threshold(&thresholds, b, 0.003);
        assert_true(counts >= last);
        assert_true(bragg_threshold(&thresholds, b, 0.2) >= counts);
        last = counts;
    }
    assert_int_equal(bragg_threshold(&thresholds, 1e9, 0.003), BRAGG_THRESHOLD_NEVER);
    assert_int_equal(bragg_threshold(&thresholds, 10, 5), BRAGG_THRESHOLD_NEVER);
    bragg_thresholds_finish(&thresholds);
}

static void two_circles_share_the_area_of_their_lens(void **state)
{
    assert_true(bragg_lens_area(2, 3, 6) == 0);
    assert_true(fabs(bragg_lens_area(2, 3, 0.5) - 4 * M_PI) < 1e-12);
    /* Equal circles at a distance of their radius: (2 pi / 3 - sqrt(3) / 2) r^2. */
    assert_true(fabs(bragg_lens_area(3, 3, 3) - 9 * (2 * M_PI / 3 - sqrt(3) / 2)) < 1e-12);
}

static void a_disk_of_the_merlin_geometry_has_45_pixels(void **state)
{
    struct bragg_disk disk;
    bragg_disk_init(&disk, 3.4);
    assert_int_equal(disk.area, 45);
    assert_int_equal(disk.reach, 3);
    assert_int_equal(bragg_disk_pairs(&disk, 0, 0), 45);
    assert_int_equal(bragg_disk_pairs(&disk, 0, 1), 38);
    assert_int_equal(bragg_disk_pairs(&disk, 6, 0), 5);
    assert_int_equal(bragg_disk_pairs(&disk, 7, 0), 0);
}

/* Measured by simulation in the design notes: V_px 0.033 gives 0.0093, 0.10 gives 0.028. */
static void speckle_is_weaker_in_a_disk_than_in_a_pixel(void **state)
{
    const double v = bragg_speckle_in_disk(1, 3.4, 3.4);
    assert_true(v > 0.2 && v < 0.3);
    assert_true(bragg_speckle_in_disk(1, 3.4, 5.4) < v);
}

struct bad_setting {
    const char *key;
    struct bragg_settings settings;
};

static struct bragg_settings good_settings(void)
{
    struct bragg_settings s;
    bragg_settings_init(&s);
    s.centre_y = s.centre_x = 64;
    s.inner = 25;
    s.outer = 46;
    s.disk_radius = 3.4;
    return s;
}

static void check_refused(struct bragg_settings s, const uint8_t *bad, const char *key)
{
    struct error error = {0};
    assert_true(bragg_settings_check(&s, 128, 128, bad, &error) < 0);
    assert_int_equal(strncmp(error.text, key, strlen(key)), 0);
    assert_int_equal(error.text[strlen(key)], ':');
}

#define REFUSED(name, value, key)                                                                  \
    do {                                                                                           \
        struct bragg_settings s = good_settings();                                                 \
        s.name = value;                                                                            \
        check_refused(s, NULL, key);                                                               \
    } while (0)

static void bad_settings_are_refused_with_their_key(void **state)
{
    static uint8_t bad[128 * 128];
    const struct bragg_settings good = good_settings();
    assert_int_equal(bragg_settings_check(&good, 128, 128, NULL, NULL), 0);
    REFUSED(centre_y, -3, "bragg.centre");
    REFUSED(centre_x, NAN, "bragg.centre");
    REFUSED(outer, 70, "bragg.annulus");
    REFUSED(outer, 20, "bragg.annulus");
    REFUSED(inner, 44, "bragg.annulus");
    REFUSED(disk_radius, 0, "bragg.disk_radius");
    REFUSED(disk_radius, 40, "bragg.disk_radius");
    REFUSED(wide_radius, 2, "bragg.wide_radius");
    REFUSED(alpha, 0, "bragg.alpha");
    REFUSED(alpha, 2, "bragg.alpha");
    REFUSED(overdispersion, 0.5, "bragg.overdispersion");
    REFUSED(speckle, -1, "bragg.speckle");
    REFUSED(contrast_min, -1, "bragg.contrast_min");
    REFUSED(centre_uncertainty, NAN, "bragg.centre_uncertainty");
    memset(bad, 1, sizeof(bad));
    check_refused(good, bad, "calibration.bad_pixels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_charge_sharing_and_speckle_the_law_is_poissons),
        cmocka_unit_test(the_law_has_the_variance_of_sharing_and_speckle),
        cmocka_unit_test(thresholds_are_the_smallest_counts_below_the_level),
        cmocka_unit_test(thresholds_are_those_of_the_notes),
        cmocka_unit_test(thresholds_rise_with_background_and_speckle),
        cmocka_unit_test(two_circles_share_the_area_of_their_lens),
        cmocka_unit_test(a_disk_of_the_merlin_geometry_has_45_pixels),
        cmocka_unit_test(speckle_is_weaker_in_a_disk_than_in_a_pixel),
        cmocka_unit_test(bad_settings_are_refused_with_their_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
