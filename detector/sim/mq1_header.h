#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detector/sim/clock_text.h"

/*
 * Writes and rewrites frame headers (MQ1), the counterpart of detector/frame_header.h. The form is
 * that of Merlin software 0.77 and newer: comma separated text, NUL padding up to the data offset.
 */

/* Forms that were or may be met (protocol notes 2.3). */
enum mq1_style {
    MQ1_NEW,
    MQ1_NO_MQ1A, /* without the block of hardware time, exposure and depth */
    MQ1_OLD,     /* no thresholds, no DACs: software up to 0.67 */
};

/* What a header says that does not change from frame to frame. */
struct mq1_facts {
    uint32_t chips;
    uint32_t width, height; /* fields X and Y */
    const char *pixel_type; /* "U08" */
    const char *layout;     /* "1x1" */
    uint32_t counter_depth; /* bits */
    uint32_t counter;       /* field 11: counter, or layer of colour */
    bool colour;            /* field 12: colour, or both counters */
    enum mq1_style style;
    double thresholds_kev[8];
};

/* What changes with every frame. */
struct mq1_stamp {
    uint64_t number;  /* from 1, never wrapped: beyond 999,999 the field grows */
    uint64_t time_ns; /* UNIX time */
    uint64_t exposure_ns;
    bool counter_given; /* else field 11 stays */
    unsigned counter;   /* 0 or 1 */
};

/* Where the changing fields stand in a header; a size of 0 means that the field is not there. */
struct mq1_layout {
    uint16_t number_at, number_size;
    uint16_t local_at, local_size;     /* field 9, local time */
    uint16_t shutter_at, shutter_size; /* field 10, seconds */
    uint16_t counter_at, counter_size; /* field 11 */
    uint16_t utc_at, utc_size;         /* of MQ1A, without the Z */
    uint16_t ns_at, ns_size; /* of MQ1A, digits only: older software writes nS after them */
    uint16_t text_size;      /* up to the padding */
};

#define MQ1_HEADER_MAX 16384 /* bytes, the largest data offset that is handled */

/* Data offset of a header for so many chips: 256 + 128 per chip. */
size_t mq1_header_size(uint32_t chips);

/*
 * Writes the header of frame 1 at UNIX time 0 to out[0..mq1_header_size(chips)), padding included.
 * Returns the number of bytes of text: 342 for one 1-bit chip with an exposure of 1 ms, 679 for a
 * 12-bit quad.
 */
size_t mq1_header_write(uint8_t *out, const struct mq1_facts *facts, uint64_t exposure_ns);

/* Finds the changing fields of header[0..data_offset) by their commas, and MQ1A by its name. */
void mq1_layout_find(struct mq1_layout *layout, const uint8_t *header, size_t data_offset);

/*
 * Writes to out[0..data_offset) the header with the fields of `stamp` in place of its own; fields
 * keep their widths where the values allow it, otherwise what follows moves and the padding shrinks
 * or grows. Returns false, with `out` a plain copy, when there is not enough padding.
 */
bool mq1_header_rewrite(uint8_t *out, const uint8_t *header, size_t data_offset,
                        const struct mq1_layout *layout, const struct mq1_stamp *stamp,
                        struct clock_text *clock);
