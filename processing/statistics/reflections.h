#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * The reflections of a whole scan, in lists ordered by position: how long they are, in which
 * direction, and of which crystalline phase. domains.h and texture.h link those of several
 * positions.
 */
struct scan_reflection {
    uint32_t position; /* y * nx + x in the map */
    double gy, gx;     /* from the pattern's centre, detector pixels, y down, x right */
};

/* Counts of values from `start` in steps; what lies outside is counted in below and above. */
struct histogram {
    double start, step;
    uint32_t n_bins;
    uint64_t *counts; /* [n_bins] */
    uint64_t below, above;
};

/* Lengths of g from 0 to max_length, in the unit of pixel_size (1: pixels; nm^-1 per pixel: nm^-1,
 * k = 1 / d). -EINVAL: a step that is not above 0, or more than 65536 of them; -ENOMEM. */
int reflection_lengths(struct histogram *histogram, const struct scan_reflection *reflections,
                       size_t n, double pixel_size, double step, double max_length,
                       struct error *error);

/* Azimuths of g from 0 to 360 degrees, from +x towards +y (docs/orientation.md). */
int reflection_azimuths(struct histogram *histogram, const struct scan_reflection *reflections,
                        size_t n, double step, struct error *error);
void histogram_finish(struct histogram *histogram);

/* Spacings of a crystalline phase. */
struct crystal_phase {
    const char *name;
    const double *spacings; /* d, nm */
    size_t n_spacings;
};

#define PHASE_NONE (-1)      /* fits none */
#define PHASE_AMBIGUOUS (-2) /* fits more than one */

/*
 * The phase of each reflection: that with a spacing of which 1 / d differs from |g| * pixel_size by
 * at most tolerance (relative); phases[n], PHASE_NONE or PHASE_AMBIGUOUS. n_phases + 2 counts:
 * those of the phases, then none, then ambiguous.
 */
void reflection_phases(int32_t *phases, uint64_t *counts, const struct scan_reflection *reflections,
                       size_t n, double pixel_size, const struct crystal_phase *known,
                       size_t n_phases, double tolerance);
