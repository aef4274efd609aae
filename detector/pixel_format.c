#include "detector/pixel_format.h"

#include <errno.h>
#include <string.h>

#include "detector/decode.h"

/* Bytes of one decoded pixel; 0: not decoded by this version. */
static uint32_t decoded_pixel_size(enum pixel_type type)
{
    switch (type) {
    case PIXEL_U08:
        return 1;
    case PIXEL_U16:
        return 2;
    case PIXEL_U32:
        return 4;
    case PIXEL_U01:
    case PIXEL_U64:
    case PIXEL_R64:
        break;
    }
    return 0;
}

static int refuse_type(enum pixel_type type, struct error *error)
{
    return error_set(error, -ENOTSUP,
                     "pixel type %s%s: this version decodes processed frames (U08, U16, U32); set "
                     "the detector's FILEFORMAT to 0",
                     pixel_type_name(type), type == PIXEL_R64 ? " (raw)" : "");
}

static uint32_t counter_depth_of(const struct frame_header *header,
                                 const struct acquisition_header *acquisition)
{
    if (header->counter_depth == 0 && acquisition)
        return acquisition->counter_depth;
    return header->counter_depth;
}

int pixel_format_from_header(struct pixel_format *format, const struct frame_header *header,
                             const struct acquisition_header *acquisition, size_t body_size,
                             struct error *error)
{
    const uint32_t pixel_size = decoded_pixel_size(header->pixel_type);
    if (pixel_size == 0)
        return refuse_type(header->pixel_type, error);
    const size_t image_size = (size_t)header->width * header->height * pixel_size;
    if (body_size != header->data_offset + image_size)
        return error_set(error, -EBADMSG,
                         "frame %llu: its message has %zu bytes, but a header of %u and %u x %u "
                         "pixels of type %s take %zu",
                         (unsigned long long)header->number, body_size, header->data_offset,
                         header->width, header->height, pixel_type_name(header->pixel_type),
                         header->data_offset + image_size);
    *format = (struct pixel_format){
        .pixel_type = header->pixel_type,
        .layout = header->layout,
        .chips = header->chips,
        .counter_depth = counter_depth_of(header, acquisition),
        .width = header->width,
        .height = header->height,
        .pixel_size = pixel_size,
        .data_offset = header->data_offset,
        .payload_size = image_size,
        .image_size = image_size,
    };
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

struct decoders {
    frame_decode_fn u16, u32;
};

static struct decoders decoders_of(enum cpu_isa isa)
{
#if defined(__x86_64__)
    if (isa != CPU_ISA_PLAIN)
        return (struct decoders){decode_u16_avx2, decode_u32_avx2};
#endif
    (void)isa;
    return (struct decoders){decode_u16_plain, decode_u32_plain};
}

frame_decode_fn frame_decoder(const struct pixel_format *format, enum cpu_isa isa)
{
    const struct decoders decoders = decoders_of(isa);
    switch (format->pixel_size) {
    case 1:
        return decode_copy;
    case 2:
        return decoders.u16;
    default:
        return decoders.u32;
    }
}
