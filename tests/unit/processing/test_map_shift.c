#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processing/analysis/map_descan.h"
#include "processing/analysis/map_shift.h"
#include "tests/unit/processing/numbers.h"

enum { NY = 60, NX = 90, N = NY * NX };

struct shifts {
    double y[N], x[N];
};

static const double plane_y[] = {0.7, 0.031, -0.012}, plane_x[] = {-1.1, 0.004, 0.027};
static const double bend_y[] = {3e-4, -2e-4, 1e-4}, bend_x[] = {-1e-4, 4e-4, 2e-4};

/* Descan in v and u, the position from the middle of the map. */
static double descan(const double *plane, const double *bend, unsigned i)
{
    const double v = i / NX - (NY - 1) / 2.0, u = i % NX - (NX - 1) / 2.0;
    return plane[0] + plane[1] * v + plane[2] * u +
           (bend ? bend[0] * v * v + bend[1] * v * u + bend[2] * u * u : 0);
}

static void fill_descan(struct shifts *shifts, int bent, double noise, uint64_t seed)
{
    struct random_numbers random = {seed};
    for (unsigned i = 0; i < N; i++) {
        shifts->y[i] = descan(plane_y, bent ? bend_y : NULL, i) + noise * random_gaussian(&random);
        shifts->x[i] = descan(plane_x, bent ? bend_x : NULL, i) + noise * random_gaussian(&random);
    }
}

static void an_exact_parabola_is_found_and_taken_away(void **state)
{
    static struct shifts shifts;
    struct descan_fit fit;
    fill_descan(&shifts, 1, 0, 1);
    shifts.y[17] = NAN;
    shifts.x[3 * NX + 5] = NAN;
    assert_int_equal(descan_fit(&fit, DESCAN_PARABOLA, shifts.y, shifts.x, NY, NX, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_near(fit.y[i], plane_y[i], 1e-12);
        assert_near(fit.x[i], plane_x[i], 1e-12);
        assert_near(fit.y[3 + i], bend_y[i], 1e-12);
        assert_near(fit.x[3 + i], bend_x[i], 1e-12);
    }
    assert_int_equal(fit.n_measured, N - 2);
    assert_int_equal(fit.n_used, N - 2);
    descan_subtract(&fit, shifts.y, shifts.x, NY, NX);
    assert_true(isnan(shifts.y[17]));
    assert_false(isnan(shifts.x[17]));
    for (unsigned i = 0; i < N; i++) {
        assert_true(isnan(shifts.y[i]) || fabs(shifts.y[i]) < 1e-11);
        assert_true(isnan(shifts.x[i]) || fabs(shifts.x[i]) < 1e-11);
    }
}

static void the_plane_of_a_bent_map_is_not_the_parabola(void **state)
{
    static struct shifts shifts;
    struct descan_fit fit;
    fill_descan(&shifts, 1, 0, 1);
    assert_int_equal(descan_fit(&fit, DESCAN_CONSTANT, shifts.y, shifts.x, NY, NX, NULL), 0);
    assert_int_equal(fit.n_terms, 1);
    assert_true(fit.n_used < N); /* 2 rms of a ramp leave its corners out */
    fill_descan(&shifts, 0, 0, 1);
    assert_int_equal(descan_fit(&fit, DESCAN_PLANE, shifts.y, shifts.x, NY, NX, NULL), 0);
    assert_int_equal(fit.n_used, N);
    double y, x;
    descan_at(&fit, -3, 200, &y, &x);
    assert_near(y, 0.7 + 0.031 * (-3 - 29.5) - 0.012 * (200 - 44.5), 1e-10);
    assert_near(x, -1.1 + 0.004 * (-3 - 29.5) + 0.027 * (200 - 44.5), 1e-10);
}

/* A tenth of the positions, all in one corner, see a particle. */
static void outliers_do_not_tilt_the_plane(void **state)
{
    static struct shifts shifts;
    struct descan_fit fit;
    fill_descan(&shifts, 0, 0.05, 7);
    for (unsigned i = 0; i < N; i++) {
        if (i / NX < 18 && i % NX < 30)
            shifts.y[i] += 2;
    }
    assert_int_equal(descan_fit(&fit, DESCAN_PLANE, shifts.y, shifts.x, NY, NX, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(fabs(fit.y[i] - plane_y[i]) < 5 * fit.y_error[i]);
        assert_true(fabs(fit.x[i] - plane_x[i]) < 5 * fit.x_error[i]);
    }
    assert_true(fit.n_used < N - 18 * 30);
    assert_true(fit.n_used > N * 7 / 10);
}

static void the_errors_of_descan_are_what_many_scans_show(void **state)
{
    enum { N_SCANS = 200 };
    static struct shifts shifts;
    double squares[3] = {0}, noise = 0;
    struct descan_fit fit;
    for (unsigned scan = 0; scan < N_SCANS; scan++) {
        fill_descan(&shifts, 0, 0.3, 100 + scan);
        assert_int_equal(descan_fit(&fit, DESCAN_PLANE, shifts.y, shifts.x, NY, NX, NULL), 0);
        noise += fit.noise_y / N_SCANS;
        for (unsigned i = 0; i < 3; i++)
            squares[i] += pow((fit.y[i] - plane_y[i]) / fit.y_error[i], 2) / N_SCANS;
    }
    assert_near(noise, 0.3, 0.01);
    for (unsigned i = 0; i < 3; i++)
        assert_near(sqrt(squares[i]), 1, 0.15);
}

static void descan_that_is_not_fixed_is_refused(void **state)
{
    static struct shifts shifts;
    struct descan_fit fit;
    struct error error = {0};
    fill_descan(&shifts, 0, 0, 1);
    for (unsigned i = 0; i < N; i++) {
        if (i / NX != 7)
            shifts.y[i] = NAN;
    }
    assert_int_equal(descan_fit(&fit, DESCAN_PLANE, shifts.y, shifts.x, NY, NX, &error), -EDOM);
    assert_non_null(strstr(error.text, "90 measured"));
    assert_int_equal(descan_fit(&fit, DESCAN_CONSTANT, shifts.y, shifts.x, NY, NX, NULL), 0);
    for (unsigned i = 0; i < N; i++)
        shifts.y[i] = NAN;
    assert_int_equal(descan_fit(&fit, DESCAN_CONSTANT, shifts.y, shifts.x, NY, NX, &error),
                     -ENODATA);
}

static void a_quarter_turn_goes_from_right_to_down(void **state)
{
    double y[] = {0, 1, NAN}, x[] = {1, 0, 2};
    shift_transform_apply(&(struct shift_transform){.angle = 90}, y, x, 3);
    assert_near(y[0], 1, 1e-15); /* what pointed right points down */
    assert_near(x[0], 0, 1e-15);
    assert_near(y[1], 0, 1e-15); /* what pointed down points left */
    assert_near(x[1], -1, 1e-15);
    assert_true(isnan(y[2]) && isnan(x[2]));
}

static void the_flip_comes_before_the_turn(void **state)
{
    double y[] = {1}, x[] = {0};
    shift_transform_apply(&(struct shift_transform){.angle = 90, .flip_y = true}, y, x, 1);
    assert_near(y[0], 0, 1e-15);
    assert_near(x[0], 1, 1e-15);
}

/* Gradient of bright columns of atoms: towards them. */
static void fill_atoms(struct shifts *shifts, double noise, uint64_t seed)
{
    struct random_numbers random = {seed};
    for (unsigned i = 0; i < N; i++) {
        shifts->y[i] = noise * random_gaussian(&random);
        shifts->x[i] = noise * random_gaussian(&random);
        for (int row = -1; row < 5; row++) {
            for (int column = -1; column < 7; column++) {
                const double y = (double)(i / NX) - 16 * row - 3 * (column % 2);
                const double x = (double)(i % NX) - 15 * column;
                const double slope = exp(-(y * y + x * x) / 18) / 9;
                shifts->y[i] -= y * slope;
                shifts->x[i] -= x * slope;
            }
        }
    }
}

/* What the detector shows when (angle, flip) is what brings it back. */
static void turn_away(struct shifts *shifts, double angle, bool flip_y)
{
    shift_transform_apply(&(struct shift_transform){.angle = -angle}, shifts->y, shifts->x, N);
    for (unsigned i = 0; flip_y && i < N; i++)
        shifts->y[i] = -shifts->y[i];
}

static void every_rotation_and_flip_is_found(void **state)
{
    static struct shifts shifts;
    for (unsigned flip = 0; flip < 2; flip++) {
        for (double angle = -175; angle <= 180; angle += 35.5) {
            struct shift_rotation rotation;
            fill_atoms(&shifts, 0.01, 11);
            turn_away(&shifts, angle, flip);
            assert_int_equal(shift_rotation_find(&rotation, shifts.y, shifts.x, NY, NX, NULL), 0);
            assert_int_equal(rotation.transform.flip_y, flip);
            assert_true(rotation.polarity_sure);
            assert_true(rotation.divergence_skewness < 0);
            assert_near(rotation.transform.angle, angle, 1);
            assert_true(fabs(rotation.transform.angle - angle) < 4 * rotation.angle_error);
            assert_true(rotation.angle_error < 0.5);
            assert_true(rotation.curl_rms < 0.5 * rotation.curl_rms_other_flip);
            assert_true(rotation.curl_rms < 0.5 * rotation.curl_rms_worst);
        }
    }
}

static void the_error_of_the_angle_is_what_many_maps_show(void **state)
{
    enum { N_MAPS = 40 };
    static struct shifts shifts;
    double pull = 0;
    for (unsigned i = 0; i < N_MAPS; i++) {
        struct shift_rotation rotation;
        fill_atoms(&shifts, 0.03, 200 + i);
        turn_away(&shifts, 40, false);
        assert_int_equal(shift_rotation_find(&rotation, shifts.y, shifts.x, NY, NX, NULL), 0);
        pull += pow((rotation.transform.angle - 40) / rotation.angle_error, 2) / N_MAPS;
    }
    assert_near(sqrt(pull), 1, 0.4);
}

static double curl_rms(const struct shifts *shifts)
{
    double sum = 0;
    for (unsigned y = 1; y < NY - 1; y++) {
        for (unsigned x = 1; x < NX - 1; x++) {
            const unsigned i = y * NX + x;
            const double curl =
                shifts->y[i + 1] - shifts->y[i - 1] - shifts->x[i + NX] + shifts->x[i - NX];
            sum += curl * curl / 4;
        }
    }
    return sqrt(sum / ((NY - 2) * (NX - 2)));
}

/* The closed form against a search in steps of a tenth of a degree, on a field with curl of its
 * own. */
static void no_other_angle_has_less_curl(void **state)
{
    static struct shifts field, turned;
    struct shift_rotation rotation;
    double least = INFINITY, best = 0;
    fill_atoms(&field, 0.1, 11);
    turn_away(&field, 63.4, true);
    assert_int_equal(shift_rotation_find(&rotation, field.y, field.x, NY, NX, NULL), 0);
    for (unsigned flip = 0; flip < 2; flip++) {
        for (double angle = -90; angle < 90; angle += 0.1) {
            turned = field;
            shift_transform_apply(&(struct shift_transform){angle, flip}, turned.y, turned.x, N);
            const double curl = curl_rms(&turned);
            best = curl < least ? angle : best;
            least = fmin(curl, least);
        }
    }
    assert_near(remainder(rotation.transform.angle - best, 180), 0, 0.06);
    assert_near(rotation.curl_rms, least, 1e-6 * least);
}

static void unmeasured_positions_do_not_turn_the_map(void **state)
{
    static struct shifts shifts;
    struct shift_rotation rotation;
    fill_atoms(&shifts, 0, 11);
    turn_away(&shifts, 100, false);
    for (unsigned i = 0; i < N; i += 7)
        shifts.y[i] = NAN;
    for (unsigned i = N / 2; i < N; i++)
        shifts.x[i] = NAN;
    assert_int_equal(shift_rotation_find(&rotation, shifts.y, shifts.x, NY, NX, NULL), 0);
    assert_near(rotation.transform.angle, 100, 1);
    assert_true(rotation.n_positions < N / 2);
}

/* A bowl has the same divergence everywhere: nothing tells which side is up. */
static void a_polarity_that_does_not_show_is_not_claimed(void **state)
{
    static struct shifts shifts;
    struct shift_rotation rotation;
    for (unsigned i = 0; i < N; i++) {
        shifts.y[i] = 0.01 * (i / NX);
        shifts.x[i] = 0.01 * (i % NX);
    }
    turn_away(&shifts, 30, false);
    assert_int_equal(shift_rotation_find(&rotation, shifts.y, shifts.x, NY, NX, NULL), 0);
    assert_false(rotation.polarity_sure);
    assert_near(rotation.transform.angle, 30, 1e-6);
    assert_near(rotation.mean_divergence, 0.02, 1e-9);
}

static void a_rotation_needs_something_that_varies(void **state)
{
    static struct shifts shifts;
    struct shift_rotation rotation;
    struct error error = {0};
    for (unsigned i = 0; i < N; i++)
        shifts.y[i] = shifts.x[i] = 3;
    assert_int_equal(shift_rotation_find(&rotation, shifts.y, shifts.x, NY, NX, &error), -EDOM);
    assert_int_equal(shift_rotation_find(&rotation, shifts.y, shifts.x, 2, NX, &error), -ENODATA);
    assert_non_null(strstr(error.text, "there are 0"));
}

static void magnitude_and_azimuth_of_a_shift(void **state)
{
    static const double y[] = {0, 3, 0, -1, 0, NAN}, x[] = {2, 4, -1, 0, 0, 1};
    static const double length[] = {2, 5, 1, 1, 0}, azimuth[] = {0, 36.86989764584402, 180, -90};
    double values[6];
    shift_magnitude(values, y, x, 6);
    for (unsigned i = 0; i < 5; i++)
        assert_near(values[i], length[i], 1e-12);
    assert_true(isnan(values[5]));
    shift_azimuth(values, y, x, 6);
    for (unsigned i = 0; i < 4; i++)
        assert_near(values[i], azimuth[i], 1e-12);
    assert_true(isnan(values[4]));
    assert_true(isnan(values[5]));
    shift_azimuth(values, &(double){-0.0}, &(double){-1}, 1);
    assert_near(values[0], 180, 0);
}

/* More counts right of the middle: the beam went to the right, whatever the quadrants' places. */
static void quadrants_point_where_the_counts_are(void **state)
{
    static const double a[] = {30, 0, NAN}, b[] = {10, 0, 1}, c[] = {10, 0, 1}, d[] = {10, 0, 1};
    const double *const cross[4] = {a, b, c, d};
    double y[3], x[3];
    shift_from_quadrants(y, x, cross, 0, 3);
    assert_near(x[0], 20 / 60.0, 1e-15);
    assert_near(y[0], 0, 1e-15);
    assert_true(isnan(x[1]) && isnan(y[1]) && isnan(x[2]) && isnan(y[2]));
    shift_from_quadrants(y, x, cross, 90, 1);
    assert_near(y[0], 20 / 60.0, 1e-15);
    /* Quadrants from 0 to 90, 90 to 180, ...: lower right and upper right hold more. */
    static const double lower_right[] = {20}, lower_left[] = {10}, upper_left[] = {10},
                        upper_right[] = {20};
    const double *const corners[4] = {lower_right, lower_left, upper_left, upper_right};
    shift_from_quadrants(y, x, corners, 45, 1);
    assert_near(x[0], 20 / 60.0 * M_SQRT1_2, 1e-12);
    assert_near(y[0], 0, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_parabola_is_found_and_taken_away),
        cmocka_unit_test(the_plane_of_a_bent_map_is_not_the_parabola),
        cmocka_unit_test(outliers_do_not_tilt_the_plane),
        cmocka_unit_test(the_errors_of_descan_are_what_many_scans_show),
        cmocka_unit_test(descan_that_is_not_fixed_is_refused),
        cmocka_unit_test(a_quarter_turn_goes_from_right_to_down),
        cmocka_unit_test(the_flip_comes_before_the_turn),
        cmocka_unit_test(every_rotation_and_flip_is_found),
        cmocka_unit_test(the_error_of_the_angle_is_what_many_maps_show),
        cmocka_unit_test(no_other_angle_has_less_curl),
        cmocka_unit_test(unmeasured_positions_do_not_turn_the_map),
        cmocka_unit_test(a_polarity_that_does_not_show_is_not_claimed),
        cmocka_unit_test(a_rotation_needs_something_that_varies),
        cmocka_unit_test(magnitude_and_azimuth_of_a_shift),
        cmocka_unit_test(quadrants_point_where_the_counts_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
