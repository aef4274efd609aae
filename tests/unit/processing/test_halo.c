#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processing/analysis/halo.h"
#include "processing/analysis/halo_profile.h"
#include "tests/unit/processing/numbers.h"

enum { SIDE = 160, N = SIDE * SIDE };

/* A glass as the lens shows it: k0 = (1 + strain) q. Matrix in the order xx, xy, yy. */
struct glass {
    double centre_y, centre_x, exx, exy, eyy, dose;
    double lens_e1, lens_e2; /* distortion on top of the strain */
};

static const double true_radius = 36.5, true_sigma = 4.2;

static double brightness(const struct glass *glass, unsigned y, unsigned x)
{
    const double dy = y - glass->centre_y, dx = x - glass->centre_x;
    /* The lens's matrix first brings the detector back, then the strain. */
    const double ly = glass->lens_e2 * dx + (1 - glass->lens_e1) * dy;
    const double lx = (1 + glass->lens_e1) * dx + glass->lens_e2 * dy;
    const double vy = glass->exy * lx + (1 + glass->eyy) * ly;
    const double vx = (1 + glass->exx) * lx + glass->exy * ly;
    const double radius = hypot(vy, vx), t = (radius - true_radius) / true_sigma;
    return glass->dose * (exp(-t * t / 2) + 0.8 * exp(-(radius - true_radius) / 18));
}

/* seed 0: without noise. */
static void fill(double *counts, const struct glass *glass, uint64_t seed)
{
    struct random_numbers random = {seed};
    for (unsigned i = 0; i < N; i++) {
        const double mean = brightness(glass, i / SIDE, i % SIDE);
        counts[i] = seed ? random_poisson(&random, mean) : mean;
    }
}

static const struct halo_settings settings = {
    .centre_y = 80, .centre_x = 80, .inner = 24, .outer = 52, .overdispersion = 1};

static void measure(struct halo *halo, const double *counts)
{
    struct error error = {0};
    if (halo_measure(halo, &settings, counts, SIDE, SIDE, &error) < 0)
        fail_msg("%s", error.text);
}

static void a_round_halo_without_noise_is_exact(void **state)
{
    static double counts[N];
    struct halo halo;
    fill(counts, &(struct glass){.centre_y = 78.3, .centre_x = 83.9, .dose = 300}, 0);
    measure(&halo, counts);
    assert_near(halo.centre_y, 78.3, 0.01);
    assert_near(halo.centre_x, 83.9, 0.01);
    assert_near(halo.e1, 0, 2e-4);
    assert_near(halo.e2, 0, 2e-4);
    assert_near(halo.radius, true_radius, 0.02);
    assert_near(halo.width, true_sigma * 2.3548, 0.1);
    assert_near(halo.height, 300, 3);
    assert_near(halo.background, 240, 3);
    double k, k_error;
    halo_peak_k(&halo, 0.11, 0, &k, &k_error);
    assert_near(k, 0.11 * halo.radius, 1e-12);
    assert_near(k_error, 0.11 * halo.radius_error, 1e-12);
    halo_peak_k(&halo, 0.11, 0.0011, &k, &k_error);
    assert_near(k_error, hypot(0.11 * halo.radius_error, 0.01 * k), 1e-12);
}

/* Every sign: a ring shorter along x has e1 > 0, one shorter along the diagonal of x and y e2 > 0.
 */
static void the_ellipse_has_the_signs_of_a_strain(void **state)
{
    static double counts[N];
    struct halo halo;
    fill(counts, &(struct glass){79, 82, 0.02, 0, -0.02, 300, 0, 0}, 0);
    measure(&halo, counts);
    assert_near(halo.e1, 0.02, 2e-4);
    assert_near(halo.e2, 0, 2e-4);
    fill(counts, &(struct glass){79, 82, 0, 0.03, 0, 300, 0, 0}, 0);
    measure(&halo, counts);
    assert_near(halo.e1, 0, 2e-4);
    assert_near(halo.e2, 0.03, 3e-4);
    /* Seen in the pattern itself: along x = y the ring is nearer to the centre than across. */
    const double along = brightness(&(struct glass){80, 80, 0, 0.03, 0, 1, 0, 0}, 105, 105);
    const double across = brightness(&(struct glass){80, 80, 0, 0.03, 0, 1, 0, 0}, 55, 105);
    assert_true(along > across);
}

static void a_masked_beam_stop_pulls_nowhere(void **state)
{
    static double counts[N];
    struct halo halo;
    fill(counts, &(struct glass){81.2, 78.4, 0.01, 0.005, -0.01, 300, 0, 0}, 0);
    for (unsigned i = 0; i < N; i++) {
        const double dy = i / SIDE - 81.2, dx = i % SIDE - 78.4;
        if (dx > 0 && fabs(dy) < 0.5 * dx)
            counts[i] = NAN; /* a sixth of the ring */
    }
    measure(&halo, counts);
    assert_near(halo.centre_y, 81.2, 0.01);
    assert_near(halo.centre_x, 78.4, 0.02);
    assert_near(halo.e1, 0.01, 4e-4);
    assert_near(halo.e2, 0.005, 4e-4);
}

static void a_centre_far_off_is_found(void **state)
{
    static double counts[N];
    for (unsigned i = 0; i < 8; i++) {
        const double y = 80 + 11 * sin(i * M_PI_4), x = 80 + 11 * cos(i * M_PI_4);
        struct halo halo;
        fill(counts, &(struct glass){y, x, 0.01, 0, -0.01, 8, 0, 0}, 40 + i);
        measure(&halo, counts);
        assert_near(halo.centre_y, y, 5 * halo.centre_y_error);
        assert_near(halo.centre_x, x, 5 * halo.centre_x_error);
        assert_true(halo.centre_x_error < 0.1);
    }
}

static void strain_is_measured_against_the_reference(void **state)
{
    static double counts[N];
    struct halo unstrained, strained;
    struct halo_strain strain, turned;
    const double lens_e1 = -0.015, lens_e2 = 0.01;
    fill(counts, &(struct glass){80, 80, 0, 0, 0, 300, lens_e1, lens_e2}, 0);
    measure(&unstrained, counts);
    fill(counts, &(struct glass){81, 79.5, 0.013, 0.004, -0.005, 300, lens_e1, lens_e2}, 0);
    measure(&strained, counts);
    halo_strain_against(&strain, &strained, &unstrained);
    assert_near(strain.exx, 0.013, 2e-4);
    assert_near(strain.exy, 0.004, 2e-4);
    assert_near(strain.eyy, -0.005, 2e-4);
    halo_strain_against(&strain, &unstrained, &unstrained);
    assert_near(strain.exx, 0, 1e-12);
    /* Tension of 1 % along 30 degrees from x towards y. */
    const struct halo_strain along = {.exx = 0.0075,
                                      .exy = 0.0025 * sqrt(3),
                                      .eyy = 0.0025,
                                      .mean_error = 3,
                                      .difference_error = 4,
                                      .exy_error = 2};
    halo_strain_turn(&turned, &along, 30);
    assert_near(turned.exx, 0.01, 1e-12);
    assert_near(turned.eyy, 0, 1e-12);
    assert_near(turned.exy, 0, 1e-12);
    assert_near(turned.exx_error, sqrt(9 + 4 + 3), 1e-12);
    assert_near(turned.exy_error, sqrt(1 + 12), 1e-12);
}

/* The symmetric matrix of a ring, as halo_measure gives it, from the square of it: xx, xy, yy. */
static struct halo ring_of_square(double xx, double xy, double yy)
{
    const double root = sqrt(xx * yy - xy * xy), scale = sqrt(xx + yy + 2 * root);
    const double radius = 2 * scale / (xx + yy + 2 * root);
    return (struct halo){
        .radius = radius, .e1 = radius * (xx - yy) / scale / 2, .e2 = radius * xy / scale};
}

/* A ring q of the strained glass has |(1 + strain) A q| = 1 where A makes the reference's ring
 * round: large distortions, no approximation. */
static void a_large_distortion_of_the_lens_is_taken_out_exactly(void **state)
{
    const double axx = 1.08 / 36, axy = 0.05 / 36, ayy = 0.93 / 36;
    const double sxx = 1.04, sxy = -0.02, syy = 0.97;
    const double mxx = sxx * axx + sxy * axy, mxy = sxx * axy + sxy * ayy;
    const double myx = sxy * axx + syy * axy, myy = sxy * axy + syy * ayy;
    const struct halo reference =
        ring_of_square(axx * axx + axy * axy, axy * (axx + ayy), axy * axy + ayy * ayy);
    const struct halo strained =
        ring_of_square(mxx * mxx + myx * myx, mxx * mxy + myx * myy, mxy * mxy + myy * myy);
    struct halo_strain strain;
    halo_strain_against(&strain, &strained, &reference);
    assert_near(strain.exx, 0.04, 1e-12);
    assert_near(strain.exy, -0.02, 1e-12);
    assert_near(strain.eyy, -0.03, 1e-12);
}

static void the_ellipse_has_its_long_axis_where_the_ring_is_large(void **state)
{
    double ratio, azimuth;
    halo_ellipse(&(struct halo){.e1 = 0.02}, &ratio, &azimuth);
    assert_near(ratio, 1.02 / 0.98, 1e-12);
    assert_near(fabs(azimuth), 90, 1e-12);
    halo_ellipse(&(struct halo){.e1 = -0.02}, &ratio, &azimuth);
    assert_near(azimuth, 0, 1e-12);
    halo_ellipse(&(struct halo){.e2 = -0.02}, &ratio, &azimuth);
    assert_near(azimuth, 45, 1e-12);
    halo_ellipse(&(struct halo){.e1 = 0}, &ratio, &azimuth);
    assert_near(ratio, 1, 0);
}

static void errors_are_what_many_patterns_show(void **state)
{
    enum { N_PATTERNS = 60 };
    static double counts[N];
    const struct glass glass = {80.4, 79.3, 0.006, -0.004, -0.006, 3, 0, 0};
    double pulls[6] = {0}, errors[6] = {0};
    struct halo_strain strain;
    struct halo truth, halo;
    fill(counts, &(struct glass){80.4, 79.3, 0.006, -0.004, -0.006, 300, 0, 0}, 0);
    measure(&truth, counts);
    for (unsigned n = 0; n < N_PATTERNS; n++) {
        fill(counts, &glass, 500 + n);
        measure(&halo, counts);
        const double values[] = {halo.centre_y, halo.centre_x, halo.e1,
                                 halo.e2,       halo.radius,   halo.width};
        const double truths[] = {80.4, 79.3, truth.e1, truth.e2, truth.radius, truth.width};
        const double sd[] = {halo.centre_y_error, halo.centre_x_error, halo.e1_error,
                             halo.e2_error,       halo.radius_error,   halo.width_error};
        for (unsigned i = 0; i < 6; i++) {
            pulls[i] += pow((values[i] - truths[i]) / sd[i], 2) / N_PATTERNS;
            errors[i] += sd[i] / N_PATTERNS;
        }
    }
    print_message("%.0f counts, errors: centre %.3f, e %.5f, radius %.3f, width %.3f\n",
                  halo.counts, errors[0], errors[2], errors[4], errors[5]);
    for (unsigned i = 0; i < 6; i++) {
        print_message("pull %.2f ", sqrt(pulls[i]));
        assert_near(sqrt(pulls[i]), 1, 0.3);
    }
    print_message("\n");
    halo_strain_against(&strain, &halo, &truth);
    assert_true(fabs(strain.exx) < 5 * strain.exx_error);
    assert_true(strain.exx_error > halo.e1_error);
}

static void overdispersion_widens_the_errors(void **state)
{
    static double counts[N];
    struct halo_settings shared = settings;
    struct halo one, two;
    fill(counts, &(struct glass){.centre_y = 80, .centre_x = 80, .dose = 20}, 0);
    measure(&one, counts);
    shared.overdispersion = 2;
    assert_int_equal(halo_measure(&two, &shared, counts, SIDE, SIDE, NULL), 0);
    assert_near(two.centre_x_error, M_SQRT2 * one.centre_x_error, 1e-3 * one.centre_x_error);
    assert_near(two.e2_error, M_SQRT2 * one.e2_error, 1e-3 * one.e2_error);
    assert_near(two.radius_error, M_SQRT2 * one.radius_error, 1e-3 * one.radius_error);
}

/* Half of the ring is behind a beam stop: centre and radius are harder to tell apart. */
static void a_half_ring_has_the_errors_of_a_half_ring(void **state)
{
    enum { N_PATTERNS = 40 };
    static double counts[N];
    double pull = 0;
    for (unsigned n = 0; n < N_PATTERNS; n++) {
        struct halo halo;
        fill(counts, &(struct glass){.centre_y = 80, .centre_x = 80, .dose = 6}, 900 + n);
        for (unsigned i = 0; i < N; i++) {
            if (i % SIDE > 84)
                counts[i] = NAN;
        }
        measure(&halo, counts);
        pull +=
            (pow((halo.centre_x - 80) / halo.centre_x_error, 2) + pow(halo.e1 / halo.e1_error, 2)) /
            (2 * N_PATTERNS);
    }
    assert_near(sqrt(pull), 1, 0.25);
}

static void a_bump_within_the_errors_is_no_peak(void **state)
{
    struct halo_profile_point points[30];
    struct halo_profile profile;
    struct error error = {0};
    for (unsigned strong = 0; strong < 2; strong++) {
        for (unsigned i = 0; i < 30; i++) {
            const double radius = 20.5 + i, t = (radius - 34) / 4;
            points[i] = (struct halo_profile_point){
                radius, 200, 200 * (5 * exp(-radius / 30) + (strong ? 1 : 0.1) * exp(-t * t / 2))};
        }
        const int result = halo_profile_fit(&profile, points, 30, 1, &error);
        assert_int_equal(result, strong ? 0 : -ENODATA);
    }
    assert_near(profile.radius, 34, 1e-3);
    assert_non_null(strstr(error.text, "no peak stands out"));
}

/* Every electron counts in its pixel and in one beside it: F = 2. */
static void shared_charge_is_covered_by_f(void **state)
{
    enum { N_PATTERNS = 40 };
    static const int beside[4] = {1, -1, SIDE, -SIDE};
    static double electrons[N], counts[N];
    struct halo_settings shared = settings;
    struct random_numbers random = {99};
    double pull = 0;
    shared.overdispersion = 2;
    for (unsigned n = 0; n < N_PATTERNS; n++) {
        struct halo halo;
        fill(electrons, &(struct glass){.centre_y = 80, .centre_x = 80, .dose = 2}, 700 + n);
        memset(counts, 0, sizeof counts);
        for (unsigned i = SIDE; i < N - SIDE; i++) {
            counts[i] += electrons[i];
            for (unsigned j = 0; j < electrons[i]; j++)
                counts[(int)i + beside[(unsigned)(4 * random_uniform(&random))]]++;
        }
        assert_int_equal(halo_measure(&halo, &shared, counts, SIDE, SIDE, NULL), 0);
        pull += (pow((halo.centre_y - 80) / halo.centre_y_error, 2) +
                 pow((halo.centre_x - 80) / halo.centre_x_error, 2) +
                 pow(halo.e1 / halo.e1_error, 2) + pow(halo.e2 / halo.e2_error, 2)) /
                (4 * N_PATTERNS);
    }
    print_message("shared charge: pull %.2f\n", sqrt(pull));
    assert_near(sqrt(pull), 1, 0.2);
}

static void what_is_no_halo_is_refused_with_what_was_found(void **state)
{
    static double counts[N];
    struct halo halo;
    struct error error = {0};
    struct halo_settings wrong = settings;
    fill(counts, &(struct glass){.centre_y = 80, .centre_x = 80, .dose = 0.5}, 3);
    assert_int_equal(halo_measure(&halo, &settings, counts, SIDE, SIDE, &error), -ENODATA);
    assert_non_null(strstr(error.text, "a halo needs 10000"));
    /* Much light, no ring. */
    struct random_numbers random = {12};
    for (unsigned i = 0; i < N; i++)
        counts[i] =
            random_poisson(&random, 40 * exp(-hypot(i / SIDE - 80.0, i % SIDE - 80.0) / 30));
    assert_true(halo_measure(&halo, &settings, counts, SIDE, SIDE, &error) < 0);
    for (unsigned i = 0; i < N; i++)
        counts[i] = NAN;
    assert_int_equal(halo_measure(&halo, &settings, counts, SIDE, SIDE, &error), -ENODATA);
    wrong.outer = wrong.inner + 5;
    assert_int_equal(halo_measure(&halo, &wrong, counts, SIDE, SIDE, &error), -EINVAL);
    wrong = settings;
    wrong.centre_x = NAN;
    assert_int_equal(halo_measure(&halo, &wrong, counts, SIDE, SIDE, &error), -EINVAL);
    wrong = settings;
    wrong.overdispersion = 0;
    assert_int_equal(halo_measure(&halo, &wrong, counts, SIDE, SIDE, &error), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_halo_without_noise_is_exact),
        cmocka_unit_test(the_ellipse_has_the_signs_of_a_strain),
        cmocka_unit_test(a_masked_beam_stop_pulls_nowhere),
        cmocka_unit_test(a_centre_far_off_is_found),
        cmocka_unit_test(strain_is_measured_against_the_reference),
        cmocka_unit_test(errors_are_what_many_patterns_show),
        cmocka_unit_test(a_large_distortion_of_the_lens_is_taken_out_exactly),
        cmocka_unit_test(the_ellipse_has_its_long_axis_where_the_ring_is_large),
        cmocka_unit_test(a_half_ring_has_the_errors_of_a_half_ring),
        cmocka_unit_test(a_bump_within_the_errors_is_no_peak),
        cmocka_unit_test(overdispersion_widens_the_errors),
        cmocka_unit_test(shared_charge_is_covered_by_f),
        cmocka_unit_test(what_is_no_halo_is_refused_with_what_was_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
