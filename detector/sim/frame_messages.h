#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Messages of the data socket as the outbox takes them. Used by the sender thread only; their heads
 * live in acquisition->heads, which is free again when the outbox has been cleared.
 */
struct acquisition;

/* Forgets what the outbox had; it must be empty. */
void frame_messages_clear(struct acquisition *acquisition);

/* The acquisition header. Nothing where the plan has none. */
void frame_messages_add_hdr(struct acquisition *acquisition);

/* The message of frame `index` (from 0), or those of its layers; `ends_exposure`: they are the last
 * of that exposure. */
void frame_messages_add(struct acquisition *acquisition, uint64_t index, uint64_t start_ns,
                        uint64_t exposure_ns, bool ends_exposure);

/* As many frames as wait and the batch takes. */
void frame_messages_fill(struct acquisition *acquisition);
