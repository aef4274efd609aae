#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/processing/bragg_scene.h"

static struct scene scene;

/* Values after a second pass over patterns first to first + n. */
static void refine(struct bragg_refinement *refinement, int first, int n)
{
    for (int i = first; i < first + n; i++) {
        pattern_make(scene.counts, &scene.glass, SCENE_TEMPLATE_SEED + (uint64_t)i);
        const struct bragg_frame frame = {scene.counts, 4, true};
        bragg_refinement_add(refinement, &frame, NULL);
    }
}

static struct bragg_refinement *new_refinement(void)
{
    struct bragg_refinement *refinement;
    assert_int_equal(bragg_refinement_create(&refinement, scene.reference, cpu_isa_best(), NULL),
                     0);
    return refinement;
}

static void open_scene(double counts, int shares_charge, int n)
{
    scene.glass = scene_glass(counts, 3.4, 46);
    scene.glass.shares_charge = shares_charge;
    scene.settings = scene_settings(&scene.glass, 25);
    scene.settings.overdispersion = NAN;
    scene.settings.speckle = NAN;
    scene_learn(&scene, n);
}

static void sums_do_not_depend_on_order_or_threads(void **state)
{
    struct bragg_reference_values one, two;
    open_scene(1, 0, 24);
    struct bragg_refinement *const whole = new_refinement(), *const a = new_refinement(),
                                   *const b = new_refinement();
    refine(whole, 0, 24);
    refine(b, 10, 14);
    refine(a, 5, 5);
    refine(a, 0, 5);
    bragg_refinement_merge(a, b);
    assert_int_equal(bragg_refinement_frames(a), 24);
    assert_int_equal(bragg_refinement_values(whole, &one, NULL), 0);
    assert_int_equal(bragg_refinement_values(a, &two, NULL), 0);
    assert_memory_equal(one.template_sums, two.template_sums, PATTERN_PIXELS * sizeof(uint64_t));
    assert_memory_equal(one.speckle, two.speckle, sizeof(one.speckle));
    assert_true(one.overdispersion == two.overdispersion);
    assert_int_equal(one.n_frames, two.n_frames);
    bragg_refinement_destroy(whole);
    bragg_refinement_destroy(a);
    bragg_refinement_destroy(b);
    scene_close(&scene);
}

static void learners_merge_to_the_sum_of_all(void **state)
{
    static const uint8_t bytes[4] = {1, 2, 3, 255};
    static const uint16_t words[4] = {1, 2, 3, 65535};
    static const uint32_t longs[4] = {1, 2, 3, UINT32_MAX};
    struct bragg_settings settings;
    struct bragg_reference_values values;
    struct bragg_learner *a, *b;
    bragg_settings_init(&settings);
    assert_int_equal(bragg_learner_create(&a, 2, 2, NULL), 0);
    assert_int_equal(bragg_learner_create(&b, 2, 2, NULL), 0);
    bragg_learner_add(a, bytes, 1);
    bragg_learner_add(b, words, 2);
    bragg_learner_add(b, longs, 4);
    bragg_learner_merge(a, b);
    bragg_learner_values(a, &settings, NULL, &values);
    assert_int_equal(bragg_learner_frames(a), 3);
    assert_int_equal(values.n_frames, 3);
    assert_int_equal(values.template_sums[2], 9);
    assert_true(values.template_sums[3] == 255 + 65535 + (uint64_t)UINT32_MAX);
    bragg_learner_destroy(a);
    bragg_learner_destroy(b);
}

/* The clusters of pattern_share_charge give a disk of 45 pixels F = 2.0; m = 8 fields V_px = 1/8.
 */
static void charge_sharing_and_speckle_are_measured(void **state)
{
    struct bragg_reference_values values;
    for (int shares = 0; shares <= 1; shares++) {
        open_scene(1, shares, 60);
        struct bragg_refinement *const refinement = new_refinement();
        refine(refinement, 0, 60);
        assert_int_equal(bragg_refinement_values(refinement, &values, NULL), 0);
        const double speckle = bragg_speckle_in_disk(1.0 / 8, 3.4, 3.4);
        assert_true(values.overdispersion_measured && values.speckle_measured);
        assert_true(fabs(values.overdispersion - (shares ? 2.0 : 1.0)) < 0.12);
        for (int i = 2; i < BRAGG_SPECKLE_POINTS - 2; i++) {
            assert_true(values.speckle[BRAGG_MATCHED][i] > 0.5 * speckle);
            assert_true(values.speckle[BRAGG_MATCHED][i] < 2 * speckle);
        }
        bragg_refinement_destroy(refinement);
        scene_close(&scene);
    }
}

/* Mean counts of the template in the annulus. */
static double level_of(const struct bragg_reference_values *values)
{
    double sum = 0, n = 0;
    for (int i = 0; i < PATTERN_PIXELS; i++) {
        const double radius = hypot(i / PATTERN_SIDE - 96, i % PATTERN_SIDE - 96);
        if (radius > 30 && radius < 40) {
            sum += (double)values->template_sums[i] / (double)values->n_frames;
            n++;
        }
    }
    return sum / n;
}

/* Every pattern has three disks somewhere: they must not end in the template. */
static void reflections_in_every_pattern_stay_out_of_the_template(void **state)
{
    struct bragg_reference_values first, refined, glass;
    open_scene(2, 0, 20);
    glass = *bragg_reference_values(scene.reference);
    const double expected = level_of(&glass);
    struct bragg_learner *learner;
    assert_int_equal(bragg_learner_create(&learner, PATTERN_SIDE, PATTERN_SIDE, NULL), 0);
    for (int i = 0; i < 60; i++) {
        const double degrees[] = {17 * i, 17 * i + 100, 17 * i + 220};
        scene_put_disks(&scene, degrees, 3, 8);
        pattern_make(scene.counts, &scene.glass, (uint64_t)i);
        bragg_learner_add(learner, scene.counts, 4);
    }
    bragg_learner_values(learner, &scene.settings, NULL, &first);
    assert_true(level_of(&first) > 1.3 * expected);
    bragg_reference_unref(scene.reference);
    assert_int_equal(bragg_reference_create(&scene.reference, &first, NULL), 0);
    struct bragg_refinement *const refinement = new_refinement();
    for (int i = 0; i < 60; i++) {
        const double degrees[] = {17 * i, 17 * i + 100, 17 * i + 220};
        scene_put_disks(&scene, degrees, 3, 8);
        pattern_make(scene.counts, &scene.glass, (uint64_t)i);
        const struct bragg_frame frame = {scene.counts, 4, true};
        bragg_refinement_add(refinement, &frame, &scene.result);
    }
    assert_int_equal(bragg_refinement_values(refinement, &refined, NULL), 0);
    assert_true(fabs(level_of(&refined) / expected - 1) < 0.05);
    struct bragg_reference *reference;
    struct bragg_scratch *scratch;
    assert_int_equal(bragg_reference_create(&reference, &refined, NULL), 0);
    assert_int_equal(bragg_scratch_create(&scratch, reference, cpu_isa_best(), NULL), 0);
    scene.glass.n_disks = 0;
    pattern_make(scene.counts, &scene.glass, 999);
    const struct bragg_frame frame = {scene.counts, 4, false};
    bragg_classify(scratch, &frame, &scene.result);
    assert_int_equal(scene.result.class, BRAGG_NONE);
    for (int b = 0; b < scene.result.n_bands; b++)
        assert_true(fabs(scene.result.ratio[b] / scene.result.scale - 1) < 0.25);
    bragg_scratch_destroy(scratch);
    bragg_reference_unref(reference);
    bragg_refinement_destroy(refinement);
    bragg_learner_destroy(learner);
    scene_close(&scene);
}

/* A reflection that one of ten patterns of the template has is found in that pattern as in one that
 * the template has never seen. */
static void a_pattern_is_left_out_of_its_own_template(void **state)
{
    static const double degrees[] = {40};
    static struct bragg_result inside, outside;
    struct bragg_reference_values values;
    open_scene(1, 0, 9);
    scene_put_disks(&scene, degrees, 1, 6);
    pattern_make(scene.counts, &scene.glass, 3);
    const struct bragg_frame never_seen = {scene.counts, 4, false};
    bragg_classify(scene.scratch, &never_seen, &outside);
    bragg_learner_add(scene.learner, scene.counts, 4);
    bragg_learner_values(scene.learner, &scene.settings, NULL, &values);
    struct bragg_reference *reference;
    struct bragg_scratch *scratch;
    assert_int_equal(bragg_reference_create(&reference, &values, NULL), 0);
    assert_int_equal(bragg_scratch_create(&scratch, reference, cpu_isa_best(), NULL), 0);
    const struct bragg_frame own = {scene.counts, 4, true};
    bragg_classify(scratch, &own, &inside);
    assert_int_equal(outside.n_reflections, 1);
    assert_int_equal(inside.n_reflections, 1);
    assert_true(fabs(inside.reflections[0].background / outside.reflections[0].background - 1) <
                0.1);
    bragg_scratch_destroy(scratch);
    bragg_reference_unref(reference);
    scene_close(&scene);
}

static void nothing_is_learned_from_no_frames(void **state)
{
    struct bragg_reference_values values;
    struct error error = {0};
    open_scene(1, 0, 5);
    struct bragg_refinement *const refinement = new_refinement();
    assert_int_equal(bragg_refinement_values(refinement, &values, &error), -ENODATA);
    bragg_refinement_destroy(refinement);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_do_not_depend_on_order_or_threads),
        cmocka_unit_test(learners_merge_to_the_sum_of_all),
        cmocka_unit_test(charge_sharing_and_speckle_are_measured),
        cmocka_unit_test(reflections_in_every_pattern_stay_out_of_the_template),
        cmocka_unit_test(a_pattern_is_left_out_of_its_own_template),
        cmocka_unit_test(nothing_is_learned_from_no_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
