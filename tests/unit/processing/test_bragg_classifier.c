#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/processing/bragg_scene.h"

static struct scene scene;

static void open_scene(double counts, double disk_radius, double inner, double outer, int n)
{
    scene.glass = scene_glass(counts, disk_radius, outer);
    scene.settings = scene_settings(&scene.glass, inner);
    scene_learn(&scene, n);
}

/* How many of n patterns are of each class. */
static void count_classes(unsigned *n_of, int n)
{
    memset(n_of, 0, 256 * sizeof(*n_of));
    for (int i = 0; i < n; i++) {
        scene_classify(&scene, (uint64_t)i);
        n_of[scene.result.class]++;
    }
}

static void convert(void *image, uint32_t pixel_size)
{
    for (size_t i = 0; i < PATTERN_PIXELS; i++) {
        if (pixel_size == 1)
            ((uint8_t *)image)[i] = (uint8_t)(scene.counts[i] < 255 ? scene.counts[i] : 255);
        else if (pixel_size == 2)
            ((uint16_t *)image)[i] = (uint16_t)scene.counts[i];
        else
            ((uint32_t *)image)[i] = scene.counts[i];
    }
}

/* Tuned and plain version, every instruction set, every pixel size, the frame left out or not. */
static void compare_versions(void)
{
    static uint32_t image[PATTERN_PIXELS];
    static struct bragg_result tuned, plain;
    for (uint32_t pixel_size = 1; pixel_size <= 4; pixel_size *= 2) {
        convert(image, pixel_size);
        for (int own = 0; own < 2; own++) {
            const struct bragg_frame frame = {image, pixel_size, own != 0};
            bragg_classify_plain(scene.scratch, &frame, &plain);
            for (int isa = CPU_ISA_PLAIN; isa <= (int)cpu_isa_best(); isa++) {
                struct bragg_scratch *scratch;
                assert_int_equal(
                    bragg_scratch_create(&scratch, scene.reference, (enum cpu_isa)isa, NULL), 0);
                memset(&tuned, 0, sizeof(tuned));
                bragg_classify(scratch, &frame, &tuned);
                bragg_scratch_destroy(scratch);
                assert_memory_equal(&tuned, &plain, offsetof(struct bragg_result, reflections));
                assert_memory_equal(tuned.reflections, plain.reflections,
                                    plain.n_reflections * sizeof(plain.reflections[0]));
            }
        }
    }
}

static void compare_on_patterns(double counts, double disk_radius, double inner, double outer)
{
    static const double degrees[] = {10, 70, 190, 250};
    open_scene(counts, disk_radius, inner, outer, 20);
    for (int n_disks = 0; n_disks <= 4; n_disks += 2) {
        scene_put_disks(&scene, degrees, n_disks, counts < 1 ? 20 : 3);
        pattern_make(scene.counts, &scene.glass, (uint64_t)n_disks);
        compare_versions();
    }
    scene_close(&scene);
}

static void tuned_and_plain_version_agree_to_the_last_bit(void **state)
{
    compare_on_patterns(0.1, 3.4, 25, 46);
    compare_on_patterns(2, 3.4, 25.3, 46.7);
    compare_on_patterns(40, 3.4, 25, 46); /* sums of 32 bits */
    compare_on_patterns(1, 1.5, 22, 44);
    compare_on_patterns(1, 12.8, 20, 55);
}

static void tuned_and_plain_version_agree_on_noise(void **state)
{
    open_scene(1, 3.4, 25, 46, 10);
    uint64_t random = 5;
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < PATTERN_PIXELS; i++)
            scene.counts[i] = pattern_random(&random) % 16
                                  ? 0
                                  : (uint32_t)(pattern_random(&random) % (20 << 4 * round));
        compare_versions();
    }
    scene_close(&scene);
}

static void a_glass_without_reflections_is_classed_none(void **state)
{
    unsigned n_of[256];
    open_scene(1, 3.4, 25, 46, 60);
    count_classes(n_of, 60);
    assert_true(n_of[BRAGG_NONE] >= 58);
    scene_close(&scene);
}

static void disks_make_the_classes_of_their_directions(void **state)
{
    static const double degrees[] = {20, 200, 80, 260, 140, 320};
    static const double unrelated[] = {20, 95};
    static const struct {
        const double *degrees;
        int n;
        enum bragg_class class;
    } cases[] = {{degrees, 1, BRAGG_TWO_BEAM},
                 {degrees, 2, BRAGG_THREE_BEAM},
                 {degrees, 6, BRAGG_ON_AXIS},
                 {unrelated, 2, BRAGG_MULTIPLE}};
    open_scene(1, 3.4, 25, 46, 60);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned n_of[256];
        scene_put_disks(&scene, cases[i].degrees, cases[i].n, 5);
        count_classes(n_of, 20);
        assert_true(n_of[cases[i].class] >= 19);
    }
    scene_close(&scene);
}

static void a_reflection_is_told_with_its_place_and_counts(void **state)
{
    static const double degrees[] = {20};
    double error2 = 0, formula2 = 0;
    open_scene(2, 3.4, 25, 46, 60);
    scene_put_disks(&scene, degrees, 1, 4);
    for (uint64_t i = 0; i < 30; i++) {
        scene_classify(&scene, i);
        assert_true(scene.result.n_reflections >= 1);
        const struct bragg_reflection *const r = &scene.result.reflections[0];
        const double dy = r->y - scene.glass.centre_y - scene.glass.disks[0].y;
        const double dx = r->x - scene.glass.centre_x - scene.glass.disks[0].x;
        error2 += dy * dy + dx * dx;
        formula2 += 2 * r->sigma * r->sigma;
        /* 2 counts times 4 in 36 pixels */
        assert_true(fabs(r->counts - r->background - 290) < 130);
        assert_true(fabs(r->contrast - (r->counts - r->background) / r->background) < 1e-12);
        assert_true(r->log10_p < -6);
    }
    assert_true(error2 < 1.3 * 1.3 * formula2);
    scene_close(&scene);
}

/* Large grains of speckle pull at a centre of mass, hardly at a disk's edge. */
static void a_large_disk_is_placed_by_its_edge(void **state)
{
    static const double degrees[] = {20};
    double error2 = 0, sigma2 = 0;
    open_scene(1, 12.8, 20, 55, 30);
    scene_put_disks(&scene, degrees, 1, 2);
    for (uint64_t i = 0; i < 10; i++) {
        scene_classify(&scene, i);
        assert_int_equal(scene.result.n_reflections, 1);
        const struct bragg_reflection *const r = &scene.result.reflections[0];
        const double dy = r->y - scene.glass.centre_y - scene.glass.disks[0].y;
        const double dx = r->x - scene.glass.centre_x - scene.glass.disks[0].x;
        error2 += dy * dy + dx * dx;
        sigma2 += 2 * r->sigma * r->sigma;
    }
    assert_true(error2 < 1.3 * 1.3 * sigma2);
    assert_true(sqrt(error2 / 10) < 0.35);
    scene_close(&scene);
}

static void disks_that_nearly_touch_are_kept_apart(void **state)
{
    static const double degrees[] = {5, 65, 125, 185, 245, 305};
    open_scene(1, 12.8, 20, 55, 30);
    for (int contrast = 1; contrast <= 8; contrast *= 2) {
        scene_put_disks(&scene, degrees, 6, contrast);
        for (uint64_t i = 0; i < 3; i++) {
            scene_classify(&scene, i);
            assert_int_equal(scene.result.class, BRAGG_ON_AXIS);
            assert_true(scene.result.n_reflections >= 5 && scene.result.n_reflections <= 7);
        }
    }
    scene_close(&scene);
}

/* The template is the mean of both phases, which fits neither. */
static void two_phases_give_no_false_reflections(void **state)
{
    unsigned n_false = 0;
    scene.glass = scene_glass(3, 3.4, 46);
    scene.glass.speckle_fields = 30;
    scene.settings = scene_settings(&scene.glass, 25);
    struct bragg_reference_values values;
    assert_int_equal(bragg_learner_create(&scene.learner, PATTERN_SIDE, PATTERN_SIDE, NULL), 0);
    for (int i = 0; i < 60; i++) {
        scene.glass.halo_radius = i % 2 ? 30.6 : 35.3;
        pattern_make(scene.counts, &scene.glass, SCENE_TEMPLATE_SEED + (uint64_t)i);
        bragg_learner_add(scene.learner, scene.counts, 4);
    }
    bragg_learner_values(scene.learner, &scene.settings, NULL, &values);
    assert_int_equal(bragg_reference_create(&scene.reference, &values, NULL), 0);
    assert_int_equal(bragg_scratch_create(&scene.scratch, scene.reference, cpu_isa_best(), NULL),
                     0);
    for (uint64_t i = 0; i < 60; i++) {
        scene.glass.halo_radius = i % 2 ? 30.6 : 35.3;
        scene_classify(&scene, i);
        n_false += scene.result.class != BRAGG_NONE;
    }
    assert_true(n_false <= 2);
    scene_close(&scene);
}

static void a_hot_pixel_is_no_reflection(void **state)
{
    open_scene(0.3, 3.4, 25, 46, 60);
    for (uint64_t i = 0; i < 20; i++) {
        pattern_make(scene.counts, &scene.glass, i);
        scene.counts[(96 + 20 + i) * PATTERN_SIDE + 96 + 25] += 60;
        const struct bragg_frame frame = {scene.counts, 4, false};
        bragg_classify(scene.scratch, &frame, &scene.result);
        assert_int_equal(scene.result.class, BRAGG_NONE);
    }
    scene_close(&scene);
}

/* A pixel that is hot in every frame is in the template and ruled out. */
static void dead_and_hot_pixels_of_the_template_are_not_used(void **state)
{
    scene.glass = scene_glass(3, 3.4, 46);
    scene.settings = scene_settings(&scene.glass, 25);
    scene_learn(&scene, 40);
    struct bragg_reference_values values = *bragg_reference_values(scene.reference);
    static uint64_t sums[PATTERN_PIXELS];
    memcpy(sums, values.template_sums, sizeof(sums));
    sums[96 * PATTERN_SIDE + 96 + 35] *= 10;
    sums[(96 + 35) * PATTERN_SIDE + 96] = 0;
    values.template_sums = sums;
    struct bragg_reference *reference;
    struct bragg_reference_report before, after;
    assert_int_equal(bragg_reference_create(&reference, &values, NULL), 0);
    bragg_reference_report(scene.reference, &before);
    bragg_reference_report(reference, &after);
    assert_int_equal(after.n_bad, before.n_bad + 2);
    assert_int_equal(after.n_pixels + 2, before.n_pixels);
    bragg_reference_unref(reference);
    scene_close(&scene);
}

/* The same reflection in every pattern is texture: it is found, and told. */
static void a_reflection_that_stays_put_is_not_taken_for_background(void **state)
{
    static const double degrees[] = {40};
    unsigned n_of[256];
    struct bragg_reference_report report;
    scene.glass = scene_glass(2, 3.4, 46);
    scene.settings = scene_settings(&scene.glass, 25);
    scene_put_disks(&scene, degrees, 1, 6);
    scene_learn(&scene, 60);
    bragg_reference_report(scene.reference, &report);
    assert_true(report.n_static >= 25 && report.n_static <= 60);
    count_classes(n_of, 20);
    assert_true(n_of[BRAGG_TWO_BEAM] >= 18);
    scene_close(&scene);
}

/* The centre is off by a pixel: +g and -g still belong together. */
static void partners_are_found_although_the_centre_is_off(void **state)
{
    static const double degrees[] = {80, 260};
    unsigned n_of[256];
    scene.glass = scene_glass(2, 3.4, 46);
    scene.glass.centre_y += 1;
    scene.settings = scene_settings(&scene.glass, 25);
    scene_learn(&scene, 60);
    scene_put_disks(&scene, degrees, 2, 5);
    count_classes(n_of, 20);
    assert_true(n_of[BRAGG_THREE_BEAM] >= 19);
    scene_close(&scene);
}

/* A disk of many pixels, each with as many counts as 24 bits hold. */
static void the_deepest_counters_overflow_nothing(void **state)
{
    open_scene(100, 12.8, 20, 55, 5);
    struct bragg_reference_values values = *bragg_reference_values(scene.reference);
    static uint64_t sums[PATTERN_PIXELS];
    for (size_t i = 0; i < PATTERN_PIXELS; i++)
        sums[i] = values.template_sums[i] * 400;
    values.template_sums = sums;
    struct bragg_reference *reference;
    struct bragg_scratch *scratch;
    assert_int_equal(bragg_reference_create(&reference, &values, NULL), 0);
    assert_int_equal(bragg_scratch_create(&scratch, reference, cpu_isa_best(), NULL), 0);
    for (size_t i = 0; i < PATTERN_PIXELS; i++) {
        const double dy = (double)(i / PATTERN_SIDE) - 96, dx = (double)(i % PATTERN_SIDE) - 96;
        scene.counts[i] = (uint32_t)(values.template_sums[i] / values.n_frames);
        if (hypot(dy - 35, dx) < 12.8)
            scene.counts[i] += 4000000;
    }
    const struct bragg_frame frame = {scene.counts, 4, false};
    bragg_classify(scratch, &frame, &scene.result);
    assert_int_equal(scene.result.class, BRAGG_TWO_BEAM);
    assert_true(fabs(scene.result.reflections[0].counts / (4e6 * 515) - 1) < 0.1);
    memset(scene.counts, 0xff, sizeof(scene.counts));
    bragg_classify(scratch, &frame, &scene.result);
    assert_int_equal(scene.result.class, BRAGG_NOT_ANALYSED);
    assert_true(scene.result.flags & BRAGG_OUT_OF_RANGE);
    bragg_scratch_destroy(scratch);
    bragg_reference_unref(reference);
    scene_close(&scene);
}

static void a_frame_without_counts_is_none_and_says_so(void **state)
{
    open_scene(1, 3.4, 25, 46, 5);
    memset(scene.counts, 0, sizeof(scene.counts));
    const struct bragg_frame frame = {scene.counts, 4, false};
    bragg_classify(scene.scratch, &frame, &scene.result);
    assert_int_equal(scene.result.class, BRAGG_NONE);
    assert_int_equal(scene.result.flags, BRAGG_NO_COUNTS);
    scene_close(&scene);
}

static void disks_are_found_where_all_else_is_dark(void **state)
{
    open_scene(0.05, 3.4, 25, 46, 60);
    memset(scene.counts, 0, sizeof(scene.counts));
    for (int disk = 0; disk < 3; disk++) {
        const double angle = 0.3 + 2 * disk;
        const int y = PATTERN_SIDE / 2 + (int)lrint(35.3 * sin(angle));
        const int x = PATTERN_SIDE / 2 + (int)lrint(35.3 * cos(angle));
        for (int i = 0; i < 49; i++)
            scene.counts[(y + i / 7 - 3) * PATTERN_SIDE + x + i % 7 - 3] = 1;
    }
    const struct bragg_frame frame = {scene.counts, 4, false};
    bragg_classify(scene.scratch, &frame, &scene.result);
    assert_true(isfinite(scene.result.scale));
    assert_int_equal(scene.result.n_reflections, 3);
    scene_close(&scene);
}

static void one_bit_frames_are_refused_above_their_limit(void **state)
{
    struct pixel_format format = {
        .width = PATTERN_SIDE, .height = PATTERN_SIDE, .counter_depth = 1, .pixel_size = 1};
    struct error error = {0};
    open_scene(0.15, 3.4, 25, 46, 5);
    assert_int_equal(bragg_reference_suits(scene.reference, &format, &error), 0);
    scene_close(&scene);
    open_scene(0.5, 3.4, 25, 46, 5);
    assert_int_equal(bragg_reference_suits(scene.reference, &format, &error), -ENOTSUP);
    format.counter_depth = 6;
    assert_int_equal(bragg_reference_suits(scene.reference, &format, &error), 0);
    format.width++;
    assert_int_equal(bragg_reference_suits(scene.reference, &format, &error), -EINVAL);
    scene_close(&scene);
}

static void a_template_without_counts_makes_no_reference(void **state)
{
    struct error error = {0};
    struct bragg_reference *reference;
    open_scene(1, 3.4, 25, 46, 5);
    struct bragg_reference_values values = *bragg_reference_values(scene.reference);
    static const uint64_t nothing[PATTERN_PIXELS];
    values.template_sums = nothing;
    assert_int_equal(bragg_reference_create(&reference, &values, &error), -ENODATA);
    assert_null(reference);
    values.n_frames = 0;
    assert_int_equal(bragg_reference_create(&reference, &values, &error), -EINVAL);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tuned_and_plain_version_agree_to_the_last_bit),
        cmocka_unit_test(tuned_and_plain_version_agree_on_noise),
        cmocka_unit_test(a_glass_without_reflections_is_classed_none),
        cmocka_unit_test(disks_make_the_classes_of_their_directions),
        cmocka_unit_test(a_reflection_is_told_with_its_place_and_counts),
        cmocka_unit_test(a_large_disk_is_placed_by_its_edge),
        cmocka_unit_test(disks_that_nearly_touch_are_kept_apart),
        cmocka_unit_test(two_phases_give_no_false_reflections),
        cmocka_unit_test(a_hot_pixel_is_no_reflection),
        cmocka_unit_test(dead_and_hot_pixels_of_the_template_are_not_used),
        cmocka_unit_test(a_reflection_that_stays_put_is_not_taken_for_background),
        cmocka_unit_test(partners_are_found_although_the_centre_is_off),
        cmocka_unit_test(the_deepest_counters_overflow_nothing),
        cmocka_unit_test(a_frame_without_counts_is_none_and_says_so),
        cmocka_unit_test(disks_are_found_where_all_else_is_dark),
        cmocka_unit_test(one_bit_frames_are_refused_above_their_limit),
        cmocka_unit_test(a_template_without_counts_makes_no_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
