#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

#define FILE_PATH_MAX 1100

/* Where the file of a run is: `partial` while it is written, `final` afterwards. Absolute paths. */
struct file_name {
    char directory[FILE_PATH_MAX];
    char partial[FILE_PATH_MAX];
    char final[FILE_PATH_MAX];
};

/*
 * Finds the first free merlin_YYYYMMDD-HHMMSS_NNN.h5 (local time of started_ns) in `directory` and
 * makes its .partial, empty. Never touches a file that is there. Returns a descriptor of it or a
 * negative errno with a sentence.
 */
int file_name_claim(struct file_name *name, const char *directory, uint64_t started_ns,
                    struct error *error);

/*
 * A lock on a file that is being written, for as long as the descriptor is open, and whether
 * somebody holds one. Not flock(2), which HDF5 uses itself and lets go of while readers may follow.
 */
void file_name_hold(int descriptor);
bool file_name_is_held(const char *path);

/* Gives a file that was written to the disk, and only then, its final name, unless that has been
 * taken meanwhile. */
int file_name_settle(const struct file_name *name, int descriptor, struct error *error);
