#include "common/bytes.h"
#include "detector/decode.h"

/* A raw chip's payload as the tables of section 2.5 see it. */
struct raw_block {
    const uint8_t *row; /* of the chip */
    size_t plane;       /* bytes to the plane of low bits */
};

/* Two bytes, big-endian, of pixel x in a row of four pixels a word. */
static uint32_t raw_pixel_12(const uint8_t *row, size_t x)
{
    return load_be16(row + 2 * (4 * (x / 4) + 3 - x % 4));
}

static uint32_t raw_pixel(const struct raw_block *block, enum pixel_packing packing, size_t x)
{
    const uint8_t *const row = block->row;
    switch (packing) {
    case PACKING_RAW_1:
        return row[8 * (x / 64) + 7 - x % 64 / 8] >> x % 8 & 1;
    case PACKING_RAW_6:
        return row[8 * (x / 8) + 7 - x % 8];
    case PACKING_RAW_12:
        return raw_pixel_12(row, x);
    default:
        return raw_pixel_12(row, x) * 4096 + raw_pixel_12(row + block->plane, x);
    }
}

static size_t raw_chip_row_size(enum pixel_packing packing, size_t chip_width)
{
    switch (packing) {
    case PACKING_RAW_1:
        return chip_width / 8;
    case PACKING_RAW_6:
        return chip_width;
    default:
        return chip_width * 2;
    }
}

/* Section 2.6: which block, row and column of the raw frame the pixel (y, x) of the image is.
 * Pixels of the gap are 0. */
static uint32_t quad_pixel(const uint8_t *payload, const struct pixel_format *format, size_t y,
                           size_t x)
{
    const size_t rows = (format->height - format->gap) / 2;
    const size_t columns = (format->width - format->gap) / 2;
    const size_t lower_at = rows + format->gap, right_at = columns + format->gap;
    if ((y >= rows && y < lower_at) || (x >= columns && x < right_at))
        return 0;
    const bool lower = y >= lower_at, right = x >= right_at;
    const size_t row = lower ? format->height - 1 - y : y;
    size_t column = right ? x - right_at : x;
    if (lower)
        column = columns - 1 - column;
    const size_t block_at = lower ? (right ? 0 : 1) : (right ? 2 : 3);
    const size_t block_size = raw_chip_row_size(format->packing, columns);
    const struct raw_block block = {payload + (4 * row + block_at) * block_size,
                                    format->payload_size / 2};
    return raw_pixel(&block, format->packing, column);
}

static uint32_t integer_pixel(const uint8_t *payload, uint32_t pixel_size, size_t i)
{
    if (pixel_size == 1)
        return payload[i];
    return pixel_size == 2 ? load_be16(payload + 2 * i) : load_be32(payload + 4 * i);
}

static uint32_t any_pixel(const uint8_t *payload, const struct pixel_format *format, size_t y,
                          size_t x)
{
    const size_t i = y * format->width + x;
    if (format->packing == PACKING_INTEGERS)
        return integer_pixel(payload, format->pixel_size, i);
    if (format->packing == PACKING_BITS)
        return payload[i / 8] >> (7 - i % 8) & 1;
    if (format->raw_quad)
        return quad_pixel(payload, format, y, x);
    const size_t row_size = raw_chip_row_size(format->packing, format->width);
    const struct raw_block block = {payload + y * row_size, format->payload_size / 2};
    return raw_pixel(&block, format->packing, x);
}

void decode_reference(void *restrict image, const void *restrict payload,
                      const struct pixel_format *format)
{
    for (size_t y = 0; y < format->height; y++) {
        for (size_t x = 0; x < format->width; x++) {
            const uint32_t value = any_pixel(payload, format, y, x);
            const size_t i = y * format->width + x;
            if (format->pixel_size == 1)
                ((uint8_t *)image)[i] = (uint8_t)value;
            else if (format->pixel_size == 2)
                ((uint16_t *)image)[i] = (uint16_t)value;
            else
                ((uint32_t *)image)[i] = value;
        }
    }
}
