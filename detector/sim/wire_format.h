#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * How an image travels: the counterpart of detector/pixel_format.h, written from the tables of the
 * protocol notes (2.4 to 2.8) and not from the decoder, so that one can judge the other.
 */
enum wire_layout { WIRE_1X1, WIRE_2X2, WIRE_2X2G, WIRE_NX1 };

/* Processed pixels of the 1-bit counter. Merlins send U08; U01 is documented but nobody has seen
 * it: eight pixels a byte, most significant bit first, is our guess, a byte per pixel LiberTEM's.
 */
enum one_bit_type { ONE_BIT_U08, ONE_BIT_U01, ONE_BIT_U01_PACKED };

struct wire_format {
    /* chosen by the caller */
    enum wire_layout layout;
    bool raw; /* R64 */
    enum one_bit_type one_bit;
    uint32_t depth;
    uint32_t rows; /* of each chip that are read out: 32, 64, 128 or 256 */
    uint32_t gap;  /* pixels, 2x2G only */
    bool wrap;     /* counts beyond full scale begin again at 0, and are not clipped */
    bool colour;   /* super-pixels of 2 x 2: images of half the size */

    /* worked out by wire_format_init */
    uint32_t chips;
    uint32_t image_width, image_height;   /* assembled, with gap */
    uint32_t header_width, header_height; /* X and Y of the frame header */
    const char *pixel_type;               /* "U08" */
    const char *layout_name;              /* "2x2G" */
    uint32_t pixel_size;                  /* bytes of an assembled pixel: 1, 2 or 4 */
    size_t payload_size;                  /* bytes */
};

/* Works out the rest. -ENOTSUP and a sentence where nobody knows how a Merlin would send it. */
int wire_format_init(struct wire_format *format, struct error *error);

/* Pixels along the side of the square sensor: 256, or 512 for four chips. */
static inline uint32_t wire_format_sensor_side(const struct wire_format *format)
{
    return format->chips == 4 ? 512 : 256;
}

/*
 * What an acquisition sees of the counts of the sensor, [side][side]:
 * image[image_height][image_width], without the rows that are not read, clipped to the counter's
 * full scale or wrapped at it, gap pixels 0. Nx1 lays the sensor's quadrants side by side. In
 * colour `layer` (0-3) picks the pixel of each super-pixel.
 */
void wire_format_assemble(const struct wire_format *format, const uint32_t *sensor, unsigned layer,
                          uint32_t *image);

/* The image as bytes on the wire, payload[payload_size]. */
void wire_format_encode(const struct wire_format *format, const uint32_t *image, uint8_t *payload);
