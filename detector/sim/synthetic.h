#pragma once

#include "common/error.h"
#include "detector/sim/frame_source.h"
#include "detector/sim/options.h"

/*
 * Patterns of a glass, made before the first one is sent: a bank of N frames of which frame i of
 * the scan shows number i % N. With options->truth a JSON file is written that tells what is in
 * each. Returns 0 or a negative errno.
 */
int synthetic_create(struct frame_source **source, const struct options *options,
                     struct error *error);
