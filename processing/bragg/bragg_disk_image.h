#pragma once

#include "processing/bragg/bragg_disk.h"

/* What pixels make of a uniform disk of 1 count per pixel's area. */

#define BRAGG_IMAGE_REACH 4 /* pixels from the middle one, along each axis */
#define BRAGG_IMAGE_SIDE (2 * BRAGG_IMAGE_REACH + 1)

/* Counts of each pixel, and how fast they grow as the disk moves to higher y and x. */
enum bragg_image_layer { BRAGG_IMAGE_COUNTS, BRAGG_IMAGE_ALONG_Y, BRAGG_IMAGE_ALONG_X };
#define BRAGG_IMAGE_LAYERS 3

struct bragg_disk_image {
    double at[BRAGG_IMAGE_LAYERS][BRAGG_IMAGE_SIDE][BRAGG_IMAGE_SIDE];
};

/* The pixels at most `reach` from the one in the middle (at[BRAGG_IMAGE_REACH][BRAGG_IMAGE_REACH]);
 * y, x: the disk's middle, from that pixel's; shared: bragg_disk_shared. */
void bragg_disk_image_draw(struct bragg_disk_image *image, double radius, int reach, double shared,
                           double y, double x);
