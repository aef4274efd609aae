#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Speckle of an amorphous film under a coherent probe: the mean of m intensities |white complex
 * noise convolved with the aperture's disk|^2, with mean 1, variance 1/m at a pixel, and the disk's
 * correlation. It is kept as a bank of periodic fields. A pattern takes `parts` of them, each
 * shifted cyclically by its own random amount (a speckle field is stationary), and has their mean:
 * so many combinations that even its rare maxima are fresh.
 */
struct speckle {
    uint32_t side;        /* pixels, a power of two */
    uint32_t intensities; /* m = 1 / V_px; 0: no speckle */
    uint32_t parts;       /* 1 to 3 */
    uint32_t fields;
    double maximum;  /* of all fields: what 65535 stands for */
    uint16_t *field; /* [fields][side][side] */
};

#define SPECKLE_PARTS 3

/* The fields that one pattern has. */
struct speckle_draw {
    const uint16_t *field[SPECKLE_PARTS];
    uint32_t dy[SPECKLE_PARTS], dx[SPECKLE_PARTS];
};

/* Speckle of contrast V = 1 / intensities for a disk of this radius in pixels; intensities 0 makes
 * none. Returns 0 or -ENOMEM. */
int speckle_init(struct speckle *speckle, uint32_t side, uint64_t seed, uint32_t intensities,
                 double disk_radius);
void speckle_finish(struct speckle *speckle);

/* What number `number` of this seed shows. */
struct speckle_draw speckle_draw_make(const struct speckle *speckle, uint64_t seed,
                                      uint64_t number);

/* One of its parts at (y, x), modulo the side: of 65535 for `maximum`. */
static inline uint16_t speckle_part(const struct speckle *speckle, const struct speckle_draw *draw,
                                    uint32_t part, uint32_t y, uint32_t x)
{
    const uint32_t mask = speckle->side - 1;
    const size_t row = (y + draw->dy[part]) & mask;
    return draw->field[part][row * speckle->side + ((x + draw->dx[part]) & mask)];
}

/* The speckle at (y, x), modulo the side, from 0 to `maximum`, mean 1. */
double speckle_at(const struct speckle *speckle, const struct speckle_draw *draw, uint32_t y,
                  uint32_t x);
