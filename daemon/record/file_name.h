#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

#define FILE_PATH_MAX 1100

/*
 * Where the file of a run is: `partial` while it is written, `final` afterwards. Absolute paths.
 * The folder is held by a descriptor, so that the file gets its name also where the folder was
 * moved, or unmounted, meanwhile.
 */
struct file_name {
    int folder;     /* -1: none */
    bool settled;   /* it has its final name */
    char base[256]; /* of the final name, in the folder */
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

/*
 * Gives a file that was written to the disk, and only then, its final name, unless that has been
 * taken meanwhile. -ENOENT: somebody has deleted it, and it is only there as long as the descriptor
 * is open (file_rescue.h). Where the folder was moved, the paths are those of its new place.
 */
int file_name_settle(struct file_name *name, int descriptor, struct error *error);

/* Whether the file is still where it was made: -ENOENT, deleted, or -ESTALE, its folder was moved,
 * with a sentence. */
int file_name_check(const struct file_name *name, int descriptor, struct error *error);

/* Lets go of the folder. */
void file_name_finish(struct file_name *name);
