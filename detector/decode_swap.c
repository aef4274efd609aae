#include "common/bytes.h"
#include "detector/decode.h"

/*
 * Big-endian pixels to the machine's byte order. The loops are written so that the compiler turns them into wide loads, one
 * shuffle and wide stores; DECODE_ISA names the instruction set that this copy of the file is compiled for.
 */
#ifndef DECODE_ISA
#define DECODE_ISA plain
#endif
#define JOIN_(name, isa) name##_##isa
#define JOIN(name, isa) JOIN_(name, isa)

void JOIN(decode_u16, DECODE_ISA)(void *restrict image, const void *restrict payload,
                                  const struct pixel_format *format)
{
    uint16_t *const restrict to = __builtin_assume_aligned(image, 64);
    const uint8_t *const restrict from = payload;
    const size_t n = format->payload_size / sizeof *to;
    for (size_t i = 0; i < n; i++)
        to[i] = load_be16(from + i * sizeof *to);
}

void JOIN(decode_u32, DECODE_ISA)(void *restrict image, const void *restrict payload,
                                  const struct pixel_format *format)
{
    uint32_t *const restrict to = __builtin_assume_aligned(image, 64);
    const uint8_t *const restrict from = payload;
    const size_t n = format->payload_size / sizeof *to;
    for (size_t i = 0; i < n; i++)
        to[i] = load_be32(from + i * sizeof *to);
}
