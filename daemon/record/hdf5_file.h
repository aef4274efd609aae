#pragma once

#include <hdf5.h>

#include "common/error.h"

/* Opening and closing the files of recordings, all by the writer thread. */

/* Makes a new file, or empties one. Returns it or a negative number. */
hid_t hdf5_file_create(const char *path);

/* To change what SWMR does not let change. Nobody else writes to it, and a reader that looks at it
 * meanwhile does not keep us out. */
hid_t hdf5_file_reopen(const char *path);

/* A negative handle is closed already. Returns 0 or -1; a failed close is not to be tried again. */
int hdf5_file_close(hid_t file);

/* Whether HDF5 can still be used in this process: -EIO with a sentence after it failed to close a
 * file. Any thread. */
int hdf5_file_check_library(struct error *error);
