#pragma once

#include <hdf5.h>
#include <stdbool.h>

/*
 * /entry/recording_error: why a recording is not whole, or not to be trusted; empty: nothing is
 * known against it. Made before SWMR begins and overwritten in place, which takes no room on a full
 * disk.
 */
struct file_mark {
    hid_t dataset;
    haddr_t address; /* of its bytes in the file */
    bool written;
};

/* Both return 0 or a negative number: HDF5 failed. */
int file_mark_create(struct file_mark *mark, hid_t entry);
/* Keeps the first text; "" does nothing. */
int file_mark_write(struct file_mark *mark, const char *text);

/* Without HDF5, when that has failed: on a file that it has closed, as well as it could. Returns 0
 * or a negative errno. */
int file_mark_force(const struct file_mark *mark, int descriptor, const char *text);
