#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_large_disks_are_found_at_few_counts),
        cmocka_unit_test(a_brighter_glass_at_few_counts_has_no_disks),
        cmocka_unit_test(no_speckle_is_measured_where_there_is_none),
        cmocka_unit_test(disks_are_placed_between_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
