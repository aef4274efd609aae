#include "processing/stored/backlog.h"

#include <errno.h>
#include <stdlib.h>

#include "processing/stored/chunk_codec.h"

static void raise_high_water(struct backlog *backlog, size_t used)
{
    size_t high = atomic_load_explicit(&backlog->high_water, memory_order_relaxed);
    while (used > high &&
           !atomic_compare_exchange_weak_explicit(&backlog->high_water, &high, used,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

bool backlog_reserve(struct backlog *backlog, size_t room)
{
    size_t used = atomic_load_explicit(&backlog->used, memory_order_relaxed);
    do {
        if (room > backlog->size || used > backlog->size - room)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&backlog->used, &used, used + room,
                                                    memory_order_relaxed, memory_order_relaxed));
    raise_high_water(backlog, used + room);
    return true;
}

void backlog_release(struct backlog *backlog, size_t room)
{
    atomic_fetch_sub_explicit(&backlog->used, room, memory_order_relaxed);
}

/* false: no memory, or Blosc refused. */
static bool pack_layer(struct backlog_chunk *chunk, const struct run *run, unsigned layer,
                       const uint8_t *frames)
{
    const size_t bound = chunk_codec_bound(run, run->chunk_frames);
    uint8_t *const bytes = malloc(bound);
    const ptrdiff_t packed =
        bytes ? chunk_codec_pack(run, frames, run->chunk_frames, bytes, bound) : -ENOMEM;
    if (packed < 0) {
        free(bytes);
        return false;
    }
    uint8_t *const tight = realloc(bytes, (size_t)packed);
    chunk->layers[layer].bytes = tight ? tight : bytes;
    chunk->layers[layer].size = (size_t)packed;
    return true;
}

struct backlog_chunk *backlog_pack(struct backlog *backlog, size_t room, const struct run *run,
                                   const uint8_t *frames, const uint32_t *in_layer)
{
    struct backlog_chunk *const chunk = calloc(1, sizeof *chunk);
    if (!chunk) {
        backlog_release(backlog, room);
        return NULL;
    }
    chunk->room = room;
    const size_t layer_kept = run->chunk_frames * chunk_codec_frame_size(run);
    size_t needed = 0;
    for (unsigned layer = 0; layer < run->n_layers; layer++) {
        if (in_layer[layer] == 0)
            continue;
        if (!pack_layer(chunk, run, layer, frames + layer * layer_kept)) {
            backlog_free(backlog, chunk);
            return NULL;
        }
        needed += chunk->layers[layer].size;
    }
    backlog_release(backlog, room - needed);
    chunk->room = needed;
    return chunk;
}

void backlog_free(struct backlog *backlog, struct backlog_chunk *chunk)
{
    if (!chunk)
        return;
    for (unsigned layer = 0; layer < RUN_MAX_LAYERS; layer++)
        free(chunk->layers[layer].bytes);
    backlog_release(backlog, chunk->room);
    free(chunk);
}

int backlog_unpack(const struct backlog_chunk *chunk, const struct run *run, unsigned layer,
                   uint8_t *images)
{
    if (!chunk->layers[layer].bytes)
        return -ENOENT;
    return chunk_codec_unpack(images, run->chunk_frames * run->format.image_size,
                              chunk->layers[layer].bytes, chunk->layers[layer].size);
}
