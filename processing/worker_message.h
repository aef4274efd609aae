#pragma once

#include "processing/worker.h"

/*
 * Notes a message for the recording, while it lies in the ring: its header and the CRC-32C of its
 * payload go into the worker's batch, and into the frame's row of the table (`facts`; NULL: a
 * duplicate, whose row belongs to the first that came). Does nothing for a run that is not
 * recorded. To be called before the row is published.
 */
void worker_note_message(struct worker *worker, const struct frame_slot *slot,
                         struct frame_facts *facts);

/* Puts the batch into a chunk that goes to the sink. */
void worker_hand_over_messages(struct worker *worker, struct compressed_chunk *chunk);
