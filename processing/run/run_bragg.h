#pragma once

#include "processing/products/bragg_plan.h"
#include "processing/run/run.h"
#include "processing/statistics/found_rate.h"

/* The Bragg reflections of a run, which are one of its products. */

/* What is known of them beside the product; any thread may ask. */
struct run_bragg;

/* NULL: no memory. */
struct run_bragg *run_bragg_create(void);
void run_bragg_destroy(struct run_bragg *bragg);

/* The newest product of Bragg reflections, NULL: there is none. Any thread. */
const struct product *run_bragg(const struct run *run);

/* What speaks against Bragg reflections, code 0: nothing. Any thread. */
void run_bragg_error(const struct run *run, struct error *error);
void run_set_bragg_error(struct run *run, const struct error *error);

/* How often reflections of the least contrast are found in this run's frames, as it was measured
 * for its newest product of Bragg reflections; n 0: it was not. Any thread. */
struct found_rate run_bragg_found(const struct run *run);
void run_set_bragg_found(struct run *run, const struct product *product,
                         const struct found_rate *found);

/* The settings for a run's frames with nothing left open but F and V. -EINVAL with a sentence that
 * begins with the key at fault: something is not known, or is not good for frames of this size. */
int run_bragg_settings(const struct bragg_plan *plan, const struct run *run,
                       struct bragg_settings *settings, struct error *error);

/* Prepares a product of Bragg reflections of the run's frames as a plan says, which has to be
 * enabled. Does not add it. The sentence of an error begins with the key at fault. */
int run_prepare_bragg(const struct run *run, const struct bragg_plan *plan, struct product *product,
                      struct error *error);
