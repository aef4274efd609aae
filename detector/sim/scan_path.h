#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The way of the beam over the synthetic specimen: which position each frame of an acquisition
 * shows. The counterpart of processing/scan/scan_geometry.h, written from its description and not
 * from its code, so that one can judge the other.
 *
 * `skip_start` frames come before the first line, `flyback` frames after every line and `skip_end`
 * frames after every pass; passes follow each other for ever. Immutable.
 */
struct scan_path {
    uint32_t ny, nx;
    bool serpentine; /* odd lines (from 0 in each pass) run backwards in time */
    uint64_t skip_start, skip_end;
    uint32_t flyback;
    int32_t drift_y, drift_x; /* positions by which the specimen moves from pass to pass */
    double line_exposure;     /* of the first frame of a line, in units of the others' */
    double flyback_exposure;  /* of each flyback frame, likewise */
};

/* Frames of one pass with its flyback and its end, and those of the first one with its start. */
uint64_t scan_path_pass_frames(const struct scan_path *path);
uint64_t scan_path_first_pass_frames(const struct scan_path *path);

/* The position (row * nx + column of the specimen) that frame `index` (from 0) shows. False: the
 * beam was not on one (start, flyback, end). */
bool scan_path_position(const struct scan_path *path, uint64_t index, uint64_t *position);

/* How much longer than `exposure_ns` frame `index` is exposed, and how much later it begins because
 * of those before it, in ns. */
void scan_path_stretch(const struct scan_path *path, uint64_t index, uint64_t exposure_ns,
                       uint64_t *longer_ns, uint64_t *later_ns);
