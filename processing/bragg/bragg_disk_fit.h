#pragma once

#include <stdbool.h>

#include "processing/bragg/bragg_disk_image.h"

/*
 * The place of a small disk from all of its pixels. A disk a few pixels wide has hardly an edge to
 * be found by: its middle and its amplitude are fitted to the counts of the pixels round it, with
 * the image that the pixels make of it and with what chance and speckle do to neighbours together.
 */

/* Disks from this radius on are placed by their edges. */
#define BRAGG_FIT_RADIUS 2.5
/* Pixels no farther than that from the middle are fitted, beyond the disk's radius. */
#define BRAGG_FIT_MARGIN 1.5
#define BRAGG_FIT_PIXELS 49 /* (y, x) with y^2 + x^2 <= (BRAGG_FIT_RADIUS + BRAGG_FIT_MARGIN)^2 */

/* What the fits of one reference have in common. */
struct bragg_disk_fit {
    bool is_small; /* else nothing else is set */
    double radius;
    int reach;     /* of the fitted pixels, at most BRAGG_IMAGE_REACH */
    double shared; /* bragg_disk_shared */
    /* Covariance of pixels |dy| and |dx| apart: of counts, over the mean counts; of speckle, over
     * the product of their backgrounds, where V of the disk is 1. */
    double clusters[2][2];
    double speckle[BRAGG_IMAGE_SIDE][BRAGG_IMAGE_SIDE];
};
void bragg_disk_fit_init(struct bragg_disk_fit *fit, double radius, double overdispersion);

/* The pixels round the place where a disk was found, those that are used. */
struct bragg_fit_window {
    int n;
    int dy[BRAGG_FIT_PIXELS], dx[BRAGG_FIT_PIXELS];
    double background[BRAGG_FIT_PIXELS], excess[BRAGG_FIT_PIXELS]; /* counts */
    double speckle;                                                /* V of the disk */
};

struct bragg_fitted {
    double y, x;  /* of the disk's middle, from the window's */
    double sigma; /* of a coordinate */
};

/* Starts from *fitted, where the edges say that the disk is; `counts`: about as many as it has.
 * false: the pixels do not tell, *fitted is as it was. */
bool bragg_disk_fit_place(const struct bragg_disk_fit *fit, const struct bragg_fit_window *window,
                          double counts, struct bragg_fitted *fitted);
