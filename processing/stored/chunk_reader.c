#include "processing/stored/chunk_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "processing/stored/chunk_codec.h"

/* Twice, since the file may be renamed in between. */
static int open_file(struct run *run)
{
    int file = -1;
    for (int i = 0; i < 2 && file < 0; i++) {
        char path[sizeof run->recording.path];
        pthread_mutex_lock(&run->recording.mutex);
        snprintf(path, sizeof path, "%s", run->recording.path);
        pthread_mutex_unlock(&run->recording.mutex);
        file = *path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    }
    return file;
}

int chunk_reader_init(struct chunk_reader *reader, struct run *run, struct error *error)
{
    const bool has_store = run->store.read != NULL;
    *reader = (struct chunk_reader){.run = run_ref(run), .file = has_store ? -1 : open_file(run)};
    reader->images = malloc(run->chunk_frames * run->format.image_size);
    reader->there = malloc(run->chunk_frames);
    if ((has_store || reader->file >= 0) && reader->images && reader->there)
        return 0;
    const int r =
        !has_store && reader->file < 0
            ? error_set(error, -ENOENT,
                        "the frames of this run are not on disk, because it is not recorded: a "
                        "result has only the frames since it was added; record a run to "
                        "have results that are added later over all of it")
            : error_set(error, -ENOMEM, "no memory to read frames again");
    chunk_reader_finish(reader);
    return r;
}

void chunk_reader_finish(struct chunk_reader *reader)
{
    if (!reader->run)
        return;
    if (reader->file >= 0)
        close(reader->file);
    free(reader->compressed.bytes);
    free(reader->images);
    free(reader->there);
    run_unref(reader->run);
    *reader = (struct chunk_reader){.file = -1};
}

static bool make_room(struct chunk_buffer *buffer, size_t size)
{
    if (size <= buffer->capacity)
        return true;
    free(buffer->bytes);
    buffer->bytes = malloc(size);
    buffer->capacity = buffer->bytes ? size : 0;
    return buffer->bytes != NULL;
}

static int read_all(int file, uint8_t *bytes, size_t size, uint64_t offset)
{
    while (size > 0) {
        const ssize_t n = pread(file, bytes, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

const struct frame_facts *chunk_frame(const struct run *run, unsigned layer, uint64_t exposure)
{
    const struct frame_facts *const facts =
        frame_table_look(run->frames, exposure * run->n_layers + layer);
    if (!facts || atomic_load_explicit(&facts->state, memory_order_acquire) == FRAME_UNSEEN ||
        atomic_load_explicit(&facts->flags, memory_order_relaxed) & FRAME_FLAG_LATE)
        return NULL;
    return facts;
}

const struct frame_facts *chunk_frame_analysed(const struct run *run, unsigned layer,
                                               uint64_t exposure)
{
    const struct frame_facts *const facts = chunk_frame(run, layer, exposure);
    return facts && atomic_load_explicit(&facts->state, memory_order_relaxed) == FRAME_ANALYSED
               ? facts
               : NULL;
}

/* Which frames of a chunk have come. Returns how many. */
static uint32_t look(struct chunk_reader *reader, unsigned layer, uint64_t number)
{
    const struct run *const run = reader->run;
    uint32_t n_places, n = 0;
    const int64_t first = stored_chunks_place(run, number, &n_places);
    memset(reader->there, 0, run->chunk_frames);
    for (uint32_t i = 0; i < n_places; i++) {
        const int64_t exposure = scan_geometry_frame_at_place(&run->scan, (uint64_t)first + i);
        reader->there[i] = exposure >= 0 && chunk_frame(run, layer, (uint64_t)exposure);
        n += reader->there[i];
    }
    return n;
}

static int unpack(struct chunk_reader *reader, size_t size)
{
    return chunk_codec_unpack(reader->images,
                              reader->run->chunk_frames * reader->run->format.image_size,
                              reader->compressed.bytes, size);
}

/* A file that is whole: what is not in it will not come. */
static int read_from_store(struct chunk_reader *reader, unsigned layer, uint64_t number,
                           struct error *error)
{
    const struct chunk_store *const store = &reader->run->store;
    uint32_t n_places;
    size_t size = 0;
    const int64_t first = stored_chunks_place(reader->run, number, &n_places);
    const int r = store->read(store->data, layer, first, &reader->compressed, &size, error);
    if (r < 0)
        return r;
    if (unpack(reader, size) == 0)
        return 0;
    return error_set(error, -EIO, "chunk %" PRIu64 " (%zu bytes) cannot be unpacked", number, size);
}

/* Looked at first: the versions of a chunk have all frames of those before, in the order in which
 * they came, so that one with as many frames has these. */
int chunk_reader_read(struct chunk_reader *reader, unsigned layer, uint64_t number,
                      struct error *error)
{
    struct stored_chunk where;
    const uint32_t n = look(reader, layer, number);
    if (reader->run->store.read)
        return read_from_store(reader, layer, number, error);
    if (!stored_chunks_find(reader->run, layer, number, &where) || where.frames < n)
        return -ENOENT;
    if (!make_room(&reader->compressed, where.size))
        return error_set(error, -ENOMEM, "no memory for a chunk of %" PRIu64 " bytes", where.size);
    int r = read_all(reader->file, reader->compressed.bytes, where.size, where.offset);
    if (r == 0)
        r = unpack(reader, where.size);
    return r < 0 ? error_set(error, -EIO,
                             "chunk %" PRIu64 " (%" PRIu64 " bytes at byte %" PRIu64
                             " of the file) cannot be read: %s",
                             number, where.size, where.offset, strerror(-r))
                 : 0;
}
