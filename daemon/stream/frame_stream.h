#pragma once

#include <jansson.h>

#include "common/error.h"
#include "daemon/config/config.h"
#include "processing/run/frame_tap.h"

/*
 * The frame stream: every frame, for processing farms, on a PUSH socket of which each puller gets a
 * share. A bounded number of chunks (frames.hwm) waits for pullers; what finds no room is counted
 * as not streamed. Workers never wait for it, ingest and recorder do not know of it.
 *
 * Before the frames of a run comes a start message, behind them an end message. Messages:
 * schemas/protocol.md, schemas/header-frames.json; frames.format stream2: stream2.h.
 */
struct frame_stream;
struct key_ring;

/* Binds the socket and starts the stream's thread. *stream is NULL where frames.enabled is false.
 * `ring` (NULL: none) asks pullers for their keys. -EADDRINUSE and others with a sentence. */
int frame_stream_create(struct frame_stream **stream, void *zmq_context,
                        const struct config *config, const struct key_ring *ring,
                        struct error *error);

/* Sends what waits as long as somebody takes it, counts the rest, ends the thread. Nobody may use
 * the tap any more. Blocks for a few seconds at most. NULL does nothing. */
void frame_stream_destroy(struct frame_stream *stream);

/* For the workers. */
struct frame_tap frame_stream_tap(struct frame_stream *stream);

/* A run begins, before its first frame; and is over, behind its last. Any thread; never wait. NULL
 * does nothing. */
void frame_stream_begin(struct frame_stream *stream, struct run *run);
void frame_stream_end(struct frame_stream *stream, struct run *run);

/* The endpoint as bound. */
const char *frame_stream_endpoint(const struct frame_stream *stream);

/* Member frame_stream of the status (schemas/status.json), new reference; null of NULL. Any thread.
 */
json_t *frame_stream_status(const struct frame_stream *stream);
