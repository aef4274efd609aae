#include "processing/bragg/bragg_learner.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct bragg_learner {
    uint32_t height, width;
    uint64_t n_frames;
    uint64_t sums[]; /* [height][width] */
};

int bragg_learner_create(struct bragg_learner **learner, uint32_t height, uint32_t width,
                         struct error *error)
{
    const size_t n = (size_t)height * width;
    *learner = calloc(1, sizeof(**learner) + n * sizeof((*learner)->sums[0]));
    if (!*learner)
        return error_set(error, -ENOMEM, "not enough memory for a Bragg template");
    (*learner)->height = height;
    (*learner)->width = width;
    return 0;
}

void bragg_learner_destroy(struct bragg_learner *learner)
{
    free(learner);
}

#define ADD(type)                                                                                  \
    for (size_t i = 0; i < n; i++)                                                                 \
    sums[i] += ((const type *)image)[i]

void bragg_learner_add(struct bragg_learner *learner, const void *image, uint32_t pixel_size)
{
    const size_t n = (size_t)learner->height * learner->width;
    uint64_t *const sums = learner->sums;
    learner->n_frames++;
    if (pixel_size == 1)
        ADD(uint8_t);
    else if (pixel_size == 2)
        ADD(uint16_t);
    else
        ADD(uint32_t);
}

void bragg_learner_merge(struct bragg_learner *into, const struct bragg_learner *from)
{
    const size_t n = (size_t)into->height * into->width;
    into->n_frames += from->n_frames;
    for (size_t i = 0; i < n; i++)
        into->sums[i] += from->sums[i];
}

uint64_t bragg_learner_frames(const struct bragg_learner *learner)
{
    return learner->n_frames;
}

void bragg_learner_values(const struct bragg_learner *learner,
                          const struct bragg_settings *settings, const uint8_t *bad,
                          struct bragg_reference_values *values)
{
    *values = (struct bragg_reference_values){
        .settings = *settings,
        .height = learner->height,
        .width = learner->width,
        .n_frames = learner->n_frames,
        .template_sums = learner->sums,
        .bad = bad,
        .overdispersion =
            isnan(settings->overdispersion) ? BRAGG_OVERDISPERSION : settings->overdispersion,
    };
    bragg_speckle_fill(values, isnan(settings->speckle) ? BRAGG_SPECKLE : settings->speckle);
}
