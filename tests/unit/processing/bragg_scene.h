#pragma once

#include "processing/bragg/bragg_learner.h"
#include "tests/unit/processing/bragg_patterns.h"

/* A glass, the reference that was learned on it, and patterns that are classified with it. */
struct scene {
    struct pattern glass;
    struct bragg_settings settings;
    struct bragg_learner *learner;
    struct bragg_reference *reference;
    struct bragg_scratch *scratch;
    uint32_t counts[PATTERN_PIXELS];
    struct bragg_result result;
};

enum { SCENE_TEMPLATE_SEED = 1 << 20 };

static inline struct pattern scene_glass(double counts, double disk_radius, double outer)
{
    const double middle = PATTERN_SIDE / 2;
    return (struct pattern){.centre_y = middle,
                            .centre_x = middle,
                            .halo_radius = 35.3,
                            .halo_width = 9.4,
                            .counts = counts,
                            .disk_radius = disk_radius,
                            .speckle_fields = 8,
                            .outer = outer + 2};
}

static inline struct bragg_settings scene_settings(const struct pattern *glass, double inner)
{
    struct bragg_settings s;
    bragg_settings_init(&s);
    s.centre_y = s.centre_x = PATTERN_SIDE / 2;
    s.inner = inner;
    s.outer = glass->outer - 2;
    s.disk_radius = glass->disk_radius;
    s.overdispersion = glass->shares_charge ? 2 : 1;
    s.speckle = glass->speckle_fields ? bragg_speckle_in_disk(1.0 / glass->speckle_fields,
                                                              s.disk_radius, s.disk_radius)
                                      : 0;
    return s;
}

/* Reference from n patterns of the glass as it is. */
static inline void scene_learn(struct scene *scene, int n)
{
    struct bragg_reference_values values;
    struct error error = {0};
    assert_int_equal(bragg_learner_create(&scene->learner, PATTERN_SIDE, PATTERN_SIDE, &error), 0);
    for (int i = 0; i < n; i++) {
        pattern_make(scene->counts, &scene->glass, SCENE_TEMPLATE_SEED + (uint64_t)i);
        bragg_learner_add(scene->learner, scene->counts, 4);
    }
    bragg_learner_values(scene->learner, &scene->settings, NULL, &values);
    if (bragg_reference_create(&scene->reference, &values, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(
        bragg_scratch_create(&scene->scratch, scene->reference, cpu_isa_best(), &error), 0);
}

static inline void scene_close(struct scene *scene)
{
    bragg_scratch_destroy(scene->scratch);
    bragg_reference_unref(scene->reference);
    bragg_learner_destroy(scene->learner);
}

/* Disks round the ring at `degrees`, all of one contrast. */
static inline void scene_put_disks(struct scene *scene, const double *degrees, int n,
                                   double contrast)
{
    scene->glass.n_disks = n;
    for (int i = 0; i < n; i++) {
        scene->glass.disks[i].y = scene->glass.halo_radius * sin(degrees[i] * M_PI / 180);
        scene->glass.disks[i].x = scene->glass.halo_radius * cos(degrees[i] * M_PI / 180);
        scene->glass.disks[i].contrast = contrast;
    }
}

static inline void scene_classify(struct scene *scene, uint64_t seed)
{
    pattern_make(scene->counts, &scene->glass, seed);
    const struct bragg_frame frame = {scene->counts, 4, false};
    bragg_classify(scene->scratch, &frame, &scene->result);
}
