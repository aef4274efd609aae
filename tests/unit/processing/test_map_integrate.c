#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processing/analysis/map_integrate.h"
#include "processing/analysis/map_ricom.h"
#include "tests/unit/processing/numbers.h"

enum { NY = 48, NX = 70, N = NY * NX };

struct field {
    double phi[N], y[N], x[N];
};

static const double step_y = 0.5, step_x = 0.25;

static void remove_mean(double *values, unsigned n)
{
    double sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += values[i] / n;
    for (unsigned i = 0; i < n; i++)
        values[i] -= sum;
}

static double rms_difference(const double *a, const double *b, unsigned n)
{
    double sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]) / n;
    return sqrt(sum);
}

static double rms(const double *values, unsigned n)
{
    static const double zeros[N];
    return rms_difference(values, zeros, n);
}

static struct map_integrator *integrator_for(enum map_border border, double high_pass)
{
    const struct map_integrator_settings settings = {NY, NX, step_y, step_x, border, high_pass};
    struct map_integrator *integrator;
    assert_int_equal(map_integrator_create(&integrator, &settings, NULL), 0);
    return integrator;
}

static void integrate(double *phi, const struct field *field, enum map_border border,
                      double high_pass)
{
    struct map_integrator *const integrator = integrator_for(border, high_pass);
    map_integrate(integrator, phi, field->y, field->x);
    map_integrator_destroy(integrator);
}

/* A few waves that fit the map, slopes by hand. */
static void fill_waves(struct field *field)
{
    static const double waves[][4] = {
        {1, 0, 1, 0.3}, {3, 5, 0.4, 1}, {-7, 2, 0.2, 2}, {0, 20, 0.3, 0}};
    memset(field, 0, sizeof *field);
    for (unsigned i = 0; i < N; i++) {
        for (unsigned j = 0; j < 4; j++) {
            const double qy = 2 * M_PI * waves[j][0] / (NY * step_y);
            const double qx = 2 * M_PI * waves[j][1] / (NX * step_x);
            const double angle = qy * (i / NX) * step_y + qx * (i % NX) * step_x + waves[j][3];
            field->phi[i] += waves[j][2] * cos(angle);
            field->y[i] -= waves[j][2] * qy * sin(angle);
            field->x[i] -= waves[j][2] * qx * sin(angle);
        }
    }
}

static void periodic_waves_come_back_exactly(void **state)
{
    static struct field field;
    static double phi[N];
    fill_waves(&field);
    for (unsigned i = 0; i < N; i++) {
        field.y[i] += 5; /* a uniform shift is lost */
        field.x[i] -= 3;
    }
    integrate(phi, &field, MAP_BORDER_PERIODIC, 0);
    assert_true(rms_difference(phi, field.phi, N) < 1e-12 * rms(field.phi, N));
}

/* Blobs of atoms and a smooth hill that is cut by the border; gradient by hand. */
static void fill_blobs(struct field *field)
{
    static const double blobs[][4] = {
        {5, 4, 1.2, 1}, {12, 9, 1.5, 0.7}, {18, 13, 1, 1.5}, {9, 15, 1.3, 1}, {24, 0, 8, 3}};
    memset(field, 0, sizeof *field);
    for (unsigned i = 0; i < N; i++) {
        for (unsigned j = 0; j < 5; j++) {
            const double y = (i / NX) * step_y - blobs[j][0], x = (i % NX) * step_x - blobs[j][1];
            const double width = blobs[j][2] * blobs[j][2];
            const double value = blobs[j][3] * exp(-(y * y + x * x) / 2 / width);
            field->phi[i] += value;
            field->y[i] -= value * y / width;
            field->x[i] -= value * x / width;
        }
    }
    remove_mean(field->phi, N);
}

static void a_field_cut_by_the_border_needs_the_mirror(void **state)
{
    static struct field field;
    static double phi[N];
    fill_blobs(&field);
    integrate(phi, &field, MAP_BORDER_MIRROR, 0);
    const double mirrored = rms_difference(phi, field.phi, N) / rms(field.phi, N);
    integrate(phi, &field, MAP_BORDER_PERIODIC, 0);
    const double periodic = rms_difference(phi, field.phi, N) / rms(field.phi, N);
    print_message("relative error: mirror %.4f, periodic %.4f\n", mirrored, periodic);
    assert_true(mirrored < 0.02);
    assert_true(periodic > 0.1);
}

static void a_uniform_shift_becomes_a_ramp(void **state)
{
    static struct field field;
    static double phi[N];
    for (unsigned i = 0; i < N; i++) {
        field.phi[i] = 0.3 * (i / NX) * step_y - 0.2 * (i % NX) * step_x;
        field.y[i] = 0.3;
        field.x[i] = -0.2;
    }
    remove_mean(field.phi, N);
    integrate(phi, &field, MAP_BORDER_MIRROR, 0);
    assert_true(rms_difference(phi, field.phi, N) < 0.01 * rms(field.phi, N));
}

/* The cosine transform against what it stands for: the map mirrored with its signs, periodic. */
static void mirror_equals_padding(void **state)
{
    static struct field field;
    static double phi[N], padded_y[4 * N], padded_x[4 * N], padded_phi[4 * N];
    const struct map_integrator_settings settings = {
        2 * NY, 2 * NX, step_y, step_x, MAP_BORDER_PERIODIC, 0.11};
    struct map_integrator *integrator;
    struct random_numbers random = {3};
    for (unsigned i = 0; i < N; i++) {
        field.y[i] = random_gaussian(&random);
        field.x[i] = random_gaussian(&random);
    }
    for (unsigned y = 0; y < 2 * NY; y++) {
        for (unsigned x = 0; x < 2 * NX; x++) {
            const unsigned i = (y < NY ? y : 2 * NY - 1 - y) * NX + (x < NX ? x : 2 * NX - 1 - x);
            padded_y[y * 2 * NX + x] = y < NY ? field.y[i] : -field.y[i];
            padded_x[y * 2 * NX + x] = x < NX ? field.x[i] : -field.x[i];
        }
    }
    integrate(phi, &field, MAP_BORDER_MIRROR, 0.11);
    assert_int_equal(map_integrator_create(&integrator, &settings, NULL), 0);
    map_integrate(integrator, padded_phi, padded_y, padded_x);
    map_integrator_destroy(integrator);
    for (unsigned i = 0; i < N; i++)
        assert_near(phi[i], padded_phi[i / NX * 2 * NX + i % NX], 1e-13);
}

static void the_high_pass_halves_its_own_wave(void **state)
{
    static struct field field;
    static double phi[N];
    const double q = 3 / (NX * step_x);
    for (unsigned i = 0; i < N; i++) {
        field.phi[i] = cos(2 * M_PI * q * (i % NX) * step_x);
        field.x[i] = -2 * M_PI * q * sin(2 * M_PI * q * (i % NX) * step_x);
        field.y[i] = 0;
    }
    integrate(phi, &field, MAP_BORDER_PERIODIC, q);
    for (unsigned i = 0; i < N; i++)
        assert_near(phi[i], field.phi[i] / 2, 1e-12);
    integrate(phi, &field, MAP_BORDER_PERIODIC, q / 2);
    for (unsigned i = 0; i < N; i++)
        assert_near(phi[i], field.phi[i] * 15 / 16, 1e-12);
}

static void unmeasured_positions_are_no_shift_and_stay_unmeasured(void **state)
{
    static struct field field, zeroed;
    static double phi[N], expected[N];
    fill_blobs(&field);
    fill_blobs(&zeroed);
    for (unsigned i = 300; i < 420; i++) {
        *(i % 2 ? &field.y[i] : &field.x[i]) = NAN;
        zeroed.y[i] = zeroed.x[i] = 0;
    }
    for (unsigned border = 0; border < 2; border++) {
        integrate(expected, &zeroed, border, 0);
        integrate(phi, &field, border, 0);
        for (unsigned i = 0; i < N; i++) {
            if (i >= 300 && i < 420)
                assert_true(isnan(phi[i]));
            else
                assert_near(phi[i], expected[i], 1e-14);
        }
    }
}

static void an_integrator_can_be_used_again_and_in_place(void **state)
{
    static struct field field, other;
    static double first[N];
    struct map_integrator *const integrator = integrator_for(MAP_BORDER_MIRROR, 0);
    fill_blobs(&field);
    fill_waves(&other);
    map_integrate(integrator, first, field.y, field.x);
    map_integrate(integrator, other.y, other.y, other.x);
    map_integrate(integrator, field.y, field.y, field.x);
    assert_memory_equal(first, field.y, sizeof first);
    map_integrator_destroy(integrator);
    map_integrator_destroy(NULL);
}

static void odd_and_tiny_maps_integrate_too(void **state)
{
    for (uint32_t ny = 1; ny < 6; ny++) {
        for (uint32_t nx = 1; nx < 6; nx++) {
            for (unsigned border = 0; border < 2; border++) {
                const struct map_integrator_settings settings = {ny, nx, 1, 1, border, 0};
                struct map_integrator *integrator;
                double y[25], x[25], phi[25], sum = 0;
                for (unsigned i = 0; i < ny * nx; i++)
                    y[i] = x[i] = i % 3;
                assert_int_equal(map_integrator_create(&integrator, &settings, NULL), 0);
                map_integrate(integrator, phi, y, x);
                for (unsigned i = 0; i < ny * nx; i++)
                    sum += phi[i];
                assert_near(sum, 0, 1e-13);
                map_integrator_destroy(integrator);
            }
        }
    }
}

static void settings_out_of_range_are_refused(void **state)
{
    static const struct map_integrator_settings wrong[] = {
        {0, 4, 1, 1, 0, 0},   {4, 1 << 20, 1, 1, 0, 0}, {4, 4, 0, 1, 0, 0},  {4, 4, 1, -1, 0, 0},
        {4, 4, 1, NAN, 0, 0}, {4, 4, 1, 1, 0, -1},      {4, 4, 1, 1, 0, NAN}};
    struct map_integrator *integrator;
    struct map_ricom *ricom;
    struct error error = {0};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(map_integrator_create(&integrator, &wrong[i], &error), -EINVAL);
    assert_int_equal(map_ricom_create(&ricom, 0, 4, 3, 1, &error), -EINVAL);
    assert_int_equal(map_ricom_create(&ricom, 4, 4, 0, 1, &error), -EINVAL);
    assert_int_equal(map_ricom_create(&ricom, 4, 4, 3, 0, &error), -EINVAL);
    assert_int_equal(map_ricom_create(&ricom, 4, 4, 5000, 1, &error), -EINVAL);
}

static struct map_ricom *ricom_for(uint32_t radius, double step)
{
    struct map_ricom *ricom;
    assert_int_equal(map_ricom_create(&ricom, NY, NX, radius, step, NULL), 0);
    return ricom;
}

/* The sum of the header, written down. */
static double convolved(const struct field *field, unsigned i, double radius, double step)
{
    double sum = 0;
    for (unsigned j = 0; j < N; j++) {
        const double y = (double)(i / NX) - j / NX, x = (double)(i % NX) - j % NX;
        const double square = y * y + x * x;
        if (square > 0 && square <= radius * radius && !isnan(field->y[j]))
            sum += (field->y[j] * y + field->x[j] * x) / square;
    }
    return step * sum / (2 * M_PI);
}

static void a_growing_scan_ends_as_the_full_convolution(void **state)
{
    static struct field field;
    static double phi[N];
    struct random_numbers random = {9};
    struct map_ricom *const ricom = ricom_for(9, 0.4);
    for (unsigned i = 0; i < N; i++) {
        field.y[i] = random_gaussian(&random);
        field.x[i] = random_gaussian(&random);
    }
    for (unsigned i = 0; i < N; i += 13)
        field.y[i] = field.x[i] = NAN;
    /* In an order of its own, some positions twice, the first time wrong. */
    for (unsigned i = 0; i < N; i++) {
        const unsigned j = i * 1009 % N;
        if (i % 5 == 0)
            assert_int_equal(map_ricom_add(ricom, j / NX, j % NX, 17, -4), 0);
        assert_int_equal(map_ricom_add(ricom, j / NX, j % NX, field.y[j], field.x[j]), 0);
    }
    map_ricom_get(ricom, phi);
    for (unsigned i = 0; i < N; i++) {
        if (isnan(field.y[i]))
            assert_true(isnan(phi[i]));
        else
            assert_near(phi[i], convolved(&field, i, 9, 0.4), 1e-11);
    }
    map_ricom_destroy(ricom);
    map_ricom_destroy(NULL);
}

static void positions_to_come_contribute_nothing(void **state)
{
    static struct field field;
    static double phi[N];
    struct map_ricom *const ricom = ricom_for(12, 1);
    fill_blobs(&field);
    for (unsigned i = 0; i < N / 2; i++)
        assert_int_equal(map_ricom_add(ricom, i / NX, i % NX, field.y[i], field.x[i]), 0);
    map_ricom_get(ricom, phi);
    for (unsigned i = N / 2; i < N; i++) {
        assert_true(isnan(phi[i]));
        field.y[i] = NAN;
    }
    for (unsigned i = 0; i < N / 2; i += 11)
        assert_near(phi[i], convolved(&field, i, 12, 1), 1e-11);
    map_ricom_clear(ricom);
    map_ricom_get(ricom, phi);
    for (unsigned i = 0; i < N; i++)
        assert_true(isnan(phi[i]));
    map_ricom_add(ricom, 3, 4, 1, 0);
    map_ricom_get(ricom, phi);
    assert_near(phi[3 * NX + 4], 0, 0);
    assert_int_equal(map_ricom_add(ricom, NY, 0, 1, 1), -EINVAL);
    assert_int_equal(map_ricom_add(ricom, 0, NX, 1, 1), -EINVAL);
    map_ricom_destroy(ricom);
}

/* Away from the border, with a kernel as wide as the map, both ways of integrating agree with the
 * truth: sign, step and factor. */
static void both_ways_find_the_same_potential(void **state)
{
    static struct field field;
    static double phi[N], fourier[N];
    struct map_ricom *const ricom = ricom_for(200, 0.5);
    const struct map_integrator_settings settings = {NY, NX, 0.5, 0.5, MAP_BORDER_MIRROR, 0};
    struct map_integrator *integrator;
    for (unsigned i = 0; i < N; i++) {
        const double y = (i / NX) * 0.5 - 11, x = (i % NX) * 0.5 - 18;
        field.phi[i] = 2 * exp(-(y * y + x * x) / 8);
        field.y[i] = -field.phi[i] * y / 4;
        field.x[i] = -field.phi[i] * x / 4;
        map_ricom_add(ricom, i / NX, i % NX, field.y[i], field.x[i]);
    }
    map_ricom_get(ricom, phi);
    map_ricom_destroy(ricom);
    assert_int_equal(map_integrator_create(&integrator, &settings, NULL), 0);
    map_integrate(integrator, fourier, field.y, field.x);
    map_integrator_destroy(integrator);
    remove_mean(phi, N);
    remove_mean(field.phi, N);
    const double size = rms(field.phi, N);
    print_message("relative error: Fourier %.5f, riCOM %.5f\n",
                  rms_difference(fourier, field.phi, N) / size,
                  rms_difference(phi, field.phi, N) / size);
    assert_true(rms_difference(fourier, field.phi, N) < 1e-4 * size);
    assert_true(rms_difference(phi, field.phi, N) < 0.02 * size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periodic_waves_come_back_exactly),
        cmocka_unit_test(a_field_cut_by_the_border_needs_the_mirror),
        cmocka_unit_test(a_uniform_shift_becomes_a_ramp),
        cmocka_unit_test(mirror_equals_padding),
        cmocka_unit_test(the_high_pass_halves_its_own_wave),
        cmocka_unit_test(unmeasured_positions_are_no_shift_and_stay_unmeasured),
        cmocka_unit_test(an_integrator_can_be_used_again_and_in_place),
        cmocka_unit_test(odd_and_tiny_maps_integrate_too),
        cmocka_unit_test(settings_out_of_range_are_refused),
        cmocka_unit_test(a_growing_scan_ends_as_the_full_convolution),
        cmocka_unit_test(positions_to_come_contribute_nothing),
        cmocka_unit_test(both_ways_find_the_same_potential),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
