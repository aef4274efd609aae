#pragma once

#include <stddef.h>
#include <stdint.h>

#include "processing/products/virtual_detector.h"

/* A detector's settings for frames of one size: defaults filled in, everything checked, one kind of
 * shape in terms of another where it is one. */
struct detector_shape {
    enum virtual_detector_shape kind; /* SEGMENTED stays, K_BAND becomes ANNULUS, DISK too */
    enum virtual_detector_edge edge;
    double centre_y, centre_x;
    double inner, outer;
    double start_angle, sector_angle; /* degrees; of each sector */
    unsigned n_sectors;               /* 1 for all but SEGMENTED */
    double half_height, half_width;
    const struct mask_values *mask; /* borrowed from the settings */
};

/* -EINVAL with a sentence when the settings mean nothing, or the mask does not fit the frame or is
 * not there (virtual_detector_settings_load comes before). */
int detector_shape_init(struct detector_shape *shape,
                        const struct virtual_detector_settings *settings,
                        const struct pixel_format *format, struct error *error);

/* Weights[height][width] of sector `sector` (0 when there is only one): 0 or 1, with an antialiased
 * edge multiples of 1/256 between, of a mask its values. */
void detector_shape_draw(const struct detector_shape *shape, unsigned sector, uint32_t height,
                         uint32_t width, double *weights);

/* For a person: "the disk of radius 12.5 px around (y, x) = (127.5, 127.5), hard edge". */
void detector_shape_describe(const struct detector_shape *shape,
                             const struct virtual_detector_settings *settings, unsigned sector,
                             char *text, size_t size);
