#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/bragg/cell.h"

/*
 * Other ways to say whether a pattern has reflections, restated from their descriptions with their
 * published parameters, as orientation. They were written for spots of 2 to 5 pixels on patterns
 * with many peaks, not for disks of 7 pixels. Only the annulus from PEERS_INNER to
 * PEERS_OUTER is looked at.
 */
enum peer {
    PEER_PF8_CRYSTFEL, /* peakfinder8 (Barty et al. 2014) with CrystFEL's defaults: SNR 5, 2 to 200
                          pixels, background radius 3; no threshold */
    PEER_PF8_DIFFRACTEM, /* with diffractem's: threshold 8, SNR 3.5, 3 pixels up, radius 5 */
    PEER_DIALS,          /* DIALS' `dispersion`: 7 x 7, 6 sigma of the index of dispersion, 3 of the
                            mean; spots of 3 pixels up, peak within 2 pixels of the centroid */
    PEERS_WITH_THRESHOLD,
    PEER_CORRELATION = PEERS_WITH_THRESHOLD, /* the largest correlation with the disk, above the
                                                radial mean (as py4DSTEM): a number that needs a
                                                threshold */
    PEERS
};

#define PEERS_INNER 25. /* pixels */
#define PEERS_OUTER 46.

extern const char *const peer_names[PEERS];

/* Does it find anything? Not for PEER_CORRELATION. */
bool peer_finds(enum peer peer, const uint32_t *counts);

/* The number of PEER_CORRELATION, for disks of this radius. */
double peer_correlation(const uint32_t *counts, double disk_radius);
