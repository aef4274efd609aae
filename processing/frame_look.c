#include "processing/frame_look.h"

#include <string.h>

#include "detector/acquisition_header.h"
#include "detector/frame_header.h"

/* Fields 2 to 8 end with so many commas. */
#define COMMAS 7

int frame_look_read(struct frame_look *look, const struct mpx_message *frame, const uint8_t *hdr,
                    size_t hdr_size, const struct acquisition_plan *plan, struct error *error)
{
    struct frame_header header;
    const int r = frame_header_parse(&header, frame->body, frame->body_size, error);
    if (r < 0)
        return r;
    struct acquisition_header read;
    const bool has_hdr = hdr && acquisition_header_parse(&read, hdr, hdr_size, NULL) == 0;
    const struct acquisition_header *const acquisition = has_hdr ? &read : NULL;
    look->layers = layers_of_frame(&header, acquisition, plan->layers);
    return pixel_format_from_header(&look->format, &header, acquisition, plan->detector_gap,
                                    frame->body_size, error);
}

void frame_likeness_learn(struct frame_likeness *likeness, const struct mpx_message *frame,
                          size_t fields_at)
{
    size_t end = fields_at;
    for (int commas = 0; end < frame->body_size && commas < COMMAS; end++)
        commas += frame->body[end] == ',';
    const size_t size = end - fields_at;
    likeness->fields_size = size <= sizeof likeness->fields ? size : 0;
    memcpy(likeness->fields, frame->body + fields_at, likeness->fields_size);
    likeness->body_size = frame->body_size;
}

bool frame_likeness_shows(const struct frame_likeness *likeness, const struct mpx_message *frame,
                          size_t fields_at)
{
    return frame->body_size == likeness->body_size && likeness->fields_size > 0 &&
           fields_at + likeness->fields_size <= frame->body_size &&
           memcmp(frame->body + fields_at, likeness->fields, likeness->fields_size) == 0;
}
