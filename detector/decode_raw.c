#include "common/bytes.h"
#include "detector/decode_isa.h"
#include "detector/decode_rows.h"

/*
 * Raw frames (R64). One chip is one long row; of a quad every raw row holds a row of each chip, [Q4
 * | Q3 | Q2 | Q1]: Q1 and Q2 are the upper half of the image, Q3 and Q4 the lower one, turned by
 * 180 degrees.
 */

/* Where a row of pixels lies and how many bytes it has. */
struct raw_row {
    const uint8_t *from;
    size_t size;  /* bytes on the wire, of one plane */
    size_t plane; /* bytes from this row to the same row in the plane of low bits */
};

/* Decodes a row to `to`, from its start to its end or (order) from its end to its start. */
typedef void (*put_row_fn)(uint8_t *to, const struct raw_row *row, bool backward);

/* ---- rows ---- */

static inline size_t wide_at(const struct raw_row *row, size_t at, bool backward)
{
    return backward ? row->size - sizeof(wide) - at : at;
}

static inline void put_words(uint8_t *to, const struct raw_row *row, enum row_order order)
{
    for (size_t at = 0; at < row->size; at += sizeof(wide)) {
        const uint8_t *const from = row->from + wide_at(row, at, order != ROW_FORWARD);
        wide_store(to + at, wide_arrange(wide_load(from), order));
    }
}

static inline void put_row_6(uint8_t *to, const struct raw_row *row, bool backward)
{
    put_words(to, row, backward ? ROW_BACKWARD_BYTES : ROW_FORWARD);
}

static inline void put_row_12(uint8_t *to, const struct raw_row *row, bool backward)
{
    put_words(to, row, backward ? ROW_BACKWARD_PAIRS : ROW_FORWARD);
}

static inline void put_row_24(uint8_t *to, const struct raw_row *row, bool backward)
{
    const enum row_order order = backward ? ROW_BACKWARD_PAIRS : ROW_FORWARD;
    for (size_t at = 0; at < row->size; at += sizeof(wide)) {
        const uint8_t *const high = row->from + wide_at(row, at, backward);
        const uint8_t *const low = high + row->plane;
        wide_store_joined(to + 2 * at, wide_arrange(wide_load(high), order),
                          wide_arrange(wide_load(low), order));
    }
}

static inline void put_row_1(uint8_t *to, const struct raw_row *row, bool backward)
{
    const size_t word = sizeof(uint64_t);
    for (size_t at = 0; at < row->size; at += word) {
        if (backward)
            spread_word(to + 8 * at, load_u64(row->from + row->size - word - at),
                        bits_from_highest);
        else
            spread_word(to + 8 * at, load_be64(row->from + at), bits_from_lowest);
    }
}

/* ---- frames ---- */

static void clear_gap(uint8_t *image, const struct pixel_format *format, size_t raw_rows)
{
    const size_t line = (size_t)format->width * format->pixel_size;
    const size_t chip_line = (size_t)(format->width - format->gap) / 2 * format->pixel_size;
    const size_t gap_size = (size_t)format->gap * format->pixel_size;
    for (size_t y = 0; y < format->height; y++) {
        if (y >= raw_rows && y < raw_rows + format->gap)
            memset(image + y * line, 0, line);
        else
            memset(image + y * line + chip_line, 0, gap_size);
    }
}

static inline __attribute__((always_inline)) void put_quad(uint8_t *image, const uint8_t *payload,
                                                           const struct pixel_format *format,
                                                           size_t planes, put_row_fn put_row)
{
    const size_t raw_rows = (format->height - format->gap) / 2;
    const size_t plane = format->payload_size / planes;
    const size_t block = plane / raw_rows / 4;
    const size_t line = (size_t)format->width * format->pixel_size;
    const size_t right = (size_t)(format->width + format->gap) / 2 * format->pixel_size;
    if (format->gap > 0)
        clear_gap(image, format, raw_rows);
    for (size_t y = 0; y < raw_rows; y++) {
        const uint8_t *const from = payload + y * 4 * block;
        uint8_t *const upper = image + y * line;
        uint8_t *const lower = image + (format->height - 1 - y) * line;
        put_row(lower + right, &(struct raw_row){from, block, plane}, true);
        put_row(lower, &(struct raw_row){from + block, block, plane}, true);
        put_row(upper + right, &(struct raw_row){from + 2 * block, block, plane}, false);
        put_row(upper, &(struct raw_row){from + 3 * block, block, plane}, false);
    }
}

static inline __attribute__((always_inline)) void put_frame(uint8_t *image, const uint8_t *payload,
                                                            const struct pixel_format *format,
                                                            size_t planes, put_row_fn put_row)
{
    const size_t plane = format->payload_size / planes;
    if (format->raw_quad)
        put_quad(image, payload, format, planes, put_row);
    else
        put_row(image, &(struct raw_row){payload, plane, plane}, false);
}

static void decode_raw_1(void *restrict image, const void *restrict payload,
                         const struct pixel_format *format)
{
    put_frame(image, payload, format, 1, put_row_1);
}

static void decode_raw_6(void *restrict image, const void *restrict payload,
                         const struct pixel_format *format)
{
    put_frame(image, payload, format, 1, put_row_6);
}

static void decode_raw_12(void *restrict image, const void *restrict payload,
                          const struct pixel_format *format)
{
    put_frame(image, payload, format, 1, put_row_12);
}

static void decode_raw_24(void *restrict image, const void *restrict payload,
                          const struct pixel_format *format)
{
    put_frame(image, payload, format, 2, put_row_24);
}

/* U01: the bytes in order, of each the most significant bit first. */
static void decode_bits(void *restrict image, const void *restrict payload,
                        const struct pixel_format *format)
{
    const uint8_t *const from = payload;
    uint8_t *const to = image;
    const size_t word = sizeof(uint64_t);
    size_t at = 0;
    for (; at + word <= format->payload_size; at += word)
        spread_word(to + 8 * at, load_u64(from + at), bits_from_highest);
    for (; at < format->payload_size; at++) {
        const uint64_t pixels = spread_bits(from[at], bits_from_highest);
        memcpy(to + 8 * at, &pixels, sizeof pixels);
    }
}

const struct decoders DECODE_NAME(decoders) = {
    .u16 = DECODE_NAME(decode_u16),
    .u32 = DECODE_NAME(decode_u32),
    .bits = decode_bits,
    .raw_1 = decode_raw_1,
    .raw_6 = decode_raw_6,
    .raw_12 = decode_raw_12,
    .raw_24 = decode_raw_24,
};
