#include "detector/sim/wire_format.h"

#include <errno.h>
#include <string.h>

#include "common/bytes.h"

#define CHIP_SIDE 256

static bool is_quad(const struct wire_format *format)
{
    return format->layout == WIRE_2X2 || format->layout == WIRE_2X2G;
}

static int check(const struct wire_format *format, struct error *error)
{
    if (format->raw && format->layout == WIRE_NX1)
        return error_set(error, -ENOTSUP,
                         "the raw form of Nx1 is not published; choose --format processed");
    if (format->raw && format->colour)
        return error_set(error, -ENOTSUP,
                         "the raw form of colour mode is not published; set FILEFORMAT to 0");
    if (format->colour && format->gap)
        return error_set(error, -ENOTSUP,
                         "gap pixels in colour mode are not published; choose --layout 2x2");
    if (format->one_bit == ONE_BIT_U01_PACKED && format->gap && format->depth == 1 && !format->raw)
        return error_set(error, -ENOTSUP,
                         "packed bits of images with gap pixels are not published; choose "
                         "--pixel-type U01 or U08");
    return 0;
}

static void choose_pixel_type(struct wire_format *format)
{
    format->pixel_size = format->depth <= 6 ? 1 : format->depth == 12 ? 2 : 4;
    if (format->raw)
        format->pixel_type = "R64";
    else if (format->depth == 1 && format->one_bit != ONE_BIT_U08)
        format->pixel_type = "U01";
    else
        format->pixel_type = format->depth <= 6 ? "U08" : format->depth == 12 ? "U16" : "U32";
}

/* Bytes of one chip's row in a raw plane (protocol notes 2.5). */
static size_t raw_block_size(uint32_t depth)
{
    return depth == 1 ? 32 : depth == 6 ? 256 : 512;
}

static size_t raw_plane_size(const struct wire_format *format)
{
    return (size_t)format->rows * format->chips * raw_block_size(format->depth);
}

static void measure(struct wire_format *format)
{
    const uint32_t columns = format->layout == WIRE_NX1 ? 4 : is_quad(format) ? 2 : 1;
    const uint32_t lines = is_quad(format) ? 2 : 1;
    const uint32_t binning = format->colour ? 2 : 1;
    format->image_width = columns * CHIP_SIDE / binning + format->gap;
    format->image_height = lines * format->rows / binning + format->gap;
    format->header_width = format->image_width;
    format->header_height = format->image_height;
    const size_t pixels = (size_t)format->image_width * format->image_height;
    format->payload_size = pixels * format->pixel_size;
    if (format->raw) {
        const uint32_t planes = format->depth == 24 ? 2 : 1;
        format->header_width = format->chips * CHIP_SIDE * planes;
        format->header_height = format->rows;
        format->payload_size = planes * raw_plane_size(format);
    } else if (format->depth == 1 && format->one_bit == ONE_BIT_U01_PACKED) {
        format->payload_size = pixels / 8;
    }
}

int wire_format_init(struct wire_format *format, struct error *error)
{
    static const char *const names[] = {"1x1", "2x2", "2x2G", "Nx1"};
    const int result = check(format, error);
    if (result)
        return result;
    format->chips = format->layout == WIRE_1X1 ? 1 : 4;
    format->layout_name = names[format->layout];
    choose_pixel_type(format);
    measure(format);
    return 0;
}

/* The count at a pixel of the image that has all pixels and no gap. A quad's region of interest is
 * the outer rows of its chips (protocol notes 2.6). */
static uint32_t count_at(const struct wire_format *format, const uint32_t *sensor, uint32_t y,
                         uint32_t x)
{
    if (format->layout == WIRE_1X1)
        return sensor[(size_t)y * 256 + x];
    if (format->layout == WIRE_NX1) {
        const uint32_t chip = x / CHIP_SIDE;
        return sensor[((size_t)(chip / 2) * CHIP_SIDE + y) * 512 + (size_t)(chip % 2) * CHIP_SIDE +
                      x % CHIP_SIDE];
    }
    return sensor[(size_t)(y < format->rows ? y : 512 - 2 * format->rows + y) * 512 + x];
}

/* Where row or column `at` of the image without gap lies in the one with it. */
static uint32_t across_gap(const struct wire_format *format, uint32_t at, uint32_t half)
{
    return at < half ? at : at + format->gap;
}

void wire_format_assemble(const struct wire_format *format, const uint32_t *sensor, unsigned layer,
                          uint32_t *image)
{
    const uint32_t full_scale = (UINT32_C(1) << format->depth) - 1;
    const uint32_t height = format->image_height - format->gap;
    const uint32_t width = format->image_width - format->gap;
    const uint32_t step = format->colour ? 2 : 1;
    const uint32_t dy = format->colour ? layer / 2 % 2 : 0, dx = format->colour ? layer % 2 : 0;
    if (format->gap)
        memset(image, 0, sizeof *image * format->image_width * format->image_height);
    for (uint32_t y = 0; y < height; y++) {
        uint32_t *row = image + (size_t)across_gap(format, y, height / 2) * format->image_width;
        for (uint32_t x = 0; x < width; x++) {
            const uint32_t count = count_at(format, sensor, step * y + dy, step * x + dx);
            row[across_gap(format, x, width / 2)] = format->wrap         ? count & full_scale
                                                    : count < full_scale ? count
                                                                         : full_scale;
        }
    }
}

static void encode_processed(const struct wire_format *format, const uint32_t *image,
                             uint8_t *payload)
{
    const size_t pixels = (size_t)format->image_width * format->image_height;
    for (size_t i = 0; i < pixels; i++) {
        if (format->pixel_size == 1)
            payload[i] = (uint8_t)image[i];
        else if (format->pixel_size == 2)
            store_be16(payload + 2 * i, (uint16_t)image[i]);
        else
            store_be32(payload + 4 * i, image[i]);
    }
}

static void encode_packed_bits(const struct wire_format *format, const uint32_t *image,
                               uint8_t *payload)
{
    memset(payload, 0, format->payload_size);
    for (size_t i = 0; i < 8 * format->payload_size; i++)
        payload[i / 8] |= (uint8_t)(image[i] << (7 - i % 8));
}

/* Pixel x of a chip's row in its block: words of 64 bits, big endian, first pixel in the lowest
 * bits. */
static void put_raw(uint8_t *block, uint32_t depth, uint32_t x, uint32_t value)
{
    if (depth == 1)
        block[8 * (x / 64) + 7 - x % 64 / 8] |= (uint8_t)(value << x % 8);
    else if (depth == 6)
        block[8 * (x / 8) + 7 - x % 8] = (uint8_t)value;
    else
        store_be16(block + (size_t)2 * (4 * (x / 4) + 3 - x % 4), (uint16_t)value);
}

/* Where a pixel of the image without gap lies in a raw plane: its chip's block, and the column in
 * that. */
static uint8_t *raw_place(const struct wire_format *format, uint8_t *plane, uint32_t y, uint32_t x,
                          uint32_t *column)
{
    const size_t block_size = raw_block_size(format->depth);
    uint32_t row = y, block = 0;
    *column = x;
    if (format->chips == 4) {
        const bool lower = y >= format->rows, right = x >= CHIP_SIDE;
        block = (lower ? 0 : 2) + (right ? 0 : 1);
        *column = lower ? CHIP_SIDE - 1 - x % CHIP_SIDE : x % CHIP_SIDE;
        if (lower)
            row = 2 * format->rows - 1 - y;
    }
    return plane + ((size_t)row * format->chips + block) * block_size;
}

static void encode_raw(const struct wire_format *format, const uint32_t *image, uint8_t *payload)
{
    const uint32_t height = format->image_height - format->gap;
    const uint32_t width = format->image_width - format->gap;
    uint8_t *low_plane = payload + raw_plane_size(format);
    memset(payload, 0, format->payload_size);
    for (uint32_t y = 0; y < height; y++) {
        const uint32_t *row =
            image + (size_t)across_gap(format, y, height / 2) * format->image_width;
        for (uint32_t x = 0; x < width; x++) {
            const uint32_t value = row[across_gap(format, x, width / 2)];
            const bool two_planes = format->depth == 24;
            uint32_t column;
            uint8_t *block = raw_place(format, payload, y, x, &column);
            put_raw(block, format->depth, column, two_planes ? value >> 12 : value);
            if (two_planes)
                put_raw(low_plane + (block - payload), format->depth, column, value & 0xfff);
        }
    }
}

void wire_format_encode(const struct wire_format *format, const uint32_t *image, uint8_t *payload)
{
    if (format->raw)
        encode_raw(format, image, payload);
    else if (format->depth == 1 && format->one_bit == ONE_BIT_U01_PACKED)
        encode_packed_bits(format, image, payload);
    else
        encode_processed(format, image, payload);
}
