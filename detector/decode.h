#pragma once

#include "detector/pixel_format.h"

/*
 * The decoders behind frame_decoder. decode_swap.c is compiled once per instruction set (meson.build); the plain version is
 * the reference that tests compare the others with.
 */
void decode_copy(void *restrict image, const void *restrict payload,
                 const struct pixel_format *format);

void decode_u16_plain(void *restrict image, const void *restrict payload,
                      const struct pixel_format *format);
void decode_u32_plain(void *restrict image, const void *restrict payload,
                      const struct pixel_format *format);

#if defined(__x86_64__)
void decode_u16_avx2(void *restrict image, const void *restrict payload,
                     const struct pixel_format *format);
void decode_u32_avx2(void *restrict image, const void *restrict payload,
                     const struct pixel_format *format);
#endif
