#pragma once

#include <jansson.h>

#include "processing/run/run.h"

/*
 * The virtual detectors' share of the pixels at full scale of the counter, whose counts are too
 * low. Of one thread at a time (the service's, or the writer's when the run is over); the patterns
 * are merged and the masks written out only when the run has any.
 */
struct detector_saturation;

/* Of a run as it is now. NULL: there is no memory. */
struct detector_saturation *detector_saturation_create(struct run *run);
/* NULL does nothing. */
void detector_saturation_destroy(struct detector_saturation *saturation);

struct saturated_pixels {
    uint64_t pixels;       /* that have a weight */
    uint64_t pixel_frames; /* sum over them of the frames in which each was at full scale */
};

/* Of one map of a product of the run. */
struct saturated_pixels detector_saturation_of(const struct detector_saturation *saturation,
                                               const struct product *product, unsigned map);

/*
 * {pixels: with a weight in one of the detector's maps, frames: analysed so far, pixel_frames: sum
 * over them of the frames in which the pixel was at full scale, fraction: pixel_frames / (pixels *
 * frames)}, all layers together. The pixels are those of the detector as it is now, the frames all
 * of the run, also those before it was moved. JSON null: the run does not compute that detector.
 * New reference.
 */
json_t *detector_saturation_json(const struct detector_saturation *saturation, const char *name);
