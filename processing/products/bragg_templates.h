#pragma once

#include "processing/bragg/bragg_learner.h"
#include "processing/products/epochs.h"

/*
 * What a run without a frozen reference learns while it goes on: for every epoch (epochs.h) a
 * reference whose template is the exact sum of the frames of all epochs before the last one,
 * whatever they hold. Frames of the first two epochs have none.
 *
 * Who owns what: a thread adds to the sums of its own, one for each epoch. When the epochs before e
 * are over, whoever first needs the reference of epoch e + 1 merges them under the mutex and makes
 * it (some tens of milliseconds, at most EPOCHS_MAX times in a run); the sums of these epochs are
 * then touched by nobody else. A reference is published by the store-release of its state. Scratch
 * memory belongs to its thread.
 */
struct bragg_templates;

struct bragg_templates_setup {
    struct bragg_settings settings;
    const uint8_t *bad; /* [height][width]; NULL: none. Must stay */
    struct pixel_format format;
    enum cpu_isa isa;
    const struct epochs *epochs; /* must stay */
    unsigned n_threads;
};

/* -ENOMEM. */
int bragg_templates_create(struct bragg_templates **templates,
                           const struct bragg_templates_setup *setup, struct error *error);
/* NULL does nothing. */
void bragg_templates_destroy(struct bragg_templates *templates);

/* Adds a frame of an epoch. */
void bragg_templates_learn(struct bragg_templates *templates, unsigned thread, unsigned epoch,
                           const void *image);

/* Whether frames of an epoch can be searched now; true as well where they never can. */
bool bragg_templates_ready(struct bragg_templates *templates, unsigned epoch);

/* Once they are ready: what to search with. NULL: nothing, there is no template. */
struct bragg_scratch *bragg_templates_scratch(struct bragg_templates *templates, unsigned thread,
                                              unsigned epoch);

/* The sum of all frames, when no thread adds any more; stays the templates'. NULL: no memory, now
 * or while it was added to. */
const struct bragg_learner *bragg_templates_sum(struct bragg_templates *templates);

/* Why frames could not be searched, "": nothing was wrong. Any thread. */
void bragg_templates_error(struct bragg_templates *templates, struct error *error);
