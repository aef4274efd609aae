#pragma once

#include <stdbool.h>

#include "detector/pixel_format.h"

/*
 * The image of a 1-bit frame as one bit a pixel: bit i % 8 of byte i / 8 is pixel i of the image
 * that frame_decoder makes. That is plane 0 of the bitshuffled image (bitshuffle puts bit b of
 * eight successive pixels into a byte of plane b, the first pixel lowest).
 */

/* Whether frames of this format can be taken so: raw or packed 1-bit frames of whole chips or rows.
 * Those with a gap between chips cannot, because there rows do not begin at a whole byte. */
bool bit_plane_applies(const struct pixel_format *format);

/* Bytes of a plane: an eighth of the image. */
static inline size_t bit_plane_size(const struct pixel_format *format)
{
    return format->image_size / 8;
}

/* `plane` has room for bit_plane_size bytes; both at any address. */
void bit_plane_decode(uint8_t *restrict plane, const uint8_t *restrict payload,
                      const struct pixel_format *format);
