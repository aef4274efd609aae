#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "common/error.h"
#include "detector/acquisition_header.h"
#include "detector/frame_header.h"

/* How pixels lie in the payload. Raw words are big-endian and of 64 bits, the first pixel in the
 * least significant bits. */
enum pixel_packing {
    PACKING_INTEGERS, /* big-endian integers of pixel_size bytes, an assembled image */
    PACKING_BITS,  /* U01, eight pixels a byte. No example is known: most significant bit first is a
                      guess */
    PACKING_RAW_1, /* 64 pixels a word */
    PACKING_RAW_6, /* 8 pixels a word */
    PACKING_RAW_12, /* 4 pixels a word */
    PACKING_RAW_24, /* two planes as PACKING_RAW_12, the high 12 bits first */
};

/*
 * What a frame's pixels are before and after decoding. Decoded pixels are unsigned integers of 1, 2
 * or 4 bytes in the machine's byte order, [height][width], in the order of Merlin's own processed
 * files (row 0 first as received, no flip).
 */
struct pixel_format {
    enum pixel_type pixel_type;
    enum sensor_layout layout;
    enum pixel_packing packing;
    bool raw_quad; /* four raw chips side by side, to be put together */
    /* false: nobody has published how such pixels lie, the decoder follows the likeliest reading
     * (raw quad of 24 bits, packed U01, raw ROI rows or colour layers of which no example is
     * known). The file says so. */
    bool layout_published;
    uint32_t chips;
    uint32_t
        counter_depth; /* bits; 0 when neither MQ1A nor HDR told and the payload's size cannot */
    uint32_t width, height; /* of the decoded image, pixels */
    uint32_t gap; /* columns and rows of zeros that the decoder puts between raw chips, pixels */
    uint32_t pixel_size;  /* bytes of one decoded pixel: 1, 2 or 4 */
    uint32_t data_offset; /* bytes from "MQ1" to the payload */
    size_t payload_size;  /* bytes of pixels on the wire */
    size_t image_size;    /* width * height * pixel_size: bytes of the decoded image */
};

/*
 * Works out the format of a frame whose body (header and pixels) is body_size bytes long.
 * `acquisition` (may be NULL) supplies the counter depth where the frame has no MQ1A. `gap_pixels`
 * is the width of the gap between the chips of a 2x2G detector, which raw frames do not tell (0:
 * unknown, the chips are put side by side); it is ignored for all other frames. -EBADMSG: the body
 * is not as long as its header says, or the header contradicts itself; -ENOTSUP: a format that this
 * version cannot decode. Both fill `error`.
 */
int pixel_format_from_header(struct pixel_format *format, const struct frame_header *header,
                             const struct acquisition_header *acquisition, uint32_t gap_pixels,
                             size_t body_size, struct error *error);

/* Whether payloads of the two are as long, lie alike behind their headers and decode to the same
 * images. */
bool pixel_format_same(const struct pixel_format *one, const struct pixel_format *other);

/* The numpy name of a decoded pixel: "|u1", "<u2" or "<u4". */
const char *pixel_format_dtype(const struct pixel_format *format);

/* Full scale of the counter (2^depth - 1), or of the pixel type when the depth is unknown. */
uint32_t pixel_format_full_scale(const struct pixel_format *format);

/*
 * Decodes one frame: payload (payload_size bytes at any address) into image (image_size bytes,
 * aligned to pixel_size: the images of a chunk follow each other without padding). The only copy
 * that a frame's pixels see between socket and file.
 */
typedef void (*frame_decode_fn)(void *restrict image, const void *restrict payload,
                                const struct pixel_format *format);

/* The fastest decoder for this format on this instruction set, never NULL for a format that
 * pixel_format_from_header accepted. */
frame_decode_fn frame_decoder(const struct pixel_format *format, enum cpu_isa isa);
