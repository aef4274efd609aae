#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* Why a pixel is not to be used. A mask is uint8_t [height][width], C order, 0 for good ones. */
enum bad_pixel {
    BAD_PIXEL_DEAD = 1,  /* no count where its neighbours have many */
    BAD_PIXEL_HOT = 2,   /* more counts than its neighbours and chance explain */
    BAD_PIXEL_NOISY = 4, /* counts vary more from frame to frame than its neighbours' and chance
                            explain */
};

struct bad_pixel_settings {
    double overdispersion; /* F of single pixels: 1, or that of areas to be careful; at least 1 */
    /* A vacuum reference that lights the detector evenly? If not, real structure is allowed for: a
     * hot pixel must also be above 1.5 times the second highest of its 8 neighbours (plus a count),
     * beyond chance. */
    bool even;
    double dead_expectation; /* counts that a dead pixel's neighbours must have, 0: 20 */
    double chance;           /* that a good frame shows one hot pixel, 0: 1e-6 */
    double noise_limit;      /* of variance / mean, 0: 3 */
};

struct bad_pixels {
    uint64_t n_dead, n_hot, n_noisy;
    uint64_t n_bad; /* any of them */
};

/*
 * Finds them in what accumulates anyway: sums[i] over n_frames of a pixel's counts, and (or NULL)
 * squares[i] of its squared counts. `known` (or NULL) are pixels already bad: they are not used as
 * neighbours and get a 0 here.
 *
 * What to expect of a pixel is the median of its 5x5 neighbourhood without itself (fewer at the
 * borders; not judged with less than 8); where that is small, the mean of all neighbours but the
 * two highest, plus one count spread over them.
 *   dead:  0 counts where dead_expectation are expected (in a patch of more than a dozen dead
 *          pixels the middle is not found: its neighbours are dark too)
 *   hot:   P(X >= sum / F | expected / F) < chance / number of pixels, X Poisson
 *   noisy: variance / mean above noise_limit times the larger of 1 and its neighbours' median, by 5
 *          standard errors sqrt(2 / (n_frames - 1)) of it, with at least 20 counts
 *
 * Mask them in statistics; do not interpolate. -EINVAL: settings; noisy pixels need n_frames >= 2.
 */
int bad_pixels_find(uint8_t *mask, struct bad_pixels *found, const uint64_t *sums,
                    const uint64_t *squares, uint64_t n_frames, uint32_t height, uint32_t width,
                    const uint8_t *known, const struct bad_pixel_settings *settings,
                    struct error *error);

/*
 * How many pixels of a maximum pattern reached the counter's full scale (2^depth - 1), and which:
 * mask (or NULL) gets 1 there. Their true count is not known and V is biased low; flag, do not
 * correct. Of 1-bit frames every count is full scale: 0 for full_scale < 2.
 */
uint64_t bad_pixels_saturated(uint8_t *mask, const uint32_t *maximum, uint64_t n_pixels,
                              uint32_t full_scale);
