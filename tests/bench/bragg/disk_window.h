#pragma once

#include "tests/bench/bragg/learnt.h"
#include "tests/bench/bragg/power.h"

/* What the window of the matched disk counts, at a place on the ring (docs/bragg-benchmark.md). */

#define DISK_WINDOW_RING 35.3 /* pixels */

/* Counts of the halo. */
double disk_window_background(const struct cell *cell);

/* V of those: of the pixels whose light the window counts, with the halo as weight. */
double disk_window_speckle(const struct cell *cell);

/*
 * Part of the ring that a disk covers. What its background is, the rest of the ring must tell,
 * whose own chance comes in: the variance is 1 / (1 - share) times that of a background that is
 * known.
 */
double disk_window_share(const struct cell *cell);

/* The parts of a disk's counts that the window catches, wherever about the window's middle the
 * disk's middle lies, up to half the way to the next window: some spill over its edge. Uses the
 * frame. */
void disk_window_parts(struct learnt *learnt, double parts[POWER_PLACES]);
