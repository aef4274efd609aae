#pragma once

#include "daemon/record/file_check.h"
#include "daemon/record/file_copy.h"
#include "daemon/record/file_output.h"

/* A frame whose pixels are proven. */
struct recovered_frame {
    uint64_t row;
    uint64_t arrival;
    uint32_t crc32c;
};

struct recover_counts {
    uint64_t chunks, chunks_left_out; /* of every dataset */
    uint64_t frames_left_out;         /* rows of /entry/frames whose pixels are not in the file */
    uint64_t rows_added;              /* rows that were made anew from headers */
    char lost_objects[400];           /* names, each after ", " */
};

struct recover {
    struct file_recording old;
    struct file_payloads payloads;
    struct file_output output;
    struct file_copier copier;
    struct file_check check;
    struct recover_counts counts;
    struct recovered_frame *frames; /* in the order of rows */
    size_t n_frames, capacity;
};

/*
 * /entry/frames of the new file tells the truth: a row whose pixels are proven and that was not
 * written yet is made from its header; a row whose pixels did not reach the file is marked as
 * missing and has no position any more. 0, or -1: HDF5 failed.
 */
int recover_frames(struct recover *recover, hid_t entry);
