#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Maps frames to scan positions and to places in the file.
 *
 * A frame index is the unwrapped frame number minus 1. A position is (pass * ny + row) * nx +
 * column of a map whose fast axis is x. A place is where a frame is stored: the position itself,
 * but for a list of positions the order of the list, and for an unknown shape the order of the
 * frames (both are stored as a stack).
 *
 * Of the frames in time order, skip_start + shift come before the first line; every line has nx
 * frames followed by skip_line frames (flyback); skip_end frames follow the last line of every
 * pass. ny = 0: the shape is unknown and every frame after skip_start has a position of its own.
 */
enum scan_order {
    SCAN_ORDER_RASTER,     /* every line from left to right */
    SCAN_ORDER_SERPENTINE, /* odd lines (counted from 0 in each pass) from right to left */
    SCAN_ORDER_LIST,       /* as `list` says; skip_line does not apply */
};

/* Visited positions in time order, each at most once per pass. Immutable, shared by reference. */
struct scan_list {
    _Atomic unsigned references;
    uint32_t ny, nx;     /* of the map */
    uint64_t n;          /* positions visited in a pass, at least 1 */
    int64_t *ordinals;   /* [ny * nx]: when a position is visited, -1 never */
    uint32_t *positions; /* [n]: row * nx + column */
};

/* Copies positions[n][2] (y, x). -EINVAL with a sentence: a position outside ny x nx, or one that
 * comes twice. */
int scan_list_create(struct scan_list **list, uint32_t ny, uint32_t nx,
                     const uint32_t (*positions)[2], uint64_t n, struct error *error);
struct scan_list *scan_list_ref(struct scan_list *list);
/* NULL does nothing. */
void scan_list_unref(struct scan_list *list);

#define SCAN_REPEATS_UNENDING UINT32_MAX

struct scan_geometry {
    enum scan_order order;
    uint32_t ny, nx;  /* positions of one pass; 0, 0: unknown */
    uint32_t repeats; /* passes one after the other, the slowest axis; 0 counts as 1. Of an unending
                         scan (SCAN_REPEATS_UNENDING) the newest pass is the one that is seen */
    uint64_t skip_start;    /* frames */
    uint32_t skip_line;     /* frames after each line */
    uint64_t skip_end;      /* frames after each pass */
    int64_t shift;          /* frames by which the scan began later than thought (a nudge); may be
                               negative */
    struct scan_list *list; /* SCAN_ORDER_LIST only, its ny and nx are those above. Borrowed:
                               whoever keeps a geometry keeps a reference */
};

#define SCAN_POSITION_SKIPPED                                                                      \
    INT64_C(-1) /* flyback or another frame that the geometry leaves out */
#define SCAN_POSITION_SURPLUS INT64_C(-2) /* beyond the end of the scan */

/* Whether its frames are stored as a stack [frame, y, x]: no shape, or a list of positions. */
bool scan_geometry_is_stack(const struct scan_geometry *geometry);

/* Passes of the scan: 1 or more, 1 for an unending one. */
uint32_t scan_geometry_passes(const struct scan_geometry *geometry);

/* Position of a frame, or one of the two codes above. */
int64_t scan_geometry_position(const struct scan_geometry *geometry, uint64_t frame_index);

/*
 * Frame index of a position (0 <= position < scan_geometry_positions, any position of a stack). Of
 * an unending scan: of the first pass. -1: no frame has this position (not in the list, or shifted
 * out of the run's beginning).
 */
int64_t scan_geometry_frame_index(const struct scan_geometry *geometry, uint64_t position);

/* Place of a frame that has a position. */
int64_t scan_geometry_place(const struct scan_geometry *geometry, uint64_t frame_index);
/* Frame index of a place. */
int64_t scan_geometry_frame_at_place(const struct scan_geometry *geometry, uint64_t place);

/* How many positions belong to the frames before frame_index: those that should have been filled
 * when it comes. */
uint64_t scan_geometry_positions_before(const struct scan_geometry *geometry, uint64_t frame_index);

/* Positions of the map: passes * ny * nx, 0 when unknown. */
uint64_t scan_geometry_positions(const struct scan_geometry *geometry);

/* Positions that a whole scan visits: less than the above for a list. 0 when unknown or unending.
 */
uint64_t scan_geometry_visits(const struct scan_geometry *geometry);

/* Frames that the detector has to deliver for a whole scan, skipped ones included; 0 when unknown
 * or unending. */
uint64_t scan_geometry_frames(const struct scan_geometry *geometry);

/* Frames of one pass, skipped ones included; 0 when the shape is unknown. */
uint64_t scan_geometry_pass_frames(const struct scan_geometry *geometry);

/* Whether a frame is the first one of a pass. */
bool scan_geometry_begins_pass(const struct scan_geometry *geometry, uint64_t frame_index);

/*
 * The chunk of `chunk_frames` places, all on one line, that a frame with a position belongs to.
 * `order` grows with time from chunk to chunk, also where places go backwards (serpentine) or begin
 * again (unending).
 */
struct scan_chunk {
    uint64_t order;
    int64_t first_place;
    uint32_t n; /* places: chunk_frames, fewer at the end of a line */
};
void scan_geometry_chunk(const struct scan_geometry *geometry, uint32_t chunk_frames,
                         uint64_t frame_index, struct scan_chunk *chunk);

/* Whether two geometries give every frame the same position. */
bool scan_geometry_equal(const struct scan_geometry *a, const struct scan_geometry *b);

/* "raster", "serpentine", "list". */
const char *scan_order_name(enum scan_order order);
