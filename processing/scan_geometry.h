#pragma once

#include <stdint.h>

/*
 * Maps frame numbers to scan positions. A frame index is the unwrapped frame number minus 1; a
 * position is row * nx + column of a raster scan whose fast axis is x.
 *
 * Of the frames in time order, skip_start come before the first line, every line has nx frames
 * followed by skip_line frames (flyback), and skip_end frames follow the last line. ny = 0: the
 * shape is unknown, every frame index is its own position (a stack).
 */
struct scan_geometry {
    uint32_t ny, nx;     /* positions; 0, 0: unknown */
    uint64_t skip_start; /* frames */
    uint32_t skip_line;  /* frames after each line */
    uint64_t skip_end;   /* frames */
};

#define SCAN_POSITION_SKIPPED                                                                      \
    INT64_C(-1) /* flyback or another frame that the geometry leaves out */
#define SCAN_POSITION_SURPLUS INT64_C(-2) /* beyond the end of the scan */

/* Position of a frame, or one of the two codes above. */
int64_t scan_geometry_position(const struct scan_geometry *geometry, uint64_t frame_index);

/* Frame index of a position (0 <= position < ny * nx, any position of a stack). */
uint64_t scan_geometry_frame_index(const struct scan_geometry *geometry, uint64_t position);

/* How many positions belong to the frames before frame_index: those that should have been filled
 * when it comes. */
uint64_t scan_geometry_positions_before(const struct scan_geometry *geometry, uint64_t frame_index);

/* Positions of the scan: ny * nx, 0 when unknown. */
uint64_t scan_geometry_positions(const struct scan_geometry *geometry);

/* Frames that the detector has to deliver for a whole scan, skipped ones included; 0 when unknown.
 */
uint64_t scan_geometry_frames(const struct scan_geometry *geometry);
