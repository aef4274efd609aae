#pragma once

#include <hdf5.h>
#include <stdbool.h>

#include "processing/run/run.h"

/*
 * What the maps of virtual detectors say of full scale, as attributes of their datasets, when the
 * run is over: `pixels` with a weight, `frames` analysed, and `saturated_pixel_frames`, how often
 * one of these pixels was at full scale of the counter in one of these frames, so that its count is
 * too low. As in the reply to `virtual_detectors`, but for each map.
 */

/* Whether the run has virtual detectors, and looks for full scale. */
bool saturation_attributes_are_due(const struct run *run);

/* Into a file that no reader of a growing file has open. Negative: HDF5 failed, or no memory. */
int saturation_attributes_write(hid_t file, struct run *run);
