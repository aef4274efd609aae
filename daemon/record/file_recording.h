#pragma once

#include <hdf5.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/record/file_frames.h"
#include "daemon/record/file_images.h"
#include "daemon/record/file_read.h"
#include "processing/run/run.h"
#include "processing/scan/scan_geometry.h"

/*
 * A recording that is read: its layers, its frames and where the pixels of each are. For files of
 * every version of merlind: those without /entry/geometry are stored by raster, and what was left
 * out of the scan is found from /entry/frames/position.
 */
struct file_layer {
    char name[32];  /* "" when there is one */
    char group[48]; /* in /entry: "data", "data_counter1" */
    struct image_store images;
};

/* An image in /entry/extra. */
struct file_extra {
    uint64_t row;   /* in /entry/frames */
    uint64_t place; /* in /entry/extra */
    uint8_t reason; /* enum frame_flag; of duplicates the first one that came is elsewhere */
};

struct file_recording {
    const char *path;
    hid_t file, entry;
    bool growing; /* still being written, or left by a crash */
    unsigned n_layers;
    struct file_layer layers[RUN_MAX_LAYERS];
    struct file_frames frames;
    struct image_store extra; /* id -1: there is none */
    uint64_t n_extra;
    struct file_extra *by_row;    /* n_extra of them, in the order of rows */
    json_t *history;              /* NULL: none in the file */
    struct scan_geometry storage; /* that the frames are stored in */
};

/* Returns 0, -ENOENT (and the like) or -EBADMSG with a sentence. */
int file_recording_open(struct file_recording *recording, const char *path, struct error *error);
/* The same in two steps, for files that may be damaged: the file alone and /entry, if it can be
 * read; then what is in it. After the first the second may fail and `file` be used. */
int file_recording_open_file(struct file_recording *recording, const char *path,
                             struct error *error);
int file_recording_look(struct file_recording *recording, struct error *error);
/* What file_recording_open has made, also after it failed. */
void file_recording_close(struct file_recording *recording);

/* In file_recording_geometry.c: fills history and storage, for file_recording_open. */
int file_recording_read_geometry(struct file_recording *recording, struct error *error);

/* What was looked up cannot be trusted when HDF5 failed underneath. */
int file_recording_check(const struct file_recording *recording, struct error *error);

/* Where the pixels of an image are; store NULL: nowhere. */
struct image_source {
    const struct image_store *store;
    uint64_t place;
};

/* `frame` as file_frames_look has it. */
struct image_source file_recording_source(const struct file_recording *recording, unsigned layer,
                                          uint64_t row, const struct file_frame *frame);

/* Index in by_row of the first image of a row, if it has any in /entry/extra; else where it would
 * be. */
uint64_t file_recording_first_extra(const struct file_recording *recording, uint64_t row);

/* Whether there is a frame at a place of the store that a scan or a new reading of it could show.
 */
bool file_recording_place_used(struct file_recording *recording, const struct image_source *source,
                               unsigned layer);

/* One more than the highest frame index that came, or should have come. */
uint64_t file_recording_frames(const struct file_recording *recording);
