#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processing/analysis/calibration.h"
#include "processing/analysis/calibration_rings.h"
#include "processing/analysis/probe_disk.h"
#include "tests/unit/processing/numbers.h"

/* Williams & Carter, Transmission Electron Microscopy, table 1.2 (relativistic). */
static void wavelengths_are_those_of_the_tables(void **state)
{
    assert_near(electron_wavelength(100), 3.70e-3, 5e-6);
    assert_near(electron_wavelength(120), 3.35e-3, 5e-6);
    assert_near(electron_wavelength(200), 2.51e-3, 5e-6);
    assert_near(electron_wavelength(300), 1.97e-3, 5e-6);
    /* By hand from p c = sqrt(T (T + 2 m c^2)), h c = 1239.8419843 eV nm, m c^2 = 510998.95069 eV.
     */
    for (double kv = 30; kv <= 400; kv += 10)
        assert_near(electron_wavelength(kv),
                    1239.8419843320026 / sqrt(kv * 1e3 * (kv * 1e3 + 2 * 510998.95069)), 1e-12);
    assert_true(isnan(electron_wavelength(0)));
    assert_true(isnan(electron_wavelength(-200)));
    assert_true(isnan(electron_wavelength(NAN)));
}

static void k_per_pixel_of_a_camera_length(void **state)
{
    const double wavelength = electron_wavelength(200);
    const double k = k_per_pixel_of_camera(185, wavelength, MERLIN_PIXEL_PITCH_UM);
    assert_near(k, 0.118540, 1e-5); /* 55e-3 / (185 * 2.50793e-3) */
    /* The corner that the notes name: about 38 mrad at the edge of 256 pixels. */
    assert_near(angle_of_radius(128, k, wavelength), 128 * 55e-3 / 185 * 1e3, 1e-9);
    assert_near(angle_of_radius(128, k, wavelength), 38, 0.1);
    assert_true(isnan(k_per_pixel_of_camera(0, wavelength, 55)));
    assert_true(isnan(k_per_pixel_of_camera(185, NAN, 55)));
}

static void counts_per_electron_with_its_error(void **state)
{
    /* 1 pA for 1 ms: 6241.5 electrons a frame. */
    struct vacuum_exposure exposure = {.counts = 2 * 6241.509 * 100,
                                       .frames = 100,
                                       .exposure_s = 1e-3,
                                       .current_pa = 1,
                                       .current_error_pa = 0.03,
                                       .overdispersion = 2};
    double value, value_error;
    assert_int_equal(counts_per_electron(&value, &value_error, &exposure, NULL), 0);
    assert_near(value, 2, 1e-5);
    assert_near(value_error, 0.06, 1e-4);
    exposure.current_error_pa = 0;
    assert_int_equal(counts_per_electron(&value, &value_error, &exposure, NULL), 0);
    assert_near(value_error, 2 * sqrt(2 / exposure.counts), 1e-9);
    exposure.exposure_s = 0;
    assert_int_equal(counts_per_electron(&value, &value_error, &exposure, NULL), -EINVAL);
}

enum { N_BINS = 180 };

static const double true_k = 0.0712;
/* Gold, a = 0.40786 nm: 111, 200, 220, 311, 222, 400, 331, 420. */
static const double gold[] = {0.23548, 0.20393, 0.14420, 0.12297,
                              0.11774, 0.10197, 0.09357, 0.09120};
static const double strength[] = {1, 0.5, 0.35, 0.4, 0.12, 0.06, 0.12, 0.1};
/* Iron, a = 0.28665 nm: 110, 200, 211, 220, 310. */
static const double iron[] = {0.20269, 0.14333, 0.11702, 0.10135, 0.09065};

struct film {
    double counts[N_BINS], areas[N_BINS];
    struct ring_profile profile;
};

static struct film film;

static void expose(const double *spacings, const double *strengths, size_t n, double dose,
                   uint64_t seed)
{
    struct random_numbers random = {seed};
    for (unsigned i = 0; i < N_BINS; i++) {
        const double radius = i + 0.5;
        double density = 3 * exp(-radius / 15) + 0.05;
        for (unsigned ring = 0; ring < n; ring++) {
            const double t = (radius - 1 / (spacings[ring] * true_k)) / 1.8;
            density += (strengths ? strengths[ring] : 0.5) * exp(-t * t / 2);
        }
        film.areas[i] = round(2 * M_PI * radius);
        film.counts[i] = random_poisson(&random, dose * density * film.areas[i]);
    }
    film.profile = (struct ring_profile){N_BINS, film.counts, film.areas, 1};
}

static const struct ring_settings for_gold = {
    .d_spacings = gold, .n_spacings = 8, .width = 1.8, .nominal = 0.075, .tolerance = 0.15};

static void rings_are_found_where_they_are(void **state)
{
    struct found_ring rings[RINGS_MAX];
    size_t n;
    expose(gold, strength, 8, 1000, 3);
    assert_int_equal(rings_find(rings, &n, &film.profile, 1.8, NULL), 0);
    assert_int_equal(n, 6); /* 222 is hidden beside 311, and 420 beside 331 */
    for (unsigned i = 0; i < 3; i++)
        assert_near(rings[i].radius, 1 / (gold[i] * true_k), 0.1);
    assert_near(rings[4].radius, 1 / (gold[5] * true_k), 0.2);
    for (unsigned i = 0; i < 6; i++)
        assert_true(rings[i].significance > 6);
    expose(gold, strength, 0, 1000, 3);
    assert_int_equal(rings_find(rings, &n, &film.profile, 1.8, NULL), 0);
    assert_int_equal(n, 0);
    assert_int_equal(rings_find(rings, &n, &film.profile, 0, NULL), -EINVAL);
}

/* A narrow filter has few weights, whose sum must be zero all the same. */
static void an_even_light_has_no_rings(void **state)
{
    struct random_numbers random = {41};
    struct found_ring rings[RINGS_MAX];
    size_t n;
    for (unsigned i = 0; i < N_BINS; i++) {
        film.areas[i] = 100;
        film.counts[i] = random_poisson(&random, 1e8);
    }
    film.profile = (struct ring_profile){N_BINS, film.counts, film.areas, 1};
    assert_int_equal(rings_find(rings, &n, &film.profile, 0.6, NULL), 0);
    assert_int_equal(n, 0);
}

static void the_error_of_a_ring_is_what_many_profiles_show(void **state)
{
    enum { N_PROFILES = 100 };
    struct found_ring rings[RINGS_MAX];
    double pull = 0;
    for (unsigned i = 0; i < N_PROFILES; i++) {
        size_t n;
        expose(gold, strength, 1, 3, 50 + i);
        assert_int_equal(rings_find(rings, &n, &film.profile, 1.8, NULL), 0);
        assert_int_equal(n, 1);
        pull +=
            pow((rings[0].radius - 1 / (gold[0] * true_k)) / rings[0].radius_error, 2) / N_PROFILES;
    }
    assert_near(sqrt(pull), 1, 0.25);
}

static void gold_gives_k_per_pixel(void **state)
{
    struct ring_calibration calibration;
    struct ring_settings free = for_gold;
    expose(gold, strength, 8, 300, 4);
    assert_int_equal(rings_calibrate(&calibration, &film.profile, &for_gold, NULL), 0);
    assert_near(calibration.k_per_pixel, true_k, 4 * calibration.k_per_pixel_error);
    assert_true(calibration.k_per_pixel_error < 2e-3 * true_k);
    assert_near(calibration.k_per_pixel, true_k, 1.5e-4 * true_k); /* no blend pulls */
    assert_true(calibration.n_assigned >= 5);
    assert_false(calibration.assigned[0].blended);
    assert_true(calibration.assigned[3].blended);
    assert_true(calibration.reduced_chi2 < 10);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(calibration.assigned[i].spacing, i);
    /* Without anything known before. */
    free.nominal = 0;
    assert_int_equal(rings_calibrate(&calibration, &film.profile, &free, NULL), 0);
    assert_near(calibration.k_per_pixel, true_k, 4 * calibration.k_per_pixel_error);
    print_message("gold: %.6f +- %.6f, chi2 %.2f, %zu of %zu rings\n", calibration.k_per_pixel,
                  calibration.k_per_pixel_error, calibration.reduced_chi2, calibration.n_assigned,
                  calibration.n_found);
}

static void a_missing_and_a_foreign_ring_do_not_mislead(void **state)
{
    double spacings[9], strengths[9];
    struct ring_calibration calibration;
    memcpy(spacings, gold, sizeof gold);
    memcpy(strengths, strength, sizeof strength);
    strengths[2] = 0; /* 220 behind a texture */
    spacings[8] = 0.170;
    strengths[8] = 0.3; /* an oxide */
    expose(spacings, strengths, 9, 300, 5);
    assert_int_equal(rings_calibrate(&calibration, &film.profile, &for_gold, NULL), 0);
    assert_near(calibration.k_per_pixel, true_k, 4 * calibration.k_per_pixel_error);
    for (unsigned i = 0; i < calibration.n_assigned; i++)
        assert_true(calibration.assigned[i].spacing != 2);
    assert_true(calibration.n_assigned < calibration.n_found);
}

static void the_wrong_crystal_is_refused(void **state)
{
    struct ring_calibration calibration;
    struct error error = {0};
    struct ring_settings settings = for_gold;
    settings.d_spacings = iron;
    settings.n_spacings = 5;
    expose(gold, strength, 8, 300, 6);
    assert_int_equal(rings_calibrate(&calibration, &film.profile, &settings, &error), -EDOM);
    /* Gold, but the camera length is far from what was said. */
    settings = for_gold;
    settings.nominal = 0.14;
    assert_int_equal(rings_calibrate(&calibration, &film.profile, &settings, &error), -EDOM);
    print_message("%s\n", error.text);
}

static void two_rings_fit_anything(void **state)
{
    /* Equal ratios: 1 : 1/2 : 1/4 and two rings of ratio 2. */
    static const double doubling[] = {0.4, 0.2, 0.1}, two[] = {0.4, 0.2};
    struct ring_settings settings = {
        .d_spacings = doubling, .n_spacings = 3, .width = 1.8, .nominal = 0.07, .tolerance = 2};
    struct ring_calibration calibration;
    struct error error = {0};
    expose(two, NULL, 2, 300, 7);
    assert_int_equal(rings_calibrate(&calibration, &film.profile, &settings, &error), -EDOM);
    assert_non_null(strstr(error.text, "give more rings"));
    settings.nominal = 0;
    assert_int_equal(rings_calibrate(&calibration, &film.profile, &settings, &error), -ENODATA);
    assert_non_null(strstr(error.text, "2 rings stand out"));
    settings.nominal = 0.07;
    settings.tolerance = 0.1;
    assert_int_equal(rings_calibrate(&calibration, &film.profile, &settings, &error), 0);
    assert_near(calibration.k_per_pixel, true_k, 4 * calibration.k_per_pixel_error);
}

static void a_list_that_makes_no_sense_is_refused(void **state)
{
    struct ring_calibration calibration;
    struct ring_settings settings = for_gold;
    struct error error = {0};
    expose(gold, strength, 8, 300, 6);
    settings.d_spacings = (double[]){0.2, 0};
    settings.n_spacings = 2;
    assert_int_equal(rings_calibrate(&calibration, &film.profile, &settings, &error), -EINVAL);
    assert_non_null(strstr(error.text, "d-spacing 2"));
    settings.n_spacings = 0;
    assert_int_equal(rings_calibrate(&calibration, &film.profile, &settings, &error), -EINVAL);
}

enum { SIDE = 64, N = SIDE * SIDE };

static double vacuum[N];

/* A disk with axes a along `azimuth` and b across, edge blurred by a Gaussian of sigma 1, sampled
 * 8x8 times in every pixel. seed 0: without noise. */
static void open_beam(double centre_y, double centre_x, double a, double b, double azimuth,
                      double level, uint64_t seed)
{
    struct random_numbers random = {seed};
    const double c = cos(azimuth * M_PI / 180), s = sin(azimuth * M_PI / 180);
    for (unsigned i = 0; i < N; i++) {
        double sum = 0;
        for (unsigned j = 0; j < 64; j++) {
            const double y = i / SIDE + (j / 8 - 3.5) / 8 - centre_y;
            const double x = i % SIDE + (j % 8 - 3.5) / 8 - centre_x;
            const double along = (x * c + y * s) / a, across = (y * c - x * s) / b;
            sum += erfc((hypot(along, across) - 1) * sqrt(a * b) / M_SQRT2) / 128;
        }
        const double mean = 0.2 + level * sum;
        vacuum[i] = seed ? random_poisson(&random, mean) : mean;
    }
}

static void a_probe_disk_is_measured(void **state)
{
    struct probe_disk disk;
    open_beam(30.3, 33.8, 12.5, 12.5, 0, 500, 0);
    assert_int_equal(probe_disk_measure(&disk, vacuum, SIDE, SIDE, 1, NULL), 0);
    assert_near(disk.centre_y, 30.3, 0.002);
    assert_near(disk.centre_x, 33.8, 0.002);
    assert_near(disk.radius, 12.5, 0.02);
    assert_near(disk.axis_ratio, 1, 2e-3);
    assert_near(disk.edge_width, 2.563, 0.15);
    assert_near(disk.level, 500.2, 2);
    assert_near(disk.counts, 500 * M_PI * 12.5 * 12.5, 1000);
    open_beam(30.3, 33.8, 13, 12, 25, 500, 0);
    assert_int_equal(probe_disk_measure(&disk, vacuum, SIDE, SIDE, 1, NULL), 0);
    assert_near(disk.axis_ratio, 13 / 12.0, 2e-3);
    assert_near(disk.axis_azimuth, 25, 1);
    /* A probe of 1 mrad: 3.4 pixels. */
    open_beam(31.2, 31.7, 3.4, 3.4, 0, 2000, 0);
    assert_int_equal(probe_disk_measure(&disk, vacuum, SIDE, SIDE, 1, NULL), 0);
    assert_near(disk.radius, 3.4, 0.1);
    assert_near(disk.centre_y, 31.2, 0.01);
}

static void the_errors_of_the_disk_are_what_many_references_show(void **state)
{
    enum { N_REFERENCES = 30 };
    double pull[4] = {0};
    for (unsigned i = 0; i < N_REFERENCES; i++) {
        struct probe_disk disk;
        open_beam(30.3, 33.8, 9, 9, 0, 20, 60 + i);
        vacuum[20 * SIDE + 50] = 3000; /* a hot pixel that is not masked yet ruins a fit: mask it */
        vacuum[20 * SIDE + 50] = NAN;
        assert_int_equal(probe_disk_measure(&disk, vacuum, SIDE, SIDE, 1, NULL), 0);
        pull[0] += pow((disk.centre_y - 30.3) / disk.centre_y_error, 2) / N_REFERENCES;
        pull[1] += pow((disk.centre_x - 33.8) / disk.centre_x_error, 2) / N_REFERENCES;
        pull[2] += pow((disk.radius - 9) / disk.radius_error, 2) / N_REFERENCES;
        pull[3] += pow((disk.edge_width - 2.6) / disk.edge_width_error, 2) / N_REFERENCES;
    }
    for (unsigned i = 0; i < 4; i++)
        assert_near(sqrt(pull[i]), 1, 0.4);
}

static void what_is_no_disk_is_refused(void **state)
{
    struct probe_disk disk;
    struct error error = {0};
    open_beam(2, 33.8, 12, 12, 0, 500, 0);
    assert_int_equal(probe_disk_measure(&disk, vacuum, SIDE, SIDE, 1, &error), -ERANGE);
    assert_non_null(strstr(error.text, "border"));
    memset(vacuum, 0, sizeof vacuum);
    assert_int_equal(probe_disk_measure(&disk, vacuum, SIDE, SIDE, 1, &error), -ENODATA);
    struct random_numbers random = {5};
    for (unsigned i = 0; i < N; i++)
        vacuum[i] = random_poisson(&random, 10);
    assert_true(probe_disk_measure(&disk, vacuum, SIDE, SIDE, 1, &error) < 0);
    open_beam(30, 30, 5, 5, 0, 1, 8);
    assert_true(probe_disk_measure(&disk, vacuum, SIDE, SIDE, 1, &error) < 0); /* 78 counts */
    assert_int_equal(probe_disk_measure(&disk, vacuum, 7, SIDE, 1, &error), -EINVAL);
    assert_int_equal(probe_disk_measure(&disk, vacuum, SIDE, SIDE, 0, &error), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wavelengths_are_those_of_the_tables),
        cmocka_unit_test(k_per_pixel_of_a_camera_length),
        cmocka_unit_test(counts_per_electron_with_its_error),
        cmocka_unit_test(rings_are_found_where_they_are),
        cmocka_unit_test(an_even_light_has_no_rings),
        cmocka_unit_test(the_error_of_a_ring_is_what_many_profiles_show),
        cmocka_unit_test(gold_gives_k_per_pixel),
        cmocka_unit_test(a_missing_and_a_foreign_ring_do_not_mislead),
        cmocka_unit_test(the_wrong_crystal_is_refused),
        cmocka_unit_test(two_rings_fit_anything),
        cmocka_unit_test(a_list_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_probe_disk_is_measured),
        cmocka_unit_test(the_errors_of_the_disk_are_what_many_references_show),
        cmocka_unit_test(what_is_no_disk_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
