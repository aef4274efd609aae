#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/bragg/bragg_disk_image.h"
#include "tests/unit/processing/bragg_scene.h"

/* Where a sector has a count or two and an electron fires two pixels, and where the disks' middles
 * lie between pixels. */

static struct scene scene;

static void open_scene(double counts, double disk_radius, int shares_charge, int n)
{
    scene.glass = scene_glass(counts, disk_radius, disk_radius > 6 ? 52 : 46);
    scene.glass.shares_charge = shares_charge;
    scene.glass.speckle_fields = 0;
    scene.settings = scene_settings(&scene.glass, disk_radius > 6 ? 19 : 25);
    scene_learn(&scene, n);
}

/* The levels of the sectors are sought the same way by every instruction set. */
static void assert_versions_agree(void)
{
    static struct bragg_result plain;
    const struct bragg_frame frame = {scene.counts, 4, false};
    for (int isa = CPU_ISA_PLAIN; isa < (int)cpu_isa_best(); isa++) {
        struct bragg_scratch *scratch;
        assert_int_equal(bragg_scratch_create(&scratch, scene.reference, (enum cpu_isa)isa, NULL),
                         0);
        bragg_classify_plain(scratch, &frame, &plain);
        bragg_scratch_destroy(scratch);
        assert_memory_equal(&plain, &scene.result, offsetof(struct bragg_result, reflections));
        assert_memory_equal(plain.reflections, scene.result.reflections,
                            plain.n_reflections * sizeof(plain.reflections[0]));
    }
}

/* Six disks of 12.8 pixels leave six gaps of three sectors, which alone tell the background. */
static void six_large_disks_are_found_at_few_counts(void **state)
{
    int on_axis = 0;
    open_scene(0.02, 12.8, 1, 200);
    for (int i = 0; i < 20; i++) {
        double degrees[6];
        for (int k = 0; k < 6; k++)
            degrees[k] = 7 * i + 60 * k;
        scene_put_disks(&scene, degrees, 6, 6);
        scene_classify(&scene, (uint64_t)i);
        on_axis += scene.result.class == BRAGG_ON_AXIS;
        if (i < 2)
            assert_versions_agree();
    }
    assert_true(on_axis >= 16);
    scene_close(&scene);
}

/* One bright glass in the same sectors is no lattice. */
static void a_brighter_glass_at_few_counts_has_no_disks(void **state)
{
    double scale = 0;
    open_scene(0.03, 12.8, 1, 200);
    scene.glass.counts *= 6;
    for (int i = 0; i < 40; i++) {
        scene_classify(&scene, (uint64_t)i);
        assert_int_equal(scene.result.class, BRAGG_NONE);
        scale += scene.result.scale / 40;
    }
    assert_true(fabs(scale / 6 - 1) < 0.05);
    scene_close(&scene);
}

/* Speckle that is not there is not made of what is left out of the background by chance. */
static void no_speckle_is_measured_where_there_is_none(void **state)
{
    struct bragg_reference_values values;
    struct bragg_refinement *refinement;
    open_scene(0.03, 12.8, 1, 200);
    scene.settings.speckle = NAN;
    bragg_learner_values(scene.learner, &scene.settings, NULL, &values);
    bragg_reference_unref(scene.reference);
    assert_int_equal(bragg_reference_create(&scene.reference, &values, NULL), 0);
    assert_int_equal(bragg_refinement_create(&refinement, scene.reference, cpu_isa_best(), NULL),
                     0);
    for (int i = 0; i < 200; i++) {
        pattern_make(scene.counts, &scene.glass, SCENE_TEMPLATE_SEED + (uint64_t)i);
        const struct bragg_frame frame = {scene.counts, 4, true};
        bragg_refinement_add(refinement, &frame, NULL);
    }
    assert_int_equal(bragg_refinement_values(refinement, &values, NULL), 0);
    for (int i = 0; i < BRAGG_SPECKLE_POINTS; i++)
        assert_true(values.speckle[BRAGG_MATCHED][i] < 0.03);
    bragg_refinement_destroy(refinement);
    scene_close(&scene);
}

/* With many counts only the pixel grid is left to move a disk from its place. */
static void disks_are_placed_between_pixels(void **state)
{
    double error2 = 0;
    open_scene(100, 3.4, 0, 10);
    for (int i = 0; i < 16; i++) {
        scene.glass.n_disks = 1;
        scene.glass.disks[0].y = 33 + 0.25 * (i % 4);
        scene.glass.disks[0].x = 8 + 0.25 * (i / 4);
        scene.glass.disks[0].contrast = 20;
        scene_classify(&scene, (uint64_t)i);
        assert_int_equal(scene.result.n_reflections, 1);
        const struct bragg_reflection *const r = &scene.result.reflections[0];
        const double dy = r->y - scene.glass.centre_y - scene.glass.disks[0].y;
        const double dx = r->x - scene.glass.centre_x - scene.glass.disks[0].x;
        error2 += (dy * dy + dx * dx) / 16;
        assert_true(hypot(dy, dx) < 4 * r->sigma);
    }
    assert_true(error2 < 0.04 * 0.04);
    scene_close(&scene);
}

static double image_sum(const struct bragg_disk_image *image)
{
    double sum = 0;
    for (int i = 0; i < BRAGG_IMAGE_SIDE * BRAGG_IMAGE_SIDE; i++)
        sum += image->at[BRAGG_IMAGE_COUNTS][i / BRAGG_IMAGE_SIDE][i % BRAGG_IMAGE_SIDE];
    return sum;
}

/* Wherever a disk lies, its pixels hold all of it, and their slopes are those of their counts. */
static void pixels_hold_what_lies_on_them(void **state)
{
    enum { REACH = BRAGG_IMAGE_REACH };
    const double step = 1e-5;
    for (int i = 0; i < 60; i++) {
        struct bragg_disk_image here, there[2];
        const double radius = 0.4 + 0.1 * (i % 20), shared = i / 20 * 0.05;
        const double y = 0.37 * (i % 4) - 0.5, x = 0.23 * (i % 5) - 0.5;
        bragg_disk_image_draw(&here, radius, REACH, shared, y, x);
        bragg_disk_image_draw(&there[0], radius, REACH, shared, y + step, x);
        bragg_disk_image_draw(&there[1], radius, REACH, shared, y, x + step);
        assert_true(fabs(image_sum(&here) - M_PI * radius * radius) < 1e-12);
        for (int j = 0; j < BRAGG_IMAGE_SIDE * BRAGG_IMAGE_SIDE; j++) {
            const int row = j / BRAGG_IMAGE_SIDE, column = j % BRAGG_IMAGE_SIDE;
            for (int axis = 0; axis < 2; axis++) {
                const double grown = there[axis].at[BRAGG_IMAGE_COUNTS][row][column] -
                                     here.at[BRAGG_IMAGE_COUNTS][row][column];
                const double slope = here.at[BRAGG_IMAGE_ALONG_Y + axis][row][column];
                assert_true(fabs(grown / step - slope) < 0.01);
            }
        }
    }
}

/* Variance of a coordinate of a disk in its pixels: s^2 / S (1 + B / S) for S counts that are
 * spread s^2 along an axis, on a background of B under a disk so spread (no speckle, no charge
 * sharing). */
static double variance_of_place(double y, double x, double contrast)
{
    const double spread = pow(scene.glass.disk_radius, 2) / 4 + 1. / 12;
    const double counts = scene.glass.counts * contrast * M_PI * pow(scene.glass.disk_radius, 2);
    const double background =
        scene.glass.counts * pattern_halo(&scene.glass, y, x) * M_PI * 4 * spread;
    return spread / counts * (1 + background / counts);
}

/* Nine pixels have hardly an edge to be placed by: all of them count. */
static void small_disks_are_placed_as_well_as_their_counts_allow(void **state)
{
    enum { STEPS = 10, N = STEPS * STEPS };
    double error2 = 0, formula2 = 0, sigma2 = 0;
    open_scene(5, 1.5, 0, 40);
    scene.glass.n_disks = 1;
    scene.glass.disks[0].contrast = 4;
    for (int i = 0; i < N; i++) {
        const double y = scene.glass.disks[0].y = 33 + (i % STEPS + 0.5) / STEPS;
        const double x = scene.glass.disks[0].x = 8 + (i / STEPS + 0.5) / STEPS;
        scene_classify(&scene, (uint64_t)i);
        assert_int_equal(scene.result.n_reflections, 1);
        const struct bragg_reflection *const r = &scene.result.reflections[0];
        error2 += pow(r->y - scene.glass.centre_y - y, 2);
        error2 += pow(r->x - scene.glass.centre_x - x, 2);
        formula2 += 2 * variance_of_place(y, x, 4);
        sigma2 += 2 * r->sigma * r->sigma;
    }
    assert_true(error2 < 1.3 * 1.3 * formula2);
    assert_true(error2 < 1.3 * 1.3 * sigma2 && sigma2 < 1.5 * 1.5 * error2);
    scene_close(&scene);
}

/* A pixel belongs to the disk that is nearer. */
static void small_disks_that_touch_do_not_pull_at_each_other(void **state)
{
    double error2 = 0;
    int found = 0;
    open_scene(5, 2.4, 0, 40);
    scene.glass.n_disks = 2;
    scene.glass.disks[0].contrast = scene.glass.disks[1].contrast = 4;
    for (int i = 0; i < 25; i++) {
        const double y = scene.glass.disks[0].y = 33 + 0.2 * (i % 5);
        const double x = scene.glass.disks[0].x = 8 + 0.2 * (i / 5);
        scene.glass.disks[1].y = y - 1.5;
        scene.glass.disks[1].x = x + 4.77;
        scene_classify(&scene, (uint64_t)i);
        for (uint32_t j = 0; j < scene.result.n_reflections; j++) {
            const struct bragg_reflection *const r = &scene.result.reflections[j];
            const double dy = r->y - scene.glass.centre_y - y;
            const double dx = r->x - scene.glass.centre_x - x;
            if (hypot(dy, dx) > 2)
                continue;
            found++;
            error2 += dy * dy + dx * dx;
        }
    }
    assert_int_equal(found, 25);
    assert_true(error2 < 0.2 * 0.2 * found);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_large_disks_are_found_at_few_counts),
        cmocka_unit_test(a_brighter_glass_at_few_counts_has_no_disks),
        cmocka_unit_test(no_speckle_is_measured_where_there_is_none),
        cmocka_unit_test(disks_are_placed_between_pixels),
        cmocka_unit_test(pixels_hold_what_lies_on_them),
        cmocka_unit_test(small_disks_are_placed_as_well_as_their_counts_allow),
        cmocka_unit_test(small_disks_that_touch_do_not_pull_at_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
