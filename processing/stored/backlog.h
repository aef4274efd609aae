#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "processing/run/run.h"

/*
 * Chunks of runs that are not recorded, packed and kept in memory until there is time to analyse
 * them: a run that is recorded has its file for that. Bounded; what does not fit is not analysed,
 * and counted.
 *
 * Shared by all workers: room is taken and given back by atomic steps, nobody waits for it. A chunk
 * belongs to the worker that has it, or to the list (catch_up.h).
 */
struct backlog {
    size_t size; /* bytes, set before the first worker runs */
    _Atomic size_t used, high_water;
};

struct backlog_chunk {
    size_t room; /* of the backlog that it takes */
    struct {
        uint8_t *bytes; /* NULL: no frame of this layer */
        size_t size;
    } layers[RUN_MAX_LAYERS];
};

/* Takes the room of a chunk before it is packed: as much as it could need. false: it is not there.
 */
bool backlog_reserve(struct backlog *backlog, size_t room);
void backlog_release(struct backlog *backlog, size_t room);

/*
 * Packs the frames of a chunk, [n_layers][chunk_frames][chunk_codec_frame_size], those layers that
 * `in_layer` has frames of, into room that was reserved; what is not needed of it is given back.
 * NULL: no memory, and all of the room is given back.
 */
struct backlog_chunk *backlog_pack(struct backlog *backlog, size_t room, const struct run *run,
                                   const uint8_t *frames, const uint32_t *in_layer);

/* NULL does nothing. */
void backlog_free(struct backlog *backlog, struct backlog_chunk *chunk);

/* Unpacks a layer into images[chunk_frames][height][width]. -ENOENT: it has no frames of it. */
int backlog_unpack(const struct backlog_chunk *chunk, const struct run *run, unsigned layer,
                   uint8_t *images);
