#include "detector/pixel_format.h"

#include <errno.h>
#include <string.h>

#include "detector/decode.h"

#define CHIP_SIDE 256   /* pixels */
#define COLOUR_SIDE 128 /* pixels of a chip in colour mode: four share one */

static uint32_t counter_depth_of(const struct frame_header *header,
                                 const struct acquisition_header *acquisition)
{
    if (header->counter_depth == 0 && acquisition)
        return acquisition->counter_depth;
    return header->counter_depth;
}

static int refuse_size(const struct pixel_format *format, const struct frame_header *header,
                       size_t expected, struct error *error)
{
    return error_set(error, -EBADMSG,
                     "frame %llu: its message has %zu bytes of pixels, but %u x %u pixels of type "
                     "%s and counter depth %u from %u chip(s) take %zu",
                     (unsigned long long)header->number, format->payload_size, header->width,
                     header->height, pixel_type_name(header->pixel_type), format->counter_depth,
                     header->chips, expected);
}

/* ---- processed ---- */

static int processed_format(struct pixel_format *format, const struct frame_header *header,
                            uint32_t pixel_size, struct error *error)
{
    const size_t image_size = (size_t)header->width * header->height * pixel_size;
    if (format->payload_size != image_size)
        return refuse_size(format, header, image_size, error);
    format->width = header->width;
    format->height = header->height;
    format->pixel_size = pixel_size;
    return 0;
}

/* Documented as eight pixels a byte, seen by others as one byte a pixel: the size tells. */
static int bit_format(struct pixel_format *format, const struct frame_header *header,
                      struct error *error)
{
    format->counter_depth = 1;
    const size_t n_pixels = (size_t)header->width * header->height;
    if (n_pixels % 8 != 0 || format->payload_size != n_pixels / 8)
        return processed_format(format, header, 1, error);
    format->packing = PACKING_BITS;
    format->layout_published = false;
    format->width = header->width;
    format->height = header->height;
    format->pixel_size = 1;
    return 0;
}

/* ---- raw ---- */

struct raw_depth {
    uint32_t depth; /* bits of the counter */
    enum pixel_packing packing;
    uint32_t stored_bits; /* of one pixel on the wire */
    uint32_t pixel_size;  /* bytes, decoded */
};

static const struct raw_depth raw_depths[] = {
    {1, PACKING_RAW_1, 1, 1},
    {6, PACKING_RAW_6, 8, 1},
    {12, PACKING_RAW_12, 16, 2},
    {24, PACKING_RAW_24, 32, 4},
};

static const struct raw_depth *raw_depth_of(uint32_t depth)
{
    for (size_t i = 0; i < sizeof raw_depths / sizeof raw_depths[0]; i++)
        if (raw_depths[i].depth == depth)
            return &raw_depths[i];
    return NULL;
}

/* Old servers write no MQ1A, and the HDR may not have come: whole chips of no two depths have
 * payloads of one size. */
static uint32_t raw_depth_from_size(const struct frame_header *header, uint32_t n_blocks,
                                    size_t payload_size)
{
    const size_t n_pixels = (size_t)header->width * header->height;
    const bool doubled = header->width == 2 * CHIP_SIDE * n_blocks;
    if (payload_size == n_pixels / 8)
        return 1;
    if (payload_size == n_pixels)
        return 6;
    return payload_size == n_pixels * 2 && !doubled ? 12 : 24;
}

/* Columns of a chip. Headers of 24-bit frames give twice the width; should a server stop that, the
 * payload's size shows it. */
static uint32_t raw_chip_width(const struct frame_header *header, uint32_t n_blocks,
                               const struct raw_depth *depth, size_t payload_size)
{
    const uint32_t width = header->width % n_blocks == 0 ? header->width / n_blocks : 0;
    const bool doubled = depth->packing == PACKING_RAW_24 &&
                         payload_size == (size_t)header->width * header->height * 2;
    return doubled ? width / 2 : width;
}

static bool is_raw_quad(const struct frame_header *header)
{
    return header->chips == 4 && (header->layout == LAYOUT_2X2 || header->layout == LAYOUT_2X2G);
}

static int refuse_raw_layout(const struct frame_header *header, struct error *error)
{
    return error_set(error, -ENOTSUP,
                     "raw frames of %u chips in layout %s: how their pixels lie is not published; "
                     "set the detector's FILEFORMAT to 0 (processed)",
                     header->chips, sensor_layout_name(header->layout));
}

static int refuse_raw_chip(const struct frame_header *header, struct error *error)
{
    return error_set(error, -EBADMSG,
                     "frame %llu: its header says %u x %u pixels of %u chip(s), but a raw chip has "
                     "256 columns (128 in colour mode) and at most 256 rows",
                     (unsigned long long)header->number, header->width, header->height,
                     header->chips);
}

/* The chips' places in the image; the format's depth, packing and sizes are known. */
static void place_raw_chips(struct pixel_format *format, const struct frame_header *header,
                            uint32_t chip_width, uint32_t gap_pixels)
{
    const bool whole = header->height == CHIP_SIDE;
    format->raw_quad = is_raw_quad(header);
    format->layout_published = chip_width == CHIP_SIDE;
    if (!format->raw_quad) {
        format->width = chip_width;
        format->height = header->height;
        return;
    }
    format->gap = header->layout == LAYOUT_2X2G ? gap_pixels : 0;
    format->width = 2 * chip_width + format->gap;
    format->height = 2 * header->height + format->gap;
    if (format->packing == PACKING_RAW_24 || (format->gap > 0 && !whole))
        format->layout_published = false;
}

static int raw_format(struct pixel_format *format, const struct frame_header *header,
                      uint32_t gap_pixels, struct error *error)
{
    if (header->chips != 1 && !is_raw_quad(header))
        return refuse_raw_layout(header, error);
    const uint32_t n_blocks = header->chips;
    if (format->counter_depth == 0)
        format->counter_depth = raw_depth_from_size(header, n_blocks, format->payload_size);
    const struct raw_depth *const depth = raw_depth_of(format->counter_depth);
    if (!depth)
        return error_set(error, -EBADMSG,
                         "frame %llu: raw frames have a counter depth of 1, 6, 12 or 24, not %u",
                         (unsigned long long)header->number, format->counter_depth);
    const uint32_t chip_width = raw_chip_width(header, n_blocks, depth, format->payload_size);
    if ((chip_width != CHIP_SIDE && chip_width != COLOUR_SIDE) || header->height > CHIP_SIDE)
        return refuse_raw_chip(header, error);
    const size_t expected = (size_t)chip_width * n_blocks * header->height * depth->stored_bits / 8;
    if (format->payload_size != expected)
        return refuse_size(format, header, expected, error);
    format->packing = depth->packing;
    format->pixel_size = depth->pixel_size;
    place_raw_chips(format, header, chip_width, gap_pixels);
    return 0;
}

/* ---- all of them ---- */

static int any_format(struct pixel_format *format, const struct frame_header *header,
                      uint32_t gap_pixels, struct error *error)
{
    switch (header->pixel_type) {
    case PIXEL_U01:
        return bit_format(format, header, error);
    case PIXEL_U08:
        return processed_format(format, header, 1, error);
    case PIXEL_U16:
        return processed_format(format, header, 2, error);
    case PIXEL_U32:
        return processed_format(format, header, 4, error);
    case PIXEL_R64:
        return raw_format(format, header, gap_pixels, error);
    case PIXEL_U64:
        break;
    }
    return error_set(error, -ENOTSUP,
                     "pixel type %s: no detector is known to send it and this version does not "
                     "decode it; set the detector's FILEFORMAT to 0 and another counter depth",
                     pixel_type_name(header->pixel_type));
}

int pixel_format_from_header(struct pixel_format *format, const struct frame_header *header,
                             const struct acquisition_header *acquisition, uint32_t gap_pixels,
                             size_t body_size, struct error *error)
{
    if (body_size < header->data_offset)
        return error_set(error, -EBADMSG,
                         "frame %llu: its message has %zu bytes, fewer than its header of %u",
                         (unsigned long long)header->number, body_size, header->data_offset);
    struct pixel_format made = {
        .pixel_type = header->pixel_type,
        .layout = header->layout,
        .packing = PACKING_INTEGERS,
        .layout_published = true,
        .chips = header->chips,
        .counter_depth = counter_depth_of(header, acquisition),
        .data_offset = header->data_offset,
        .payload_size = body_size - header->data_offset,
    };
    const int r = any_format(&made, header, gap_pixels, error);
    if (r < 0)
        return r;
    made.image_size = (size_t)made.width * made.height * made.pixel_size;
    *format = made;
    return 0;
}

const char *pixel_format_dtype(const struct pixel_format *format)
{
    switch (format->pixel_size) {
    case 1:
        return "|u1";
    case 2:
        return "<u2";
    default:
        return "<u4";
    }
}

bool pixel_format_same(const struct pixel_format *one, const struct pixel_format *other)
{
    return one->width == other->width && one->height == other->height &&
           one->pixel_type == other->pixel_type && one->layout == other->layout &&
           one->data_offset == other->data_offset && one->packing == other->packing &&
           one->payload_size == other->payload_size;
}

uint32_t pixel_format_full_scale(const struct pixel_format *format)
{
    const uint32_t type_bits = format->pixel_size * 8;
    const uint32_t depth = format->counter_depth;
    const uint32_t bits = depth > 0 && depth < type_bits ? depth : type_bits;
    return UINT32_MAX >> (32 - bits);
}

void decode_copy(void *restrict image, const void *restrict payload,
                 const struct pixel_format *format)
{
    memcpy(image, payload, format->payload_size);
}

static const struct decoders *decoders_of(enum cpu_isa isa)
{
#if defined(__x86_64__)
    if (isa != CPU_ISA_PLAIN)
        return &decoders_avx2;
#endif
    (void)isa;
    return &decoders_plain;
}

frame_decode_fn frame_decoder(const struct pixel_format *format, enum cpu_isa isa)
{
    const struct decoders *const decoders = decoders_of(isa);
    switch (format->packing) {
    case PACKING_BITS:
        return decoders->bits;
    case PACKING_RAW_1:
        return decoders->raw_1;
    case PACKING_RAW_6:
        return decoders->raw_6;
    case PACKING_RAW_12:
        return decoders->raw_12;
    case PACKING_RAW_24:
        return decoders->raw_24;
    case PACKING_INTEGERS:
        break;
    }
    if (format->pixel_size == 1)
        return decode_copy;
    return format->pixel_size == 2 ? decoders->u16 : decoders->u32;
}
