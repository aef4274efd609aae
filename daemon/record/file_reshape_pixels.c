#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_reshape_moving.h"

int moving_failed(const struct moving *moving, struct error *error)
{
    return file_output_error(&moving->reshape->output, moving->reshape->old.path, error);
}

/* ---- memory ---- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static int moving_init(struct moving *moving, struct reshape *reshape, struct error *error)
{
    const struct image_store *const made = &reshape->images[0];
    const struct image_store *const old = &reshape->old.layers[0].images;
    const uint32_t k = reshape->old.extra.id >= 0 ? reshape->old.extra.chunk_frames : 1;
    const size_t old_frames = larger(larger(old->chunk_frames, k), 1);
    *moving = (struct moving){.reshape = reshape};
    moving->sources = calloc(made->chunk_frames, sizeof *moving->sources);
    moving->pixels = malloc(made->chunk_frames * made->frame_size);
    moving->scratch = malloc(image_store_scratch(made));
    bool good = moving->sources && moving->pixels && moving->scratch;
    for (unsigned i = 0; i < DECODED_CHUNKS; i++) {
        moving->decoded[i].pixels = malloc(old_frames * old->frame_size);
        good = good && moving->decoded[i].pixels;
    }
    return good
               ? 0
               : error_set(error, -ENOMEM, "no memory for the chunks of %.250s", reshape->old.path);
}

static void moving_finish(struct moving *moving)
{
    for (unsigned i = 0; i < DECODED_CHUNKS; i++)
        free(moving->decoded[i].pixels);
    free(moving->raw.bytes);
    free(moving->scratch);
    free(moving->pixels);
    free(moving->sources);
}

/* ---- reading ---- */

static int load(struct decoded_chunk *chunk, const struct image_store *store, uint64_t first,
                uint32_t n)
{
    hsize_t bytes = 1;
    chunk->store = NULL;
    if (store->chunk_frames > 0 && image_store_chunk_bytes(store, first, &bytes) < 0)
        return -1;
    chunk->there = bytes > 0;
    if (chunk->there && image_store_read(store, first, n, chunk->pixels) < 0)
        return -1;
    chunk->store = store;
    chunk->first = first;
    return 0;
}

/* *pixels: of a frame; NULL when they were never written. */
static int decode(struct moving *moving, const struct image_source *source, const uint8_t **pixels)
{
    uint32_t n;
    const struct image_store *const store = source->store;
    const uint64_t first = image_store_chunk(store, source->place, &n);
    struct decoded_chunk *chunk = &moving->decoded[0];
    for (unsigned i = 0; i < DECODED_CHUNKS; i++) {
        struct decoded_chunk *const other = &moving->decoded[i];
        if (other->store == store && other->first == first) {
            chunk = other;
            break;
        }
        if (other->used < chunk->used)
            chunk = other;
    }
    if ((chunk->store != store || chunk->first != first) && load(chunk, store, first, n) < 0)
        return -1;
    chunk->used = ++moving->clock;
    *pixels = chunk->there ? chunk->pixels + (source->place - first) * store->frame_size : NULL;
    return 0;
}

/* ---- a chunk in place ---- */

static struct image_source source_of_place(struct moving *moving, uint64_t place)
{
    const struct image_source none = {0};
    struct file_recording *const old = &moving->reshape->old;
    const int64_t index = scan_geometry_frame_at_place(&moving->reshape->geometry, place);
    if (index < 0)
        return none;
    const uint64_t row = (uint64_t)index * old->n_layers + moving->layer;
    const struct file_frame frame = file_frames_look(&old->frames, row);
    const struct image_source source = file_recording_source(old, moving->layer, row, &frame);
    if (frame.position != FILE_POSITION_NEVER_CAME && !source.store)
        moving->reshape->counts.lost++;
    return source;
}

static uint32_t gather(struct moving *moving, const struct image_store *made, uint64_t first,
                       uint32_t n)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < made->chunk_frames; i++) {
        moving->sources[i] = i < n ? source_of_place(moving, first + i) : (struct image_source){0};
        found += moving->sources[i].store != NULL;
    }
    return found;
}

/*
 * Whether the new chunk is one of the old ones, frame for frame: then *from is it. A place that is
 * empty, or beyond the edge, must have been so before: no frames hide where nobody sees them.
 */
static bool lines_up(struct moving *moving, const struct image_store *made,
                     struct image_source *from)
{
    const struct image_source *const sources = moving->sources;
    uint32_t some = 0, n_old;
    while (!sources[some].store)
        some++;
    const struct image_store *const store = sources[some].store;
    if (!image_store_same_chunks(made, store) || sources[some].place < some)
        return false;
    *from = (struct image_source){store, sources[some].place - some};
    if (image_store_chunk(store, sources[some].place, &n_old) != from->place)
        return false;
    for (uint32_t i = 0; i < made->chunk_frames; i++) {
        const struct image_source old = {store, from->place + i};
        const bool same = sources[i].store == store && sources[i].place == old.place;
        /* Behind the edge of the old chunk the next line would follow. */
        if (sources[i].store ? !same || i >= n_old
                             : i < n_old && file_recording_place_used(&moving->reshape->old, &old,
                                                                      moving->layer))
            return false;
    }
    return true;
}

/* Returns how many frames were moved. */
static int copy_chunk(struct moving *moving, const struct image_store *made, uint64_t first,
                      const struct image_source *from, uint32_t found)
{
    hsize_t bytes;
    uint32_t mask = 0;
    if (image_store_read_raw(from->store, from->place, &moving->raw, &bytes, &mask) < 0)
        return -1;
    if (bytes == 0)
        return 0;
    if (image_store_write_raw(made, first, moving->raw.bytes, bytes, mask) < 0)
        return -1;
    moving->reshape->counts.chunks_copied++;
    return (int)found;
}

static int compress_chunk(struct moving *moving, const struct image_store *made, uint64_t first)
{
    int found = 0;
    memset(moving->pixels, 0, made->chunk_frames * made->frame_size);
    for (uint32_t i = 0; i < made->chunk_frames; i++) {
        const uint8_t *pixels = NULL;
        if (!moving->sources[i].store)
            continue;
        if (decode(moving, &moving->sources[i], &pixels) < 0)
            return -1;
        if (pixels)
            memcpy(moving->pixels + i * made->frame_size, pixels, made->frame_size);
        found += pixels != NULL;
    }
    if (found == 0)
        return 0;
    moving->reshape->counts.chunks_compressed++;
    return image_store_write(made, first, moving->pixels, moving->scratch) < 0 ? -1 : found;
}

int moving_make_chunk(struct moving *moving, const struct image_store *made, uint64_t first,
                      uint32_t found)
{
    struct image_source from;
    const int moved = lines_up(moving, made, &from) ? copy_chunk(moving, made, first, &from, found)
                                                    : compress_chunk(moving, made, first);
    if (moved >= 0)
        moving->reshape->counts.lost += found - (uint32_t)moved;
    return moved;
}

int moving_go_on(struct moving *moving, uint64_t images, struct error *error)
{
    moving->done += images;
    file_progress_draw(&moving->reshape->progress, moving->done);
    if (file_interrupted())
        return error_set(error, -EINTR, "interrupted: %.250s is not made, %.200s is as it was",
                         moving->reshape->output.name.final, moving->reshape->old.path);
    return file_recording_check(&moving->reshape->old, error);
}

static int move_layer(struct moving *moving, struct error *error)
{
    struct reshape *const reshape = moving->reshape;
    const struct image_store *const made = &reshape->images[moving->layer];
    const uint64_t places = image_store_places(made);
    uint32_t n;
    for (uint64_t first = 0; first < places; first += n) {
        image_store_chunk(made, first, &n);
        const uint32_t found = gather(moving, made, first, n);
        const int moved = found ? moving_make_chunk(moving, made, first, found) : 0;
        if (moved < 0)
            return moving_failed(moving, error);
        reshape->counts.placed += (uint64_t)moved;
        reshape->counts.empty += n - (uint32_t)moved;
        const int r = moving_go_on(moving, found, error);
        if (r < 0)
            return r;
    }
    return 0;
}

int reshape_pixels(struct reshape *reshape, struct error *error)
{
    struct moving moving;
    int r = moving_init(&moving, reshape, error);
    for (unsigned layer = 0; r == 0 && layer < reshape->old.n_layers; layer++) {
        moving.layer = layer;
        r = move_layer(&moving, error);
    }
    if (r == 0)
        r = moving_extra(&moving, error);
    moving_finish(&moving);
    return r;
}
