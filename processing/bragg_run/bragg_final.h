#pragma once

#include "processing/run/run.h"

/*
 * The end of a run that learned what its Bragg reflections lie on: a reference is measured on all
 * its frames (bragg_measure.h), every frame is classified with it, and the product that holds the
 * outcome takes the place of the provisional one. All that is read from the file, by several
 * threads; the outcome does not depend on how many, nor on the order in which frames came.
 */

/* Whether there are provisional classes and frames on disk to make final ones from. */
bool bragg_final_is_due(const struct run *run);

/* Blocks. When it fails the provisional classes stay, and the run's bragg_error tells why. Once all
 * frames of the run were handed over and nobody analyses any more. */
int bragg_final(struct run *run, struct error *error);

/* The newest product of Bragg reflections that learned while the run went on; NULL: none did. */
const struct product *bragg_final_provisional(const struct run *run);
