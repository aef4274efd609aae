#pragma once

#include <hdf5.h>
#include <stdbool.h>

#include "common/error.h"
#include "daemon/record/file_name.h"

/*
 * A new HDF5 file that appears under its name only when it is whole: until then it is NAME.partial,
 * which goes away when something fails or somebody presses Ctrl-C.
 */
struct file_output {
    struct file_name name;
    hid_t file;
    int descriptor; /* our own, for fsync; -1: the partial file is not (or no longer) ours */
    bool replace;
};

/* `original` must not be the same file; `replace`: a file of that name may be overwritten. */
int file_output_create(struct file_output *output, const char *path, const char *original,
                       bool replace, struct error *error);

/* Closes it, brings it to the disk and gives it its name. */
int file_output_commit(struct file_output *output, const char *original, struct error *error);

/* Takes the partial file away. Does nothing after a commit. */
void file_output_abandon(struct file_output *output);

/*
 * Turns the failure that HDF5 has just had while it wrote (and read `original`) into a sentence.
 */
int file_output_error(const struct file_output *output, const char *original, struct error *error);

/* From now on SIGINT and SIGTERM are remembered; who presses Ctrl-C twice wants out at once. */
void file_interrupt_watch(void);
/* 0, or the number of the signal. */
int file_interrupted(void);
