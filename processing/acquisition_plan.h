#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/scan_geometry.h"

/*
 * Everything decided about a run before its first frame: an immutable, numbered version of the
 * settings. Built by the service thread, then only read, by any thread; freed with its last
 * reference.
 */

enum virtual_detector_shape { VIRTUAL_DETECTOR_DISK, VIRTUAL_DETECTOR_ANNULUS };

/* A pixel belongs when inner <= distance of its centre from `centre` <= outer (a disk has inner 0).
 * Pixels, (0, 0) is the centre of the first pixel. */
struct virtual_detector_settings {
    char name[48]; /* letters, digits, "_" and "-" */
    enum virtual_detector_shape shape;
    double centre_y, centre_x;
    bool centre_given; /* else the centre of the frame, ((height - 1) / 2, (width - 1) / 2) */
    double inner, outer;
};

enum recording_codec { RECORDING_CODEC_LZ4, RECORDING_CODEC_ZSTD, RECORDING_CODEC_BLOSCLZ };
enum recording_shuffle { RECORDING_SHUFFLE_NONE, RECORDING_SHUFFLE_BYTE, RECORDING_SHUFFLE_BIT };

struct recording_settings {
    bool enabled;
    char directory[1024];
    enum recording_codec codec;
    enum recording_shuffle shuffle;
    int level; /* 0-9 */
};

struct acquisition_plan {
    _Atomic unsigned references;
    uint32_t version;      /* of the settings, from 1, raised by every change */
    char id[37];           /* UUID of the run */
    bool active;           /* the daemon set the detector up and armed it */
    bool scan_from_header; /* scan shape was not given: take it from the HDR when it tells one */
    struct scan_geometry scan; /* as asked for */
    uint32_t detector_gap;    /* between chips of a 2x2G detector, pixels; 0: unknown. Raw frames do
                                 not tell */
    uint64_t frame_period_ns; /* nominal, 0 when unknown; only for the choice of chunk size */
    struct recording_settings recording;
    size_t n_virtual_detectors;
    struct virtual_detector_settings *virtual_detectors;
};

/* A plan with one reference, a fresh run id, room for `n_virtual_detectors` and everything else
 * zero. NULL: no memory. */
struct acquisition_plan *acquisition_plan_create(size_t n_virtual_detectors);

/* The same settings under a new run id, with one reference. NULL: no memory. */
struct acquisition_plan *acquisition_plan_copy(const struct acquisition_plan *plan);

struct acquisition_plan *acquisition_plan_ref(struct acquisition_plan *plan);

/* NULL does nothing. */
void acquisition_plan_unref(struct acquisition_plan *plan);
