#pragma once

#include "common/error.h"
#include "detector/sim/glass_map.h"
#include "detector/sim/glass_pattern.h"
#include "detector/sim/options.h"

/*
 * Writes what is in each pattern of the bank as JSON (schema "merlin-sim-truth", version 1).
 * Lengths are pixels of the frame, vectors are [y, x] from the centre of the pattern. Returns 0 or
 * a negative errno.
 */
int truth_write(const char *path, const struct glass_map *map, const struct glass_pattern *pattern,
                const struct options *options, uint64_t count, struct error *error);
