#pragma once

#include <hdf5.h>

#include "processing/scan/scan_geometry.h"

/*
 * Makes the dataset `group`/name of the positions of a list: uint32 [position, 2], scan_y and
 * scan_x, in the order of time. Returns 0 or -1: HDF5 failed, or there is no memory.
 */
int positions_dataset_write(hid_t group, const char *name, const struct scan_list *list);
