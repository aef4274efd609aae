#include "processing/stored/frame_picks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "processing/stored/stored_frames.h"

int frame_picks_init(struct frame_picks *picks, const struct run *run, uint64_t n,
                     struct error *error)
{
    *picks = (struct frame_picks){
        .n = n,
        .positions = calloc(n + 1, sizeof *picks->positions),
        .numbers = calloc(n + 1, sizeof *picks->numbers),
        .found = calloc(n + 1, sizeof *picks->found),
        .images = calloc(n + 1, run->format.image_size),
    };
    if (picks->positions && picks->numbers && picks->found && picks->images)
        return 0;
    frame_picks_finish(picks);
    return error_set(error, -ENOMEM, "no memory for %" PRIu64 " patterns", n);
}

void frame_picks_finish(struct frame_picks *picks)
{
    free(picks->positions);
    free(picks->numbers);
    free(picks->found);
    free(picks->images);
    *picks = (struct frame_picks){0};
}

struct pick {
    struct stored_frame stored;
    uint64_t index, number;
};

static int compare_picks(const void *a, const void *b)
{
    const struct pick *const first = a, *const second = b;
    return (first->stored.chunk > second->stored.chunk) -
           (first->stored.chunk < second->stored.chunk);
}

/* Those of the positions that have a frame in the data of the file, in the order of the chunks. */
static uint64_t find(struct pick *found, const struct frame_picks *picks, const struct run *run,
                     unsigned layer, const struct scan_geometry *scan)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < picks->n; i++) {
        const int64_t exposure = scan_geometry_frame_index(scan, picks->positions[i]);
        if (exposure < 0 || !stored_frame_has_place(run, layer, (uint64_t)exposure))
            continue;
        found[n++] = (struct pick){
            .stored = stored_frame_find(run, (uint64_t)exposure),
            .index = i,
            .number = chunk_frame_analysed(run, layer, (uint64_t)exposure)->number,
        };
    }
    qsort(found, n, sizeof *found, compare_picks);
    return n;
}

static void take_image(struct frame_picks *picks, const struct chunk_reader *reader,
                       const struct pick *pick)
{
    const size_t size = reader->run->format.image_size;
    memcpy(picks->images + pick->index * size, reader->images + pick->stored.image * size, size);
    picks->numbers[pick->index] = pick->number;
    picks->found[pick->index] = 1;
}

int frame_picks_read(struct frame_picks *picks, struct chunk_reader *reader, unsigned layer,
                     const struct scan_geometry *scan, struct error *error)
{
    const struct run *const run = reader->run;
    struct pick *const found = malloc((picks->n + 1) * sizeof *found);
    if (!found)
        return error_set(error, -ENOMEM, "no memory to find the frames");
    const uint64_t n = find(found, picks, run, layer, scan);
    int r = 0;
    for (uint64_t i = 0; i < n && (r == 0 || r == -ENOENT); i++) {
        const uint64_t chunk = found[i].stored.chunk;
        if (i == 0 || chunk != found[i - 1].stored.chunk)
            r = chunk_reader_read(reader, layer, chunk, error);
        if (r == 0)
            take_image(picks, reader, &found[i]);
    }
    free(found);
    return r == -ENOENT ? 0 : r;
}
