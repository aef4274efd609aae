#pragma once

#include "daemon/record/file_reshape.h"

/*
 * One map of the original, [positions..., others...], and its copy in which every position's values
 * are where the new geometry has its frame. What no frame goes to has the map's fill value. Its
 * datasets and its fill value belong to it from reshape_map_open to reshape_map_close.
 */
struct reshape_map {
    struct reshape *reshape;
    unsigned layer;
    const char *name; /* of the dataset */
    hid_t old, made, type;
    size_t size;           /* of an element */
    unsigned rank, n_axes; /* the first n_axes are of positions */
    unsigned made_rank, made_axes;
    hsize_t extent[FILE_RANK_MAX], made_extent[FILE_RANK_MAX];
    uint64_t positions, made_positions;
    uint64_t inner; /* elements of a position and a step along the first of the other axes */
    uint8_t *fill;
};

/*
 * Opens a dataset of a group. true: it is a map of the frames of `layer`, and all is known that has
 * to be before it is moved. false: it is not, or (`type` is negative) HDF5 failed.
 */
bool reshape_map_open(struct reshape_map *map, struct reshape *reshape, unsigned layer, hid_t group,
                      const char *name);

/* Makes the copy, with its attributes, in the group `to`. -1: HDF5 failed, or no memory. */
int reshape_map_move(struct reshape_map *map, hid_t to);

/* Whatever reshape_map_open has said. */
void reshape_map_close(struct reshape_map *map);

/* The axes of positions that the data of a group has, in front of the others; 0: none. */
unsigned reshape_count_position_axes(hid_t group);
