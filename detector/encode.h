#pragma once

#include <stdbool.h>

#include "detector/pixel_format.h"

/*
 * The way back: from a decoded image to the payload as the detector sent it, for every format that
 * frame_decoder decodes. `image` holds image_size bytes, aligned to pixel_size; `payload` has room
 * for payload_size. Pixel by pixel: for export, not for the path of a frame.
 */
void frame_encode(void *restrict payload, const void *restrict image,
                  const struct pixel_format *format);

/*
 * Would frame_encode give back this payload from its image? Decoding keeps every bit of every
 * format but one: of 24 raw bits the two planes are joined at bit 12, and a word of the low plane
 * that uses more (no detector is known to send one) cannot be told from the sum any more.
 */
bool frame_encode_gives_back(const void *payload, const struct pixel_format *format);
