#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/processing/bragg_scene.h"

/* Where disks are that their edges tell too little of: soft ones, and those that are masked in
 * part.
 */

enum { N = 60, COUNTS = 400 };
#define RADIUS 3.4

static struct scene scene;
static uint8_t bad[PATTERN_PIXELS];

static double normal(uint64_t *state)
{
    return sqrt(-2 * log(1 - pattern_uniform(state))) * cos(2 * M_PI * pattern_uniform(state));
}

/* Counts that are scattered over a disk of which each point is smeared by `blur`. */
static void scatter(double y, double x, double blur, uint64_t seed)
{
    uint64_t state = seed;
    for (int i = 0; i < COUNTS; i++) {
        const double r = RADIUS * sqrt(pattern_uniform(&state));
        const double angle = 2 * M_PI * pattern_uniform(&state);
        const int row = (int)rint(y + r * sin(angle) + blur * normal(&state));
        const int column = (int)rint(x + r * cos(angle) + blur * normal(&state));
        scene.counts[row * PATTERN_SIDE + column] += !bad[row * PATTERN_SIDE + column];
    }
}

static void open_scene(void)
{
    struct bragg_reference_values values;
    scene.glass = scene_glass(1, RADIUS, 46);
    scene.glass.speckle_fields = 0;
    scene.settings = scene_settings(&scene.glass, 25);
    scene_learn(&scene, 40);
    bragg_learner_values(scene.learner, &scene.settings, bad, &values);
    bragg_scratch_destroy(scene.scratch);
    bragg_reference_unref(scene.reference);
    assert_int_equal(bragg_reference_create(&scene.reference, &values, NULL), 0);
    assert_int_equal(bragg_scratch_create(&scene.scratch, scene.reference, cpu_isa_best(), NULL),
                     0);
}

struct errors {
    double error2, sigma2; /* sums over both coordinates */
    int n;
};

/* Classifies patterns with a disk at places within a pixel from (y, x) off the centre. */
static struct errors place_disks(double y, double x, double blur)
{
    struct errors errors = {0};
    const struct bragg_frame frame = {scene.counts, 4, false};
    for (int i = 0; i < N; i++) {
        const double row = scene.glass.centre_y + y + i % 8 / 8.;
        const double column = scene.glass.centre_x + x + i / 8 / 8.;
        pattern_make(scene.counts, &scene.glass, (uint64_t)i);
        scatter(row, column, blur, (uint64_t)i);
        bragg_classify(scene.scratch, &frame, &scene.result);
        if (scene.result.n_reflections != 1)
            continue;
        const struct bragg_reflection *const r = &scene.result.reflections[0];
        errors.n++;
        errors.error2 += pow(r->y - row, 2) + pow(r->x - column, 2);
        errors.sigma2 += 2 * r->sigma * r->sigma;
    }
    return errors;
}

/* Variance of a coordinate: s^2 / S (1 + B / S) for S counts that are spread s^2 along an axis, on
 * a background of B under a disk so spread. */
static double variance_of_place(double y, double x, double blur)
{
    const double spread = RADIUS * RADIUS / 4 + 1. / 12 + blur * blur;
    const double background =
        scene.glass.counts * pattern_halo(&scene.glass, y, x) * M_PI * 4 * spread;
    return spread / COUNTS * (1 + background / COUNTS);
}

/* A cluster smaller than the probe: hardly an edge that a window could be moved across. */
static void soft_disks_are_placed_by_all_of_their_counts(void **state)
{
    const double blur = 3.3;
    open_scene();
    const struct errors errors = place_disks(34, 6, blur);
    assert_true(errors.n >= N - 2);
    assert_true(errors.error2 < 1.25 * 1.25 * 2 * N * variance_of_place(34, 6, blur));
    assert_true(errors.error2 < 1.3 * 1.3 * errors.sigma2 &&
                errors.sigma2 < 1.3 * 1.3 * errors.error2);
    scene_close(&scene);
}

/* The border between two chips takes a part of each disk. */
static void disks_at_a_masked_cross_are_placed_by_what_is_left(void **state)
{
    for (int row = 0; row < PATTERN_SIDE; row++)
        memset(bad + row * PATTERN_SIDE + 94, 1, 4);
    open_scene();
    const struct errors errors = place_disks(34, 3, 0);
    assert_int_equal(errors.n, N);
    assert_true(errors.error2 < 1.3 * 1.3 * 2 * N * variance_of_place(34, 3, 0));
    assert_true(errors.error2 < 1.5 * 1.5 * errors.sigma2 &&
                errors.sigma2 < 1.5 * 1.5 * errors.error2);
    scene_close(&scene);
    memset(bad, 0, sizeof(bad));
}

/* The other one's light is in the windows that are moved across an edge, and in the wide window. */
static void touching_disks_do_not_pull_at_each_other(void **state)
{
    double error2 = 0;
    int n = 0;
    open_scene();
    scene.glass.n_disks = 2;
    scene.glass.disks[0].contrast = scene.glass.disks[1].contrast = 8;
    for (int i = 0; i < 25; i++) {
        const double y = scene.glass.disks[0].y = 33 + 0.2 * (i % 5);
        const double x = scene.glass.disks[0].x = 8 + 0.2 * (i / 5);
        scene.glass.disks[1].y = y - 1.5;
        scene.glass.disks[1].x = x + 6.8;
        scene_classify(&scene, (uint64_t)i);
        if (scene.result.n_reflections != 2)
            continue;
        const struct bragg_reflection *const r = scene.result.reflections;
        const struct bragg_reflection *const left = r[0].x < r[1].x ? &r[0] : &r[1];
        error2 += pow(left->y - scene.glass.centre_y - y, 2);
        error2 += pow(left->x - scene.glass.centre_x - x, 2);
        n++;
    }
    assert_true(n >= 22);
    assert_true(error2 < 0.4 * 0.4 * n);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(soft_disks_are_placed_by_all_of_their_counts),
        cmocka_unit_test(disks_at_a_masked_cross_are_placed_by_what_is_left),
        cmocka_unit_test(touching_disks_do_not_pull_at_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
