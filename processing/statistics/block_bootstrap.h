#pragma once

#include <stdint.h>

#include "common/error.h"
#include "processing/statistics/proportion.h"

/*
 * Block bootstrap of the fraction of a map: resampled maps are put together from square blocks of
 * neighbouring positions, so that their correlation up to the block's length is kept (Kuensch, Ann.
 * Stat. 17, 1217, 1989; blocks wrap around the edges so that every position counts the same:
 * Politis and Romano 1992). Of each, the fraction of what is not left out.
 *
 * The interval is that of the resamples' percentiles. On small maps it is too narrow, because few
 * blocks vary too little and a correlation longer than the block is cut: effective_size.h has the
 * interval to quote, docs/bragg-statistics.md the figures of both. The design effect is the
 * resamples' variance over p (1 - p) / n.
 */
struct block_bootstrap {
    uint32_t block;           /* side, positions */
    uint32_t n_blocks;        /* in a resample */
    uint32_t n_resamples;     /* that had a position not left out */
    double design_effect;     /* NAN where all positions are alike */
    struct interval interval; /* [p, p] where all positions are alike */
};

/*
 * map[ny][nx] of 0, 1 and, left out, anything else; block: side in positions, at least two probe
 * diameters, cut to the shorter side of the map. The same seed gives the same interval. -EINVAL: a
 * side, the block or n_resamples is 0, or too large; -ENODATA: all positions are left out; -ENOMEM.
 */
int block_bootstrap(struct block_bootstrap *bootstrap, const uint8_t *map, uint32_t ny, uint32_t nx,
                    uint32_t block, uint32_t n_resamples, uint64_t seed, double confidence,
                    struct error *error);
