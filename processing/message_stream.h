#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detector/mpx.h"
#include "processing/ring.h"

struct assembler;

/*
 * The bytes that the ring has received and not consumed yet, as a stream of messages for the
 * assembler. Belongs to the ingest thread; the figures are read by anybody.
 *
 * A message for which there is no room stays where it is, unconsumed, and so do all behind it until
 * it is taken: nothing more may be received before (message_stream_take_pending).
 */
struct message_stream {
    struct ring *ring;
    struct mpx_parser parser;
    struct mpx_message pending; /* found no room in the ring; its bytes are still unconsumed */
    size_t pending_consumes;    /* 0: there is none */
    size_t wanted;              /* bytes that complete the message that is being received */
    uint64_t skipped_counted, resyncs_counted, skipped_reported; /* of what the parser says */
    _Atomic uint64_t skipped_bytes, resyncs; /* bytes that were no message, and how often */
};

/* The ring is borrowed. */
void message_stream_init(struct message_stream *stream, struct ring *ring);

/* Gives all whole messages that are there to the assembler. false: the ring has no room for the
 * next one. */
bool message_stream_take(struct message_stream *stream, struct assembler *assembler);

/* The same if a message waits for room; else there is nothing to do. */
bool message_stream_take_pending(struct message_stream *stream, struct assembler *assembler);

/* The link is over: drops what is left of a message that will never be completed, and begins anew.
 * Returns how many bytes that were. */
size_t message_stream_drop(struct message_stream *stream);
