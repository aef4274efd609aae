#include "processing/message_stream.h"

#include <inttypes.h>

#include "common/counter.h"
#include "common/log.h"
#include "processing/assembler.h"

static void begin(struct message_stream *stream)
{
    mpx_parser_init(&stream->parser, ring_max_message(stream->ring));
    stream->pending_consumes = 0;
    stream->wanted = 1;
    stream->skipped_counted = stream->resyncs_counted = stream->skipped_reported = 0;
}

void message_stream_init(struct message_stream *stream, struct ring *ring)
{
    *stream = (struct message_stream){.ring = ring};
    begin(stream);
}

static void report_too_long(struct message_stream *stream)
{
    log_error("ingest",
              "a message of %zu bytes before byte %" PRIu64
              " of the data stream is longer than the ring takes (%zu bytes) and was passed over: "
              "set a larger ring.size",
              stream->parser.refused_size, stream->parser.offset, ring_max_message(stream->ring));
    stream->parser.refused_size = 0;
}

static void report_garbage(struct message_stream *stream)
{
    if (stream->parser.refused_size > 0)
        report_too_long(stream);
    counter_add(&stream->skipped_bytes, stream->parser.skipped_bytes - stream->skipped_counted);
    counter_add(&stream->resyncs, stream->parser.resyncs - stream->resyncs_counted);
    stream->skipped_counted = stream->parser.skipped_bytes;
    stream->resyncs_counted = stream->parser.resyncs;
    if (stream->parser.lost || stream->parser.skipped_bytes == stream->skipped_reported)
        return;
    log_warning("ingest",
                "%" PRIu64 " bytes before byte %" PRIu64
                " of the data stream were no MPX message and were passed over",
                stream->parser.skipped_bytes - stream->skipped_reported, stream->parser.offset);
    stream->skipped_reported = stream->parser.skipped_bytes;
}

bool message_stream_take(struct message_stream *stream, struct assembler *assembler)
{
    for (;;) {
        if (stream->pending_consumes == 0) {
            size_t size, consumed;
            const uint8_t *const bytes = ring_unconsumed(stream->ring, &size);
            const enum mpx_result result = mpx_parser_next(
                &stream->parser, bytes, size, &stream->pending, &consumed, &stream->wanted);
            if (result == MPX_MORE) {
                ring_consume(stream->ring, consumed);
                break;
            }
            stream->pending_consumes = consumed;
        }
        if (!assembler_take(assembler, &stream->pending)) {
            assembler_flush(assembler);
            return false;
        }
        ring_consume(stream->ring, stream->pending_consumes);
        stream->pending_consumes = 0;
    }
    assembler_flush(assembler);
    if (stream->parser.skipped_bytes != stream->skipped_counted ||
        stream->skipped_counted != stream->skipped_reported)
        report_garbage(stream);
    return true;
}

bool message_stream_take_pending(struct message_stream *stream, struct assembler *assembler)
{
    return stream->pending_consumes == 0 || message_stream_take(stream, assembler);
}

size_t message_stream_drop(struct message_stream *stream)
{
    size_t size;
    (void)ring_unconsumed(stream->ring, &size);
    if (size > 0)
        log_warning("ingest", "the data link ended inside a message: its first %zu bytes are lost",
                    size);
    ring_consume(stream->ring, size);
    begin(stream);
    return size;
}
