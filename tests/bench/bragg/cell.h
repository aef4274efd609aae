#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/sim/glass_pattern.h"

/*
 * A cell of the benchmark of truth: one film, one dose and one detector, whose patterns are made by
 * the simulator's generator (detector/sim/glass_pattern.h) and of which the classifier is told only
 * what an operator would know.
 */

enum { CELL_SIDE = 128, CELL_PIXELS = CELL_SIDE * CELL_SIDE };

struct cell {
    char name[48];
    uint64_t seed;
    struct glass_optics optics;
    struct glass_sensor_settings sensor;
    double speckle;    /* V_px, for the record */
    double thickness;  /* intensities of frames are uniform from 1 to this */
    double descan;     /* pixels that the pattern moves from the first to the last frame of a set */
    double annulus[2]; /* pixels, inner and outer: what the classifier looks at */
    double centre_error[2]; /* pixels: where the classifier thinks that the centre is */
    uint32_t depth;         /* bits of the counter */
    bool wrap;              /* beyond its full scale; else it stays there */
    bool two_phases;        /* every other frame, at random, has the second halo */
    bool knows_bad; /* the classifier is told which pixels are behind the stop or in the cross */
    double
        reference_fraction; /* of the frames from which the reference is learnt have reflections */
    enum glass_class reference_class; /* which; GLASS_NONE: any */
    bool perturbed;                   /* not a cell of the grid */
};

/* The grid: mu x R_d x V_px x F. */
#define CELL_DOSES 6
#define CELL_GRID (CELL_DOSES * 3 * 3 * 2)

unsigned cell_count(void);

/* Cell `index`: the grid first, then the perturbations. */
struct cell cell_make(unsigned index);

/* What the frames of a set are for: the sets are independent of each other. */
enum cell_set { SET_REFERENCE, SET_NULL, SET_THRESHOLDS, SET_CLASSES, SET_LATTICES, SET_SERIES };

struct cell_frame {
    struct glass_position position;
    uint32_t counts[CELL_PIXELS]; /* as the counter shows them */
    uint16_t image[CELL_PIXELS];  /* the same */
};

/* Which frame: number `index` of `count` in a set. */
struct cell_request {
    enum cell_set set;
    uint64_t index, count;
    enum glass_class class;
    double contrast;  /* of all reflections that it has */
    double spread;    /* they lie within this part of the ring's radius */
    double intensity; /* of the whole frame; 0: as the cell has it */
};

#define CELL_SPREAD 0.08

void cell_draw(const struct cell *cell, const struct glass_pattern *pattern,
               const struct cell_request *request, struct cell_frame *frame);

/* 1 where a pixel is known to be no good, [CELL_PIXELS]. */
void cell_bad_pixels(const struct cell *cell, const struct glass_pattern *pattern, uint8_t *bad);
