#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/scan/scan_geometry.h"

/*
 * /entry/frames of a recording: what is known of an image by its row. Rows are read in windows, so
 * that a table that a stray frame number made very long costs no memory; whoever goes through it
 * roughly in order reads it once.
 */
#define FILE_FRAMES_WINDOW 65536
#define FILE_POSITION_NEVER_CAME INT64_C(-3)

struct file_frames {
    hid_t position, status; /* -1: a file without /entry/frames/status */
    uint64_t rows;
    uint64_t first, n; /* of the window */
    int64_t *positions;
    uint8_t *statuses;
    bool failed; /* HDF5 failed: nothing that was looked up since is to be trusted */
};

struct file_frame {
    int64_t position; /* or a negative code of scan_geometry.h, or FILE_POSITION_NEVER_CAME */
    uint8_t status;   /* enum frame_flag */
};

/* `entry` of a recording. -EBADMSG with a sentence: it has no table of frames. */
int file_frames_open(struct file_frames *frames, hid_t entry, struct error *error);
void file_frames_finish(struct file_frames *frames);

/* A row beyond the table, or one that cannot be read, never came. */
struct file_frame file_frames_look(struct file_frames *frames, uint64_t row);
