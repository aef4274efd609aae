#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "common/error.h"

/*
 * What is known of every frame of a run: the facts of its arrival and its state. A row per image:
 * exposure index (unwrapped frame number - 1) * layers + layer. Grows in blocks that never move, so
 * that readers need no lock. Results are elsewhere: column_table.h.
 *
 * Who owns what. A row's facts (number, position, timestamp and so on) are written by one
 * thread, the worker that holds the frame, which then publishes them with a store-release of
 * `state`; readers (service, writer) load `state` with acquire and read the rest only when it is
 * not FRAME_UNSEEN. Blocks are made by whoever needs one first (compare-and-swap) and freed with
 * the table. `end` is raised by the ingest thread only. Of an unending scan, whose rows are used
 * again and again, only `state` and `flags` are kept.
 */
enum frame_state {
    FRAME_UNSEEN = 0,   /* not received (so far) */
    FRAME_RECEIVED = 1, /* it came and was not analysed */
    FRAME_ANALYSED = 2, /* and all products of it were computed */
};

/* Why a frame is remarkable; the bits of /entry/frames/status. 0 is a frame that is there and in
 * place. */
enum frame_flag {
    FRAME_FLAG_MISSING = 1 << 0, /* never came (only in the file: a row that stayed FRAME_UNSEEN) */
    FRAME_FLAG_DUPLICATE = 1 << 1, /* its number came more than once; the first one counts */
    FRAME_FLAG_LATE = 1 << 2, /* came after its chunk was closed; its pixels are in /entry/extra */
    FRAME_FLAG_STALLED = 1 << 3,   /* exposure lengthened: the detector was held up here */
    FRAME_FLAG_SATURATED = 1 << 4, /* a pixel at full scale */
    FRAME_FLAG_DEFERRED = 1 << 5,  /* analysed later, from the file */
    FRAME_FLAG_SKIPPED =
        1 << 6, /* the geometry leaves it out (flyback); its pixels are in /entry/extra */
    FRAME_FLAG_SURPLUS = 1 << 7, /* beyond the end of the scan; its pixels are in /entry/extra */
};

struct frame_facts {
    uint64_t number;       /* as the header said */
    int64_t position;      /* row * nx + column, or a code of scan_geometry.h */
    uint64_t timestamp_ns; /* UNIX time, detector's clock; 0 unknown */
    uint64_t exposure_ns;  /* 0 unknown */
    uint64_t message;      /* 1 + the message's number in the order of arrival; 0 not recorded */
    uint32_t crc32c;       /* of the payload as received; 0 not recorded */
    uint16_t settings;     /* version of the product set that it is analysed with */
    _Atomic uint8_t flags; /* enum frame_flag */
    _Atomic uint8_t state; /* enum frame_state */
};

struct frame_table;

int frame_table_create(struct frame_table **table);
void frame_table_destroy(struct frame_table *table);

/* Bytes of its rows. Any thread. */
uint64_t frame_table_bytes(const struct frame_table *table);

/* A row, made when it is not there yet. NULL: no memory, or a row beyond FRAME_TABLE_MAX_FRAMES. */
struct frame_facts *frame_table_make(struct frame_table *table, uint64_t row);

/* A row for a reader; NULL when nobody made its block, which means FRAME_UNSEEN. */
const struct frame_facts *frame_table_look(const struct frame_table *table, uint64_t row);

/* A row whose frame has come, so that what stands in it may be read; else NULL. */
const struct frame_facts *frame_table_seen(const struct frame_table *table, uint64_t row);

/* One more than the highest exposure index received. */
uint64_t frame_table_end(const struct frame_table *table);
void frame_table_raise_end(struct frame_table *table, uint64_t end);

#define FRAME_TABLE_MAX_FRAMES (UINT64_C(1) << 32)
