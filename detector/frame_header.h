#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Pixel types of a frame header's field 6. U types are big endian and assembled; R64 is raw (see
 * pixel_format.h). */
enum pixel_type { PIXEL_U01, PIXEL_U08, PIXEL_U16, PIXEL_U32, PIXEL_U64, PIXEL_R64 };

/* How the chips lie (field 7); G means with gap pixels between them. */
enum sensor_layout { LAYOUT_1X1, LAYOUT_2X2, LAYOUT_2X2G, LAYOUT_NX1, LAYOUT_NX1G };

/*
 * A frame header (MQ1) as text fields, Merlin manual section "Frame header" and the notes on MQ1A.
 * Sizes are as the header says them: for R64 they are not those of the assembled image.
 */
struct frame_header {
    uint64_t number;      /* frame number in the acquisition, from 1 */
    uint32_t data_offset; /* bytes from "MQ1" to the first pixel */
    uint32_t chips;
    uint32_t width;  /* X */
    uint32_t height; /* Y */
    enum pixel_type pixel_type;
    enum sensor_layout layout;
    uint32_t chip_select;   /* bit 0 = chip 1 */
    uint32_t layer;         /* counter 0/1, or colour layer 0-7 */
    bool colour_mode;       /* set in colour or both-counter data */
    uint32_t gain_mode;     /* 0 SLGM, 1 LGM, 2 HGM, 3 SHGM */
    uint32_t counter_depth; /* 1, 6, 12, 24; 0 when there is no MQ1A block */
    uint64_t timestamp_ns;  /* UNIX time of MQ1A's hardware clock; 0 when there is none */
    uint64_t exposure_ns;   /* shutter time: MQ1A's, else field 10 */
    bool has_mq1a;
};

/*
 * Parses body[0..size), which begins with "MQ1,". Fields are found by their commas and MQ1A by its
 * name, so a 7-digit frame number, missing thresholds or DACs and unknown fields before the padding
 * do no harm. Refuses (-EBADMSG and a sentence) a header without its geometry fields, or with sizes
 * that no Merlin has (see FRAME_HEADER_MAX_*).
 */
int frame_header_parse(struct frame_header *header, const uint8_t *body, size_t size,
                       struct error *error);

#define FRAME_HEADER_MAX_CHIPS 16
#define FRAME_HEADER_MAX_SIDE 8192         /* pixels of width or height */
#define FRAME_HEADER_MAX_DATA_OFFSET 16384 /* bytes */

/* Field 11, counter or colour layer, of a header of header_size bytes whose field 2 begins at
 * geometry_at. The text ends at a NUL, as for frame_header_parse. false: it has none below 8. */
bool frame_header_layer(const uint8_t *body, size_t header_size, size_t geometry_at,
                        unsigned *layer);

/*
 * The two halves of the hot path. frame_header_number reads only field 1 and says where field 2
 * begins, so that ingest can compare the geometry fields of a frame with those of the frame before
 * by memcmp. frame_header_parse_time reads only MQ1A (its outputs are 0 when there is none) from a
 * header of known data offset.
 */
bool frame_header_number(const uint8_t *body, size_t size, uint64_t *number, size_t *geometry_at);
void frame_header_parse_time(const uint8_t *body, size_t header_size, uint64_t *timestamp_ns,
                             uint64_t *exposure_ns);

/* "U08" and so on; "1x1" and so on. */
const char *pixel_type_name(enum pixel_type type);
const char *sensor_layout_name(enum sensor_layout layout);
