#pragma once

#include "detector/pixel_format.h"
#include "processing/bragg/bragg_settings.h"

/* The counts of a frame in the annulus of the Bragg reflections, for a look at its thickness: good
 * pixels with inner <= distance from the centre <= outer. */
struct annulus_counts {
    uint32_t top, left, height, width; /* what of the frame is looked at */
    uint32_t row_pixels;               /* of the frame */
    uint32_t pixel_size;
    uint64_t n_pixels;
    uint32_t *mask; /* [height][width]: all bits where a pixel counts, else 0 */
};

/* -ENOMEM. bad[height][width] of the frame may be NULL. */
int annulus_counts_init(struct annulus_counts *annulus, const struct bragg_settings *settings,
                        const uint8_t *bad, const struct pixel_format *format);
/* Also of a zeroed one. */
void annulus_counts_finish(struct annulus_counts *annulus);

uint64_t annulus_counts_sum(const struct annulus_counts *annulus, const void *image);

/* Mean per pixel. */
double annulus_counts_mean(const struct annulus_counts *annulus, uint64_t counts);
