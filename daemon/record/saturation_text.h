#pragma once

#include <hdf5.h>
#include <stddef.h>

#include "processing/run/run.h"

/*
 * /entry/saturation: what the maps of virtual detectors say of full scale when the run is over, as
 * JSON text {NAME OF THE MAP: {pixels: with a weight, frames: analysed, pixel_frames: how often one
 * of these pixels was at full scale of the counter in one of these frames, so that its count is too
 * low}}. As in the reply to `virtual_detectors`, but for each map. Detectors that are added during
 * the run are in it too, as long as there is room.
 */
struct saturation_text {
    hid_t dataset; /* 0: there is none */
    size_t capacity;
};

/* Empty, if the run has virtual detectors and looks for full scale. */
int saturation_text_create(struct saturation_text *text, hid_t entry, const struct run *run);

/* Of a run that is over. Negative: HDF5 failed, or no memory. */
int saturation_text_complete(const struct saturation_text *text, struct run *run);
