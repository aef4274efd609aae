#pragma once

#include "processing/bragg/bragg_search.h"

/* Finds the candidates of a width, in the order of places: what bragg_try_place at each place
 * finds. */
void bragg_find_candidates(struct bragg_scratch *scratch, enum bragg_width width);
