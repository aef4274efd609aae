#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/pixels/analysis_settings.h"
#include "processing/pixels/calibration_values.h"
#include "processing/products/bragg_plan.h"
#include "processing/products/virtual_detector.h"
#include "processing/scan/scan_geometry.h"

/*
 * Everything decided about a run before its first frame: an immutable, numbered version of the
 * settings. Built by the service thread, then only read, by any thread; freed with its last
 * reference.
 */

enum recording_codec {
    RECORDING_CODEC_LZ4,
    RECORDING_CODEC_ZSTD,
    RECORDING_CODEC_BLOSCLZ,
    RECORDING_CODEC_NONE, /* Blosc buffers that hold the images as they are */
    RECORDING_CODEC_AUTO, /* as closely as there is time for: chunk_codec.h */
};
enum recording_shuffle { RECORDING_SHUFFLE_NONE, RECORDING_SHUFFLE_BYTE, RECORDING_SHUFFLE_BIT };

/* What files are called where nothing else is configured (daemon/config/name_template.h). */
#define RECORDING_NAME "merlin_{date}-{time}_{run:03}"

struct recording_settings {
    bool enabled;
    bool ask; /* discarded at the end, unless somebody says that it is to be kept */
    char directory[1024];
    char name[200]; /* a template; "": RECORDING_NAME */
    enum recording_codec codec;
    enum recording_shuffle shuffle;
    int level;     /* 0-9 */
    bool links;    /* NAME.hspy and NAME.nxs beside the file */
    bool profiles; /* the radial profiles of single positions */
};

#define PLAN_LABELS_SIZE 512

struct acquisition_plan {
    _Atomic unsigned references;
    uint32_t version;              /* of the settings, from 1, raised by every change */
    char id[37];                   /* UUID of the run */
    char labels[PLAN_LABELS_SIZE]; /* JSON object, "": none: the condition of the specimen */
    bool active;                   /* the daemon set the detector up and armed it */
    bool scan_from_header; /* scan shape was not given: take it from the HDR when it tells one */
    struct scan_geometry scan; /* as asked for; the plan holds a reference of its list */
    bool find_lines; /* nobody knows the flyback frames: the run is stored as a stack, and the
                        geometry is found from the exposures (scan.nx may be given, else 0) */
    bool unending;   /* view mode: the scan, whose shape is known, goes over and over, maps are
                        overwritten */
    bool one_pass;   /* a pass of an unending scan: the HDR, which is that scan's, does not count */
    uint32_t layers; /* images per exposure that the detector was told to send; 0: as its frames
                        say */
    uint32_t detector_gap; /* between chips of a 2x2G detector, pixels; 0: unknown. Raw frames do
                              not tell */
    char *detector_parameters; /* JSON object: what the detector was set to when it was armed; NULL:
                                  somebody else has set it up */
    uint64_t frame_period_ns;  /* nominal, 0 when unknown; only for the choice of chunk size */
    struct recording_settings recording;
    bool current_known;     /* there is a series of the beam current */
    char disk_warning[500]; /* a sentence: the disk may not suffice, "": it does */
    struct analysis_settings analysis;
    struct bragg_plan bragg;
    struct calibration calibration; /* the mask applies to frames of its size */
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
