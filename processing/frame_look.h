#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "detector/mpx.h"
#include "detector/pixel_format.h"
#include "processing/products/acquisition_plan.h"
#include "processing/scan/layers.h"

/*
 * What the frames of a run look like: read in full from the first one, and known again in all the
 * others by a comparison of bytes. Belongs to the ingest thread.
 */
struct frame_look {
    struct pixel_format format;
    struct layers layers;
};

/*
 * Reads it from a frame and the acquisition header (hdr NULL: none came); what these do not tell is
 * in the plan. Errors are those of frame_header_parse and pixel_format_from_header.
 */
int frame_look_read(struct frame_look *look, const struct mpx_message *frame, const uint8_t *hdr,
                    size_t hdr_size, const struct acquisition_plan *plan, struct error *error);

/* Fields 2 to 8 of a frame header, which tell the format, and the frame's size. Zeroes are like no
 * frame. */
struct frame_likeness {
    uint8_t fields[96];
    size_t fields_size; /* 0: they are longer than that */
    size_t body_size;
};

/* `fields_at`: where field 2 begins (frame_header_number). */
void frame_likeness_learn(struct frame_likeness *likeness, const struct mpx_message *frame,
                          size_t fields_at);

/* Whether a frame is of the same format for certain; one that is not may still be. */
bool frame_likeness_shows(const struct frame_likeness *likeness, const struct mpx_message *frame,
                          size_t fields_at);
