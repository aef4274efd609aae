#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/bragg/bragg_background.h"
#include "processing/bragg/bragg_grid.h"

/*
 * The places where disks of one width are looked for, and what a frame is compared with there. All
 * maps are [rows][stride] of the grid; only places (cell < BRAGG_NO_PLACE) have values.
 *
 * Background of a frame at a place: weight times the ratio of its radius bin, which is `mix` times
 * the ratios of the bands. Places of much the same background form a cell, so that a frame needs
 * one threshold for each cell to rule out nearly all of its places.
 */

#define BRAGG_CELLS 64
#define BRAGG_NO_PLACE (BRAGG_CELLS - 1)
#define BRAGG_BIN_WIDTH 0.5 /* pixels of radius */

/* Bounds for the places of a cell. Three cells after the other are of a ring, BRAGG_LEVELS. */
#define BRAGG_LEVELS 3
#define BRAGG_RINGS_MAX ((BRAGG_CELLS - 1) / BRAGG_LEVELS)

struct bragg_cell {
    bool has_places;
    double weight, speckle; /* the least of its places */
};

struct bragg_ring {
    uint32_t first_bin, end_bin;      /* of radius, that have a place */
    double weight, speckle;           /* the least of its places; above the most: there is none */
    double most_weight, most_speckle; /* the most */
};

struct bragg_positions {
    struct bragg_disk disk;
    double off_slope; /* of the disk (bragg_disk_off_slope) */
    uint32_t step;    /* pixels between places, along rows and columns */
    uint32_t n;
    uint32_t n_bins;
    struct bragg_cell cells[BRAGG_CELLS];
    uint32_t n_rings;
    /* Places beside each other are at most so many rings apart: along rows and columns, and those
     * across a corner. */
    uint32_t rings_beside, rings_across;
    struct bragg_ring rings[BRAGG_RINGS_MAX];
    uint8_t *cell; /* with room for BRAGG_LANES places more than a row of places around */
    uint8_t *cell_room;
    uint16_t *bin;
    float *share;    /* of the disk's pixels, those that are used */
    double *weight;  /* counts of the template in the disk */
    double *speckle; /* V there, with the noise of the template */
    double *mix;     /* [n_bins][n_bands], 0 outside [first_band, end_band) */
    uint8_t *first_band, *end_band;
};

/* Elements that maps which are read around their places have before and behind them: whole lines of
 * the cache, as the rows of maps are. */
static inline size_t bragg_map_margin(const struct bragg_grid *grid, uint32_t step)
{
    return (size_t)grid->stride * step + 2 * (size_t)BRAGG_LANES;
}

/* -ENOMEM, or -EINVAL where there is no place (the annulus is too narrow or masked). */
int bragg_positions_init(struct bragg_positions *positions,
                         const struct bragg_reference_values *values, enum bragg_width width,
                         double radius, const struct bragg_grid *grid, const uint8_t *mask,
                         const double *template, const struct bragg_background_plan *background,
                         struct error *error);
void bragg_positions_finish(struct bragg_positions *positions);
