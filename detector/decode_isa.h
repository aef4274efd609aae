#pragma once

#include "detector/decode.h"

/* For the files that are compiled once per instruction set: DECODE_ISA names the one that this copy
 * is for. */
#ifndef DECODE_ISA
#    define DECODE_ISA plain
#endif
#define JOIN_(name, isa) name##_##isa
#define JOIN(name, isa) JOIN_(name, isa)
#define DECODE_NAME(name) JOIN(name, DECODE_ISA)

void DECODE_NAME(decode_u16)(void *restrict image, const void *restrict payload,
                             const struct pixel_format *format);
void DECODE_NAME(decode_u32)(void *restrict image, const void *restrict payload,
                             const struct pixel_format *format);
