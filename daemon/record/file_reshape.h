#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/record/file_copy.h"
#include "daemon/record/file_output.h"
#include "daemon/record/file_progress.h"
#include "daemon/record/file_recording.h"

/*
 * merlin-file reshape: a new file in which every frame is where another geometry has it.
 *
 *   file_reshape_options.c   what is asked for
 *   file_reshape_geometry.c  the geometry that this makes, and whether the frames fit it
 *   file_reshape_pixels.c    frames to their places
 *   file_reshape_extra.c     the others to /entry/extra
 *   file_reshape_data.c      /entry/data but its pixels, and axes
 *   file_reshape_frames.c    /entry/frames
 *   file_reshape_history.c   /entry/geometry
 *   file_reshape_results.c   /entry/results
 *   file_reshape_map.c       a map moves with its frames
 *   file_reshape.c           all of it in order
 *
 * Functions return 0 or a negative errno. Those without a struct error return -1 when HDF5 failed:
 * file_output_error tells why.
 */
struct reshape_options {
    const char *path, *output;
    const char *positions; /* a .npy file, NULL: none given */
    bool has_scan, has_order, has_start, has_line, has_end, has_shift, has_repeats;
    struct scan_geometry asked; /* those of its members that are given */
    bool last;                  /* what is not given is as in the newest geometry, not the stored */
    bool force, allow_missing, json;
};

struct reshape_counts {
    uint64_t placed, extra;
    uint64_t empty; /* places without a frame */
    uint64_t lost;  /* frames that came, but whose pixels are not in the original */
    uint64_t chunks_copied, chunks_compressed;
};

struct reshape {
    const struct reshape_options *options;
    struct file_recording old;
    struct scan_geometry geometry; /* the new one */
    uint64_t length;               /* places of it */
    const char *list_name; /* the list's dataset in /entry/geometry of the original, NULL: new */
    uint64_t n_came;       /* images that came */
    uint64_t came_end;     /* one more than the highest frame index that came */
    struct file_output output;
    struct file_copier copier;
    hid_t entry; /* the new one */
    struct image_store images[RUN_MAX_LAYERS];
    struct file_progress progress;
    struct reshape_counts counts;
};

/* Ends the program when the words make no sense. */
void reshape_options_parse(struct reshape_options *options, int argc, char **argv);

/* Needs reshape->old, n_came and came_end; makes geometry, length and list_name. */
int reshape_choose_geometry(struct reshape *reshape, struct error *error);

/* New position of an image, by its row: 0 or more, or a code of scan_geometry.h. */
int64_t reshape_position(const struct reshape *reshape, uint64_t row);

/* Groups of /entry/data with axes and empty datasets: reshape->images. */
int reshape_data_groups(struct reshape *reshape);
int reshape_frames(struct reshape *reshape);
int reshape_geometry_group(struct reshape *reshape);

bool reshape_is_scan_axis(const char *name);
/* Makes the axes of maps. */
int reshape_map_axes_make(const struct reshape *reshape, hid_t group);
/* The axes that maps of a geometry have; returns how many. */
unsigned reshape_map_axes(const struct scan_geometry *geometry, const char *names[3],
                          hsize_t extent[3], uint64_t length);

/* -EINTR: interrupted. */
int reshape_pixels(struct reshape *reshape, struct error *error);
int reshape_results(struct reshape *reshape, struct error *error);
