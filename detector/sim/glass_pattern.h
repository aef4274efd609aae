#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/sim/alias_table.h"
#include "detector/sim/glass_reflections.h"
#include "detector/sim/glass_sensor.h"
#include "detector/sim/speckle.h"

/*
 * Nanobeam diffraction patterns of a synthetic glass. The mean at a pixel at k from the centre is
 *
 *     counts * intensity * H(k) * G(k) * flat  +  reflections  +  direct beam
 *
 * with the halo H (a Gaussian ring plus a tail, 1 on the ring) and speckle G of mean 1. A
 * reflection is a disk of the aperture's radius with `contrast` times the halo's counts there.
 * Counts are Poisson; the sensor may share each electron's charge among pixels. Each part's total
 * is drawn and its electrons are scattered one by one, so the cost goes with the dose. A frame is a
 * pure function of seed, settings, position and index, made in any order by any thread.
 */
struct glass_optics {
    double centre[2];      /* y, x, pixels: a pixel's centre is at whole numbers */
    double ring_radius[2]; /* pixels, of each phase */
    double ring_fwhm;      /* pixels */
    double ellipticity;    /* 0.03: the halo is 3 % longer along y than along x */
    double tail_length;    /* pixels */
    double disk_radius;    /* pixels, of the aperture: central disk, reflections and speckle */
    double direct_beam;    /* intensity of the central disk, in units of the ring's */
    double counts;         /* mean per pixel on the ring */
    uint32_t speckle;      /* intensities averaged, 1 / V_px; 0: none */
    bool friedel;          /* speckle at k and -k is the same */
    double disk_gradient;  /* 0 to 1: disks are brighter on one side, at random */
    double disk_blur;      /* pixels FWHM by which disks are widened, their counts kept: 1 / D of a
                              cluster of size D */
};

struct glass_pattern {
    uint32_t side; /* pixels of the square frame, a power of two */
    uint64_t seed;
    struct glass_optics optics;
    struct alias_table halo[2]; /* of each phase */
    struct speckle speckle;
    struct glass_sensor sensor;
};

#define GLASS_RING_RADIUS 35.3 /* pixels of a 256-pixel frame (ZrCu, 200 kV, k = 4.18 nm-1) */

/* ZrCu at 200 kV, seen by a Merlin of 256 pixels, without speckle; for larger sides all lengths are
 * scaled. */
struct glass_optics glass_optics_default(uint32_t side);

/* Returns 0 or -ENOMEM. */
int glass_pattern_init(struct glass_pattern *pattern, uint32_t side, uint64_t seed,
                       const struct glass_optics *optics,
                       const struct glass_sensor_settings *sensor);
void glass_pattern_finish(struct glass_pattern *pattern);

/* Mean counts of the halo of a phase at (y, x) from the centre, in units of optics.counts. */
double glass_pattern_halo(const struct glass_optics *optics, unsigned phase, double y, double x);

/* Makes counts[side][side] of frame `index`. */
void glass_pattern_draw(const struct glass_pattern *pattern, const struct glass_position *position,
                        uint64_t index, uint32_t *counts);

/* Adds only the reflections of that frame to counts[side][side], and tells the counts that each of
 * them made: disk_counts[position->reflections]. */
void glass_pattern_draw_reflections(const struct glass_pattern *pattern,
                                    const struct glass_position *position, uint64_t index,
                                    uint32_t *counts, uint32_t *disk_counts);
