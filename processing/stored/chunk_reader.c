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
        char path[sizeof run->recording->path];
        pthread_mutex_lock(&run->recording->mutex);
        snprintf(path, sizeof path, "%s", run->recording->path);
        pthread_mutex_unlock(&run->recording->mutex);
        file = *path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    }
    return file;
}

static bool file_is_coming(struct run *run)
{
    pthread_mutex_lock(&run->recording->mutex);
    const bool coming = run->recording->state == RECORDING_OPENING;
    pthread_mutex_unlock(&run->recording->mutex);
    return coming;
}

int chunk_reader_init(struct chunk_reader *reader, struct run *run, struct error *error)
{
    const bool has_store = run->store.read != NULL;
    /* Asked first: a file that is made meanwhile is then found. */
    const bool has_images = has_store || file_is_coming(run);
    *reader = (struct chunk_reader){.run = run_ref(run), .file = has_store ? -1 : open_file(run)};
    reader->images = malloc(run->chunk_frames * run->format.image_size);
    reader->there = malloc(run->chunk_frames);
    if ((has_images || reader->file >= 0) && reader->images && reader->there)
        return 0;
    const int r =
        !has_images && reader->file < 0
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
        frame_table_seen(run->frames, exposure * run->n_layers + layer);
    if (!facts || atomic_load_explicit(&facts->flags, memory_order_relaxed) & FRAME_FLAG_LATE)
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

bool late_frame_analysed(const struct run *run, unsigned layer, uint64_t exposure)
{
    const struct frame_facts *const facts =
        frame_table_look(run->frames, exposure * run->n_layers + layer);
    return facts && atomic_load_explicit(&facts->state, memory_order_acquire) == FRAME_ANALYSED &&
           atomic_load_explicit(&facts->flags, memory_order_relaxed) & FRAME_FLAG_LATE;
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

static int unpack(struct chunk_reader *reader, size_t size, uint64_t n)
{
    return chunk_codec_unpack(reader->images, n * reader->run->format.image_size,
                              reader->compressed.bytes, size);
}

/* Fills `images` with what is stored there. */
static int read_images(struct chunk_reader *reader, const struct stored_chunk *where, uint64_t n)
{
    if (!make_room(&reader->compressed, where->size))
        return -ENOMEM;
    if (reader->file < 0 && (reader->file = open_file(reader->run)) < 0)
        return -EIO;
    const int r = read_all(reader->file, reader->compressed.bytes, where->size, where->offset);
    return r < 0 ? r : unpack(reader, where->size, n);
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
    if (unpack(reader, size, reader->run->chunk_frames) == 0)
        return 0;
    return error_set(error, -EIO, "chunk %" PRIu64 " (%zu bytes) cannot be unpacked", number, size);
}

static int set_read_error(struct error *error, int r, const char *what, uint64_t number,
                          const struct stored_chunk *where)
{
    if (r == -ENOMEM)
        return error_set(error, r, "no memory for a chunk of %" PRIu64 " bytes", where->size);
    return error_set(error, -EIO,
                     "%s %" PRIu64 " (%" PRIu64 " bytes at byte %" PRIu64
                     " of the file) cannot be read: %s",
                     what, number, where->size, where->offset, strerror(-r));
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
    const int r = read_images(reader, &where, reader->run->chunk_frames);
    return r < 0 ? set_read_error(error, r, "chunk", number, &where) : 0;
}

int chunk_reader_read_late(struct chunk_reader *reader, unsigned layer, uint64_t exposure,
                           struct error *error)
{
    struct stored_chunk where;
    if (!stored_late_find(reader->run, layer, exposure, &where))
        return -ENOENT;
    const int r = read_images(reader, &where, 1);
    return r < 0 ? set_read_error(error, r, "the late frame", exposure, &where) : 0;
}
