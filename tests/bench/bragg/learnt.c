#include "tests/bench/bragg/learnt.h"

#include "common/cpu.h"
#include "processing/bragg/bragg_learner.h"

#define REFERENCE_CONTRAST 4
#define REFINEMENTS 2

static struct bragg_settings settings_for(const struct cell *cell)
{
    struct bragg_settings settings;
    bragg_settings_init(&settings);
    settings.centre_y = cell->optics.centre[0] + cell->centre_error[0];
    settings.centre_x = cell->optics.centre[1] + cell->centre_error[1];
    settings.inner = cell->annulus[0];
    settings.outer = cell->annulus[1];
    settings.disk_radius = cell->optics.disk_radius;
    settings.overdispersion = cell->sensor.charge_sharing ? 2 : 1;
    return settings; /* V stays to be measured */
}

void learnt_draw(struct learnt *learnt, const struct cell_request *request)
{
    cell_draw(learnt->cell, &learnt->pattern, request, &learnt->frame);
}

/* Frame `index` of those that the reference is learnt from. */
static void draw_reference_frame(struct learnt *learnt, uint64_t index)
{
    const struct cell *cell = learnt->cell;
    struct random_stream stream = random_stream_make(cell->seed, 400, index);
    enum glass_class class = GLASS_NONE;
    if (random_unit(&stream) < cell->reference_fraction)
        class = cell->reference_class != GLASS_NONE
                    ? cell->reference_class
                    : 1 + (unsigned)(random_unit(&stream) * (GLASS_CLASSES - 1));
    learnt_draw(learnt, &(struct cell_request){.set = SET_REFERENCE,
                                               .index = index,
                                               .count = learnt->n_frames,
                                               .class = class,
                                               .contrast = REFERENCE_CONTRAST,
                                               .spread = CELL_SPREAD});
}

static struct bragg_frame image_of(const struct cell_frame *frame)
{
    return (struct bragg_frame){.image = frame->image, .pixel_size = sizeof frame->image[0]};
}

static int learn(struct learnt *learnt, struct error *error)
{
    const struct bragg_settings settings = settings_for(learnt->cell);
    struct bragg_learner *learner;
    struct bragg_reference_values values;
    int result = bragg_learner_create(&learner, CELL_SIDE, CELL_SIDE, error);
    if (result)
        return result;
    for (unsigned i = 0; i < learnt->n_frames; i++) {
        draw_reference_frame(learnt, i);
        bragg_learner_add(learner, learnt->frame.image, sizeof learnt->frame.image[0]);
    }
    bragg_learner_values(learner, &settings, learnt->bad, &values);
    result = bragg_reference_create(&learnt->reference, &values, error);
    bragg_learner_destroy(learner);
    return result;
}

static int refine(struct learnt *learnt, struct error *error)
{
    struct bragg_refinement *refinement;
    struct bragg_reference_values values;
    struct bragg_reference *refined;
    int result = bragg_refinement_create(&refinement, learnt->reference, cpu_isa_best(), error);
    if (result)
        return result;
    for (unsigned i = 0; i < learnt->n_frames; i++) {
        draw_reference_frame(learnt, i);
        const struct bragg_frame image = image_of(&learnt->frame);
        bragg_refinement_add(refinement, &image, NULL);
    }
    result = bragg_refinement_values(refinement, &values, error);
    if (!result)
        result = bragg_reference_create(&refined, &values, error);
    bragg_refinement_destroy(refinement);
    if (result)
        return result;
    bragg_reference_unref(learnt->reference);
    learnt->reference = refined;
    return 0;
}

void learnt_finish(struct learnt *learnt)
{
    bragg_scratch_destroy(learnt->scratch);
    bragg_reference_unref(learnt->reference);
    glass_pattern_finish(&learnt->pattern);
}

int learnt_init(struct learnt *learnt, const struct cell *cell, unsigned n_frames,
                struct error *error)
{
    *learnt = (struct learnt){.cell = cell, .n_frames = n_frames};
    int result =
        glass_pattern_init(&learnt->pattern, CELL_SIDE, cell->seed, &cell->optics, &cell->sensor);
    if (result)
        return error_set(error, result, "no memory for patterns");
    cell_bad_pixels(cell, &learnt->pattern, learnt->bad);
    result = learn(learnt, error);
    for (unsigned pass = 0; !result && pass < REFINEMENTS; pass++)
        result = refine(learnt, error);
    if (!result)
        result = bragg_scratch_create(&learnt->scratch, learnt->reference, cpu_isa_best(), error);
    if (result)
        learnt_finish(learnt);
    return result;
}

void learnt_classify(struct learnt *learnt, const struct cell_request *request)
{
    learnt_draw(learnt, request);
    const struct bragg_frame image = image_of(&learnt->frame);
    bragg_classify(learnt->scratch, &image, &learnt->result);
}
