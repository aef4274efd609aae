#pragma once

#include <stddef.h>
#include <stdint.h>

/* The settings of the instrument that a reference was measured with, or a run is. NaN, 0 or "":
 * not known. */
struct instrument_settings {
    double kv;            /* kV */
    double camera_length; /* mm */
    double convergence;   /* mrad */
    double scan_step;     /* nm */
    double threshold;     /* of counter 0, keV */
    uint32_t counter_depth;
    uint32_t height, width; /* of the frames */
    char gain[8];           /* of the chips: "SLGM", ... */
};

/*
 * Something measured and named that runs are evaluated with (a vacuum reference, a halo), as it was
 * when it was attached. Never changed once made, freed with its last owner; any thread.
 */
struct calibration_reference {
    _Atomic unsigned owners;
    char kind[24], name[48];
    uint64_t time_ns; /* UNIX time when it was measured */
    struct instrument_settings settings;
    char text[]; /* all of it, a JSON object */
};

/* A copy of `head` (all but owners) and of the text, with one owner. NULL: no memory. */
struct calibration_reference *calibration_reference_create(const struct calibration_reference *head,
                                                           const char *text);

/* NULL gives NULL. */
struct calibration_reference *calibration_reference_ref(struct calibration_reference *reference);
/* NULL does nothing. */
void calibration_reference_unref(struct calibration_reference *reference);
