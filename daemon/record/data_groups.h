#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "daemon/record/image_dataset.h"

/*
 * /entry/data: the frames in place, with their axes. With several layers each has a group of its
 * own: the first one is /entry/data, the others are /entry/data_LAYER and share its axes.
 */
struct data_groups {
    unsigned n_layers;
    struct image_dataset images[RUN_MAX_LAYERS];
    hid_t frame_axis; /* of a stack, else -1 */
    uint64_t frame_axis_length;
};

/* All return 0 or a negative number: HDF5 failed or there is no memory. */
int data_groups_create(struct data_groups *data, hid_t entry, const struct run *run);
int data_groups_write(struct data_groups *data, const struct compressed_chunk *chunk);
/* Stacks of all layers and their axis get one length. */
int data_groups_update(struct data_groups *data);
/* ... which is that of all frames that came. */
int data_groups_complete(struct data_groups *data, const struct run *run);
