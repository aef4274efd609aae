#include "common/bytes.h"
#include "detector/decode_isa.h"

/*
 * Big-endian pixels to the machine's byte order. The loops are written so that the compiler turns
 * them into wide loads, one shuffle and wide stores.
 */
void DECODE_NAME(decode_u16)(void *restrict image, const void *restrict payload,
                             const struct pixel_format *format)
{
    uint16_t *const restrict to = image;
    const uint8_t *const restrict from = payload;
    const size_t n = format->payload_size / sizeof *to;
    for (size_t i = 0; i < n; i++)
        to[i] = load_be16(from + i * sizeof *to);
}

void DECODE_NAME(decode_u32)(void *restrict image, const void *restrict payload,
                             const struct pixel_format *format)
{
    uint32_t *const restrict to = image;
    const uint8_t *const restrict from = payload;
    const size_t n = format->payload_size / sizeof *to;
    for (size_t i = 0; i < n; i++)
        to[i] = load_be32(from + i * sizeof *to);
}
