#pragma once

#include <stdint.h>

#include "processing/bragg/bragg_classifier.h"
#include "processing/bragg/bragg_grid.h"

/*
 * What a pattern would be without reflections: template times a ratio that follows the radius. The
 * annulus is cut into sectors and radial bands. A sector is quiet when it holds no more than the
 * background explains; only quiet ones tell the ratio, so that reflections do not raise it. ln
 * ratio is a smooth function of the radius (Gaussian process), the smoother the fewer counts there
 * are; what remains unknown of it comes with it.
 */

#define BRAGG_SECTORS_MAX 64
#define BRAGG_PARTS_MAX (BRAGG_SECTORS_MAX * BRAGG_BANDS_MAX)
#define BRAGG_QUARTER_POINTS 56

/* Mean counts of a sector, and of the lowest quarter of many such sectors. */
struct bragg_quarter_table {
    double lowest[BRAGG_QUARTER_POINTS];
};

/* Four bytes of a buffer of bytes each: those from place at[i] on, of which those are wanted that
 * are 1 in wanted[i]. */
struct bragg_words {
    uint32_t *at, *wanted;
};

/* Never changes once made. A part is one band of one sector, parts are [band][sector]. */
struct bragg_background_plan {
    uint32_t n_sectors, n_bands; /* n_sectors is a multiple of 4 */
    /* Places in the buffer (bragg_grid.h), [band][k][sector]: part_n[i] pixels of part i, n_sectors
     * apart from part_start[i] on, up to the room of the band filled up with place 0, which is of
     * the border. */
    uint32_t *pixels;
    uint32_t part_start[BRAGG_PARTS_MAX], part_n[BRAGG_PARTS_MAX];
    uint32_t band_room[BRAGG_BANDS_MAX];
    /* The same pixels, up to four beside each other at a time: [band][k][sector], up to
     * band_words[b] words of each part, filled up with words that hold none. */
    struct bragg_words words;
    uint32_t band_words[BRAGG_BANDS_MAX];
    double part_template[BRAGG_PARTS_MAX];     /* counts of the template */
    double part_pixels[BRAGG_PARTS_MAX];       /* part_n */
    double sector_template[BRAGG_SECTORS_MAX]; /* of its parts, added by rising band */
    uint64_t usable;                           /* sectors of which enough is not masked */
    double band_radius[BRAGG_BANDS_MAX];
    double band_grains[BRAGG_BANDS_MAX]; /* V_px times the area of speckle: V of n pixels is this /
                                            n */
    uint32_t disk_sectors; /* neighbours that hold all of any disk that is looked for */
    double sector_speckle; /* V of a sector, */
    double arc_speckle;    /* and times the sectors that a grain covers */
    double disk_share;     /* of the ring, that a matched disk covers */
    double overdispersion;
    double prior[BRAGG_BANDS_MAX *
                 BRAGG_BANDS_MAX];        /* inverse covariance of ln ratio, rows BANDS_MAX apart */
    double prior_of_one[BRAGG_BANDS_MAX]; /* prior times (1, 1, ...) */
    struct bragg_quarter_table quarter;
};

/* template[buffer]: mean counts of a frame, 0 where a pixel is not used. -ENOMEM. */
int bragg_background_plan_init(struct bragg_background_plan *plan,
                               const struct bragg_reference_values *values,
                               const struct bragg_grid *grid, const uint8_t *mask,
                               const double *template, struct error *error);
static inline uint32_t bragg_part_pixel(const struct bragg_background_plan *plan, uint32_t part,
                                        uint32_t k)
{
    return plan->pixels[plan->part_start[part] + k * plan->n_sectors];
}
void bragg_background_plan_finish(struct bragg_background_plan *plan);

/* Where the band's ratio is known, on straight lines between: the share of each of two neighbouring
 * bands at a radius. */
struct bragg_between_bands {
    uint32_t band; /* the lower one */
    double upper;  /* share of the next */
};
struct bragg_between_bands bragg_between_bands(const struct bragg_background_plan *plan,
                                               double radius);

struct bragg_background {
    double ratio[BRAGG_BANDS_MAX];    /* of a frame's background to the template */
    double variance[BRAGG_BANDS_MAX]; /* of it over its square */
    double variance_share;            /* of that, what counts in a disk */
    double scale;                     /* ratio over the whole annulus */
    uint64_t quiet;                   /* sectors, one bit each */
    uint32_t n_quiet;
};
