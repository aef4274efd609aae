#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/bragg/bragg_classifier.h"
#include "processing/bragg/bragg_reference.h"

/*
 * A reference measured on a scan, in two kinds of passes over its frames.
 *
 * The first sums the frames whatever they hold. It makes a reference that is good where reflections
 * are few, with F and V as given or assumed.
 *
 * The second (it may be repeated) classifies every frame with the reference of the pass before and
 * sums only what is quiet: sectors that held no reflection, put to the mean of their ratios, which
 * keeps reflections out of the template even where most frames have some. On the frames it classes
 * none it measures V(k).
 *
 * All sums are integers, so that the order of frames and the number of threads do not matter:
 * accumulate in any order, one accumulator a thread, and merge. An accumulator is one thread's.
 */

struct bragg_learner;
int bragg_learner_create(struct bragg_learner **learner, uint32_t height, uint32_t width,
                         struct error *error);
/* NULL does nothing. */
void bragg_learner_destroy(struct bragg_learner *learner);
void bragg_learner_add(struct bragg_learner *learner, const void *image, uint32_t pixel_size);
void bragg_learner_merge(struct bragg_learner *into, const struct bragg_learner *from);
uint64_t bragg_learner_frames(const struct bragg_learner *learner);

/* The values of a reference; template_sums points into the learner, `bad` is kept as given. F and V
 * that the settings leave to be measured are assumed (BRAGG_OVERDISPERSION, BRAGG_SPECKLE). */
void bragg_learner_values(const struct bragg_learner *learner,
                          const struct bragg_settings *settings, const uint8_t *bad,
                          struct bragg_reference_values *values);

/* The second pass: for frames of the size of `reference`, which must outlive it. */
struct bragg_refinement;
int bragg_refinement_create(struct bragg_refinement **refinement,
                            const struct bragg_reference *reference, enum cpu_isa isa,
                            struct error *error);
/* NULL does nothing. */
void bragg_refinement_destroy(struct bragg_refinement *refinement);
/* Classifies the frame with the pass' reference and adds it; `result` (may be NULL) gets what was
 * found. */
void bragg_refinement_add(struct bragg_refinement *refinement, const struct bragg_frame *frame,
                          struct bragg_result *result);
void bragg_refinement_merge(struct bragg_refinement *into, const struct bragg_refinement *from);
uint64_t bragg_refinement_frames(const struct bragg_refinement *refinement);

/* The values of the next reference; template_sums points into the refinement. -ENODATA: no frame
 * was added, or too few sectors were quiet to know the background everywhere (the sentence says
 * how many). */
int bragg_refinement_values(struct bragg_refinement *refinement,
                            struct bragg_reference_values *values, struct error *error);
