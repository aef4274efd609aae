#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/bragg/bragg_reference.h"
#include "processing/statistics/phase_mask.h"

/* The bright part of a map of the run, against which its reflections are held; map "": none. */
struct bragg_phase_plan {
    char map[64];
    struct threshold threshold; /* what is given of it */
};

/* What a run is to do about Bragg reflections; part of its plan. */
struct bragg_plan {
    bool enabled;
    /* NAN: centre from the calibration or the frame's, disk radius from the calibration, annulus
     * not known. */
    struct bragg_settings settings;
    char reference_name[48];           /* "": none, the run learns its own */
    struct bragg_reference *reference; /* of that name, with a reference; its settings are the
                                          ones that count. NULL: there is none */
    /* The reference was measured on the very frames that will be searched, as that of a run which
     * is read from its file was. */
    bool in_template;
    /* Frames whose mean count per pixel of the annulus lies outside are left out (vacuum, holes,
     * cap). NAN: no limit. */
    double counts_min, counts_max;
    /* Sides of the statistics' regions and of the blocks of the bootstrap, positions; 0: the
     * defaults of bragg_statistics.h. */
    uint32_t tile, block_length;
    struct bragg_phase_plan phase;
};

/* Another owner of the same reference. */
void bragg_plan_copy(struct bragg_plan *copy, const struct bragg_plan *plan);
/* Also of a zeroed one. */
void bragg_plan_finish(struct bragg_plan *plan);
