#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/record/bragg_datasets.h"
#include "daemon/record/profile_datasets.h"
#include "processing/run/chunk_sink.h"

/*
 * /entry/results: the maps and arrays of the products that are computed when the file is made, and
 * for every layer which positions were measured. Maps of a scan are whole from the start and
 * overwritten in place while it runs; maps of frames without a shape grow. Arrays are written at
 * the end. All is seen through run->scan, as the frames are stored. What is computed only later:
 * late_results.h.
 */
struct result_map {
    hid_t dataset;
    const struct product *product;
    unsigned map;
};

struct result_array {
    hid_t dataset;
    const struct product *product;
    unsigned array;
};

struct result_datasets {
    unsigned n_maps, n_arrays, n_layers;
    struct result_map *maps;
    struct result_array *arrays;
    struct bragg_datasets bragg;
    struct profile_datasets profiles;
    hid_t measured[RUN_MAX_LAYERS];      /* -1: not made */
    bool stack;                          /* no shape: maps are [frame] and grow */
    bool contiguous;                     /* maps of a scan have their space from the start */
    uint64_t passes, ny, nx;             /* positions; not of a stack */
    const char *axes_home;               /* where the maps' axes are */
    uint64_t length;                     /* positions in the file; stack only */
    uint64_t changed_first, changed_end; /* positions whose chunks came since the last update */
    uint64_t positions_at_once;          /* whole lines of a scan, at most a pass */
    uint64_t *values;                    /* room for that many values of a map (or doubles) */
    uint8_t *measured_values;
};

/* ---- result_layout.c ---- */

/* Return 0 or a negative number: HDF5 failed or there is no memory; finish is to be called in any
 * case. Needs the axes in /entry/data or, of a list of positions, /entry/geometry. */
int result_datasets_create(struct result_datasets *results, hid_t entry, const struct run *run);

/* What result_datasets_create does without a file: how maps of the run are laid out. */
int result_datasets_describe(struct result_datasets *results, const struct run *run);

/* Makes the group of a map or an array with its dataset, which is returned. */
hid_t result_map_create(const struct result_datasets *results, hid_t parent,
                        const struct product_map *map);
hid_t result_array_create(hid_t parent, const struct product_array *array, const struct run *run);

/* Room for a value of every position, in a group of results; `fill`, a value of type `memory`, is
 * what it has where nothing was measured. */
hid_t result_positions_create(const struct result_datasets *results, hid_t group, const char *name,
                              hid_t type, hid_t memory, const void *fill);

/* Makes the group of results over positions that are in it as datasets: the axes, and behind them
 * the name of a further one, NULL: there is none. */
hid_t result_positions_group(const struct result_datasets *results, hid_t parent, const char *name,
                             const char *signal, const char *inner);

/* The middles of rings of `width` pixels: radius in pixels and, where the size of a pixel is known,
 * k. The axis that readers are led to is the better of the two. */
int result_ring_axes_create(hid_t group, uint32_t n_rings, double width, const struct run *run);
const char *result_ring_axis(const struct run *run);

/* The attributes of its dataset. */
int result_describe(hid_t dataset, const char *units, const char *description);

/* ---- result_datasets.c ---- */

/* Frames of the chunk have been measured. */
void result_datasets_changed(struct result_datasets *results, const struct compressed_chunk *chunk);

int result_datasets_update(struct result_datasets *results, const struct run *run);
int result_datasets_complete(struct result_datasets *results, const struct run *run);
void result_datasets_finish(struct result_datasets *results);

/* Values of all positions, as `fill` writes them: those of n positions from `first` on. */
typedef void (*result_fill_fn)(const void *data, uint64_t first, uint64_t n, void *values);
int result_positions_write(const struct result_datasets *results, const struct run *run,
                           hid_t dataset, hid_t memory, result_fill_fn fill, const void *data);

/* All positions of one map; all of an array, of the product's merged sums (run_sums). */
int result_map_write(const struct result_datasets *results, const struct run *run,
                     const struct result_map *map);
int result_array_write(const struct result_array *array, const void *sums);
