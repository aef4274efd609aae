#pragma once

#include "tests/bench/bragg/fractions.h"

/* Fills `covering` with n_scans simulated scans of each mean, whose patterns are right as often as
 * false_rate and true_rate say. -errno and a sentence. */
int fractions_cover(struct fractions *fractions, unsigned n_scans, struct error *error);
