#pragma once

#include <hdf5.h>

#include "processing/run/run.h"

/*
 * What is known of the detector's pixels, in the NXdetector group: pixel_mask [y, x] u4 as NeXus
 * defines its bits (0 is a good pixel) with pixel_mask_applied, and flatfield [y, x] f4, by which
 * counts are to be multiplied, with flatfield_applied. Neither is applied to stored frames. Both
 * are missing where nothing is known for frames of this size. Negative: HDF5 failed.
 */
int detector_pixels_write(hid_t detector, const struct run *run);
