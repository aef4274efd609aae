#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Do reflections sit on a phase more often than two such maps would by chance? Both maps are
 * correlated in space, so that patterns cannot be permuted; but one map as a whole can be shifted
 * against the other, around the edges (Lotwick and Silverman, J. R. Stat. Soc. B 44, 406, 1982).
 *
 * The statistic is the difference of the fractions with reflections in and outside the phase, over
 * positions that neither map leaves out. p = (1 + shifts with at least its absolute value) / (1 +
 * shifts), two-sided; a shift by which either fraction has no positions does not count. All ny nx -
 * 1 shifts are made, of larger maps max_shifts of them, drawn from the seed. On a map that wraps
 * across a step in the film the test is only as good as the film is even.
 */
struct toroidal_shift {
    double difference; /* fraction in the phase less that outside; NAN: one of them is empty */
    double p;          /* 1 where difference is NAN */
    uint64_t n_shifts;
};

/* Both maps [ny][nx] of 0, 1 and, left out, anything else. max_shifts 0: 1999. -EINVAL: a side is
 * 0, or a map of more than 2^31 positions. */
int toroidal_shift_test(struct toroidal_shift *test, const uint8_t *reflections,
                        const uint8_t *phase, uint32_t ny, uint32_t nx, uint64_t max_shifts,
                        uint64_t seed, struct error *error);

/* One of several scans; maps as above. */
struct shifted_scan {
    const uint8_t *reflections, *phase;
    uint32_t ny, nx;
};

/*
 * The same within several scans at once: the differences of all, weighted by n_in n_out / (n_in +
 * n_out) as Mantel and Haenszel's; in each of n_draws (0: 1999) every scan has a shift of its own,
 * none included. Scans of which either fraction has no positions do not count.
 */
int toroidal_shift_common(struct toroidal_shift *test, const struct shifted_scan *scans,
                          size_t n_scans, uint64_t n_draws, uint64_t seed, struct error *error);
