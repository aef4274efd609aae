#include "processing/products/bragg_templates.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum template_state { TEMPLATE_UNMADE, TEMPLATE_MADE, TEMPLATE_NONE };

struct epoch_template {
    _Atomic int state; /* enum template_state */
    struct bragg_reference *reference;
    struct bragg_scratch **scratches; /* [n_threads] */
    struct bragg_learner **learners;  /* [n_threads], of the frames of this epoch */
};

struct bragg_templates {
    struct bragg_templates_setup setup;
    _Atomic bool incomplete; /* there was no memory for a frame's sum */
    pthread_mutex_t mutex;   /* guards all below but for what epoch_template says */
    struct bragg_learner *sum;
    unsigned n_summed; /* epochs that are in it */
    unsigned n_made;   /* epochs whose state is settled */
    struct error error;
    struct epoch_template epochs[EPOCHS_MAX];
};

/* ---- life ---- */

static int make_rows(struct epoch_template *epoch, unsigned n_threads)
{
    epoch->scratches = calloc(n_threads, sizeof(struct bragg_scratch *));
    epoch->learners = calloc(n_threads, sizeof(struct bragg_learner *));
    return epoch->scratches && epoch->learners ? 0 : -ENOMEM;
}

int bragg_templates_create(struct bragg_templates **out, const struct bragg_templates_setup *setup,
                           struct error *error)
{
    struct bragg_templates *const templates = calloc(1, sizeof *templates);
    int r = -ENOMEM;
    if (!templates)
        return error_set(error, r, "no memory to learn what reflections lie on");
    templates->setup = *setup;
    pthread_mutex_init(&templates->mutex, NULL);
    r = bragg_learner_create(&templates->sum, setup->format.height, setup->format.width, error);
    for (unsigned i = 0; i < EPOCHS_MAX && r == 0; i++)
        r = make_rows(&templates->epochs[i], setup->n_threads);
    if (r < 0) {
        bragg_templates_destroy(templates);
        return error_set(error, r, "no memory to learn what reflections lie on");
    }
    *out = templates;
    return 0;
}

void bragg_templates_destroy(struct bragg_templates *templates)
{
    if (!templates)
        return;
    for (unsigned i = 0; i < EPOCHS_MAX; i++) {
        struct epoch_template *const epoch = &templates->epochs[i];
        for (unsigned thread = 0; thread < templates->setup.n_threads; thread++) {
            if (epoch->scratches)
                bragg_scratch_destroy(epoch->scratches[thread]);
            if (epoch->learners)
                bragg_learner_destroy(epoch->learners[thread]);
        }
        free(epoch->scratches);
        free(epoch->learners);
        bragg_reference_unref(epoch->reference);
    }
    bragg_learner_destroy(templates->sum);
    pthread_mutex_destroy(&templates->mutex);
    free(templates);
}

/* ---- learning ---- */

void bragg_templates_learn(struct bragg_templates *templates, unsigned thread, unsigned epoch,
                           const void *image)
{
    const struct pixel_format *const format = &templates->setup.format;
    struct bragg_learner **const learner = &templates->epochs[epoch].learners[thread];
    if (!*learner && bragg_learner_create(learner, format->height, format->width, NULL) < 0) {
        *learner = NULL;
        atomic_store_explicit(&templates->incomplete, true, memory_order_relaxed);
        return;
    }
    bragg_learner_add(*learner, image, format->pixel_size);
}

/* Under the mutex, when the epochs before `end` are over. */
static void sum_up(struct bragg_templates *templates, unsigned end)
{
    for (; templates->n_summed < end; templates->n_summed++) {
        struct bragg_learner **const learners = templates->epochs[templates->n_summed].learners;
        for (unsigned thread = 0; thread < templates->setup.n_threads; thread++) {
            if (!learners[thread])
                continue;
            bragg_learner_merge(templates->sum, learners[thread]);
            bragg_learner_destroy(learners[thread]);
            learners[thread] = NULL;
        }
    }
}

const struct bragg_learner *bragg_templates_sum(struct bragg_templates *templates)
{
    pthread_mutex_lock(&templates->mutex);
    sum_up(templates, EPOCHS_MAX);
    pthread_mutex_unlock(&templates->mutex);
    return atomic_load_explicit(&templates->incomplete, memory_order_relaxed) ? NULL
                                                                              : templates->sum;
}

/* ---- references ---- */

static int make_reference(struct bragg_templates *templates, struct bragg_reference **reference)
{
    const struct bragg_templates_setup *const setup = &templates->setup;
    struct bragg_reference_values values;
    struct error error = {0};
    bragg_learner_values(templates->sum, &setup->settings, setup->bad, &values);
    int r = bragg_reference_create(reference, &values, &error);
    if (r == 0) {
        r = bragg_reference_suits(*reference, &setup->format, &error);
        if (r < 0) {
            bragg_reference_unref(*reference);
            *reference = NULL;
        }
    }
    templates->error = error;
    return r;
}

/* Under the mutex. */
static void make_next(struct bragg_templates *templates)
{
    struct epoch_template *const epoch = &templates->epochs[templates->n_made];
    enum template_state state = TEMPLATE_NONE;
    if (templates->n_made >= 2) {
        sum_up(templates, templates->n_made - 1);
        if (bragg_learner_frames(templates->sum) > 0 &&
            make_reference(templates, &epoch->reference) == 0)
            state = TEMPLATE_MADE;
    }
    templates->n_made++;
    atomic_store_explicit(&epoch->state, state, memory_order_release);
}

bool bragg_templates_ready(struct bragg_templates *templates, unsigned epoch)
{
    if (atomic_load_explicit(&templates->epochs[epoch].state, memory_order_acquire) !=
        TEMPLATE_UNMADE)
        return true;
    if (epoch >= 2 && !epochs_over(templates->setup.epochs, epoch - 1))
        return false;
    pthread_mutex_lock(&templates->mutex);
    while (templates->n_made <= epoch)
        make_next(templates);
    pthread_mutex_unlock(&templates->mutex);
    return true;
}

struct bragg_scratch *bragg_templates_scratch(struct bragg_templates *templates, unsigned thread,
                                              unsigned epoch)
{
    struct epoch_template *const made = &templates->epochs[epoch];
    if (atomic_load_explicit(&made->state, memory_order_acquire) != TEMPLATE_MADE)
        return NULL;
    struct bragg_scratch **const scratch = &made->scratches[thread];
    if (!*scratch && bragg_scratch_create(scratch, made->reference, templates->setup.isa, NULL) < 0)
        *scratch = NULL;
    return *scratch;
}

void bragg_templates_error(struct bragg_templates *templates, struct error *error)
{
    pthread_mutex_lock(&templates->mutex);
    *error = templates->error;
    pthread_mutex_unlock(&templates->mutex);
}
