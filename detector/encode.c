#include "detector/encode.h"

#include <string.h>

#include "common/bytes.h"

static uint32_t pixel_at(const uint8_t *image, uint32_t pixel_size, size_t i)
{
    if (pixel_size == 1)
        return image[i];
    if (pixel_size == 2) {
        uint16_t value;
        memcpy(&value, image + 2 * i, sizeof value);
        return value;
    }
    uint32_t value;
    memcpy(&value, image + 4 * i, sizeof value);
    return value;
}

/* ---- processed ---- */

static void put_integers(uint8_t *payload, const uint8_t *image, const struct pixel_format *format)
{
    const uint32_t size = format->pixel_size;
    for (size_t i = 0; i < format->payload_size / size; i++) {
        const uint32_t value = pixel_at(image, size, i);
        if (size == 1)
            payload[i] = (uint8_t)value;
        else if (size == 2)
            store_be16(payload + 2 * i, (uint16_t)value);
        else
            store_be32(payload + 4 * i, value);
    }
}

static void put_bits(uint8_t *payload, const uint8_t *image, const struct pixel_format *format)
{
    memset(payload, 0, format->payload_size);
    for (size_t i = 0; i < 8 * format->payload_size; i++)
        payload[i / 8] |= (uint8_t)(image[i] << (7 - i % 8));
}

/* ---- raw ---- */

static void put_raw_12(uint8_t *row, size_t x, uint32_t value)
{
    store_be16(row + 2 * (4 * (x / 4) + 3 - x % 4), (uint16_t)value);
}

/* Pixel x of a chip's row on the wire, which was cleared. `plane`: bytes to the plane of low bits.
 */
static void put_raw(uint8_t *row, size_t plane, enum pixel_packing packing, size_t x,
                    uint32_t value)
{
    switch (packing) {
    case PACKING_RAW_1:
        row[8 * (x / 64) + 7 - x % 64 / 8] |= (uint8_t)(value << x % 8);
        break;
    case PACKING_RAW_6:
        row[8 * (x / 8) + 7 - x % 8] = (uint8_t)value;
        break;
    case PACKING_RAW_12:
        put_raw_12(row, x, value);
        break;
    default:
        put_raw_12(row, x, value >> 12);
        put_raw_12(row + plane, x, value & 0xFFF);
        break;
    }
}

/* A quad's rows are [Q4 | Q3 | Q2 | Q1]; Q3 and Q4, the lower half, are turned by 180 degrees. */
static void put_quad(uint8_t *payload, const uint8_t *image, const struct pixel_format *format,
                     size_t planes)
{
    const size_t rows = (format->height - format->gap) / 2;
    const size_t columns = (format->width - format->gap) / 2;
    const size_t plane = format->payload_size / planes, block = plane / rows / 4;
    for (size_t i = 0; i < 4 * rows; i++) {
        const size_t row = i / 4, which = i % 4;
        const bool lower = which < 2, right = which == 0 || which == 2;
        const size_t y = lower ? format->height - 1 - row : row;
        const size_t left = y * format->width + (right ? columns + format->gap : 0);
        for (size_t x = 0; x < columns; x++) {
            const size_t column = lower ? columns - 1 - x : x;
            put_raw(payload + i * block, plane, format->packing, x,
                    pixel_at(image, format->pixel_size, left + column));
        }
    }
}

/* One chip is one long row. */
static void put_chip(uint8_t *payload, const uint8_t *image, const struct pixel_format *format,
                     size_t planes)
{
    const size_t n = (size_t)format->width * format->height;
    for (size_t x = 0; x < n; x++)
        put_raw(payload, format->payload_size / planes, format->packing, x,
                pixel_at(image, format->pixel_size, x));
}

static size_t planes_of(const struct pixel_format *format)
{
    return format->packing == PACKING_RAW_24 ? 2 : 1;
}

void frame_encode(void *restrict payload, const void *restrict image,
                  const struct pixel_format *format)
{
    if (format->packing == PACKING_INTEGERS) {
        put_integers(payload, image, format);
        return;
    }
    if (format->packing == PACKING_BITS) {
        put_bits(payload, image, format);
        return;
    }
    memset(payload, 0, format->payload_size);
    if (format->raw_quad)
        put_quad(payload, image, format, planes_of(format));
    else
        put_chip(payload, image, format, planes_of(format));
}

bool frame_encode_gives_back(const void *payload, const struct pixel_format *format)
{
    if (format->packing != PACKING_RAW_24)
        return true;
    const uint8_t *const low = (const uint8_t *)payload + format->payload_size / 2;
    uint64_t all = 0;
    for (size_t at = 0; at < format->payload_size / 2; at += sizeof all) {
        uint64_t word;
        memcpy(&word, low + at, sizeof word);
        all |= word;
    }
    return (be64toh(all) & UINT64_C(0xF000F000F000F000)) == 0;
}
