#pragma once

#include <jansson.h>

#include "daemon/record/file_check.h"
#include "daemon/record/file_copy.h"
#include "daemon/record/file_options.h"
#include "daemon/record/file_output.h"
#include "daemon/record/file_trial.h"

/*
 * A clean file of one that was left by a crash. The original is only read: opened as a reader of a
 * growing file opens it (H5F_ACC_SWMR_READ), which needs no repair; opening it to write would cut
 * it off where HDF5 last knew its end to be. All of it is done in a process that may crash
 * (file_trial.h), so each step says what it is at.
 */

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
};

struct recover {
    const struct file_options *options;
    const struct file_trial *trial;
    struct file_recording old;
    struct file_payloads payloads;
    struct file_output output;
    struct file_copier copier;
    struct file_check check;
    struct recover_counts counts;
    json_t *lost;                   /* paths of what cannot be read */
    char unproven[500];             /* why checksums could not be looked at; "": they were, or there
                                       are none */
    struct error full;              /* code 0: the new file has had room so far */
    struct recovered_frame *frames; /* in the order of rows */
    size_t n_frames, capacity;
};

/* Everything but /entry/frames as it is to be. 0, or -1: HDF5 failed while it wrote. */
int recover_copy(struct recover *recover);

/* The words for a person, or with --json the object, on stdout. */
void recover_tell(const struct recover *recover);

/*
 * /entry/frames of the new file tells the truth: a row whose pixels are proven and that was not
 * written yet is made from its header; a row whose pixels did not reach the file is marked as
 * missing and has no position any more. 0, or -1: HDF5 failed.
 */
int recover_frames(struct recover *recover, hid_t entry);
