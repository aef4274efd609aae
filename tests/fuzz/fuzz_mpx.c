#include "detector/frame_header.h"
#include "detector/mpx.h"
#include "detector/pixel_format.h"
#include "fuzz_target.h"

/*
 * The path of a frame up to its pixels: a stream of messages through the parser; frame headers
 * through header parser, format and decoder. The stream is taken once whole and once in two pieces,
 * cut where the first two bytes of the input say: the same messages must come out.
 */
#define MAX_MESSAGE 65536

struct outcome {
    uint64_t messages;
    uint64_t digest; /* of offsets and sizes */
    uint64_t skipped, resyncs;
    struct acquisition_header acquisition;
};

static void decode(const struct pixel_format *format, const uint8_t *payload)
{
    const size_t room = (format->image_size + 63) / 64 * 64;
    void *const image = aligned_alloc(64, room);
    fuzz_require(image != NULL);
    frame_decoder(format, cpu_isa_best())(image, payload, format);
    free(image);
}

static void take_frame(const struct mpx_message *message, const struct outcome *outcome)
{
    struct frame_header header;
    struct pixel_format format;
    struct error error;
    uint64_t number;
    size_t geometry_at;
    if (frame_header_parse(&header, message->body, message->body_size, &error) < 0)
        return;
    if (frame_header_number(message->body, message->body_size, &number, &geometry_at)) {
        fuzz_require(number == header.number);
        fuzz_require(geometry_at < message->body_size);
    }
    if (pixel_format_from_header(&format, &header, &outcome->acquisition, 3, message->body_size,
                                 &error) < 0)
        return;
    fuzz_require(format.data_offset + format.payload_size == message->body_size);
    fuzz_require(pixel_format_full_scale(&format) > 0);
    decode(&format, message->body + format.data_offset);
}

static void take_message(const struct mpx_message *message, struct outcome *outcome)
{
    struct error error;
    outcome->messages++;
    outcome->digest = outcome->digest * 31 + message->offset;
    outcome->digest = outcome->digest * 31 + message->body_size + (unsigned)message->kind;
    if (message->kind == MPX_KIND_FRAME)
        take_frame(message, outcome);
    else if (message->kind == MPX_KIND_HDR)
        acquisition_header_parse(&outcome->acquisition, message->body, message->body_size, &error);
}

/* Takes what there is and returns how many bytes were consumed. */
static size_t take_stream(struct mpx_parser *parser, const uint8_t *bytes, size_t size,
                          struct outcome *outcome)
{
    uint8_t *const copy = fuzz_copy(bytes, size);
    struct mpx_message message;
    size_t at = 0;
    for (;;) {
        size_t consumed, wanted;
        const uint64_t offset = parser->offset;
        const enum mpx_result result =
            mpx_parser_next(parser, copy + at, size - at, &message, &consumed, &wanted);
        fuzz_require(consumed <= size - at);
        fuzz_require(parser->offset == offset + consumed);
        at += consumed;
        if (result == MPX_MORE) {
            fuzz_require(wanted > 0 && wanted <= MAX_MESSAGE);
            break;
        }
        fuzz_require(message.body >= copy && message.body + message.body_size == copy + at);
        take_message(&message, outcome);
    }
    free(copy);
    outcome->skipped = parser->skipped_bytes;
    outcome->resyncs = parser->resyncs;
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct mpx_parser parser;
    struct outcome whole = {0};
    struct outcome pieces = {0};
    if (size < 2)
        return 0;
    const size_t cut = ((size_t)bytes[0] << 8 | bytes[1]) % (size - 1);
    bytes += 2;
    size -= 2;
    mpx_parser_init(&parser, MAX_MESSAGE);
    take_stream(&parser, bytes, size, &whole);
    mpx_parser_init(&parser, MAX_MESSAGE);
    const size_t consumed = take_stream(&parser, bytes, cut, &pieces);
    take_stream(&parser, bytes + consumed, size - consumed, &pieces);
    fuzz_require(whole.messages == pieces.messages && whole.digest == pieces.digest);
    fuzz_require(whole.skipped == pieces.skipped && whole.resyncs == pieces.resyncs);
    return 0;
}
