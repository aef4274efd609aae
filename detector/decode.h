#pragma once

#include "detector/pixel_format.h"

/*
 * The decoders behind frame_decoder, a table of them for each instruction set. decode_swap.c
 * (processed frames) and decode_raw.c are compiled once per set (meson.build).
 */
struct decoders {
    frame_decode_fn u16, u32, bits, raw_1, raw_6, raw_12, raw_24;
};

extern const struct decoders decoders_plain;
#if defined(__x86_64__)
extern const struct decoders decoders_avx2;
#endif

/* Pixels that are bytes already. */
void decode_copy(void *restrict image, const void *restrict payload,
                 const struct pixel_format *format);

/*
 * Every format, pixel by pixel as the tables of the protocol notes say it (sections 2.4 to 2.6):
 * what tests hold the others against. Slow.
 */
void decode_reference(void *restrict image, const void *restrict payload,
                      const struct pixel_format *format);
