#include "processing/stored/frame_sums.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/stored/stored_frames.h"

/* Positions that are looked up at a time, 16 bytes each. */
#define POSITIONS_AT_ONCE (UINT64_C(1) << 22)

/* ---- life ---- */

int frame_sums_init(struct frame_sums *sums, const struct run *run, uint32_t n_labels,
                    struct error *error)
{
    *sums = (struct frame_sums){
        .n_labels = n_labels,
        .n_pixels = (size_t)run->format.height * run->format.width,
    };
    sums->frames = calloc(n_labels, sizeof *sums->frames);
    sums->patterns = calloc(n_labels * sums->n_pixels, sizeof *sums->patterns);
    if (sums->frames && sums->patterns)
        return 0;
    frame_sums_finish(sums);
    return error_set(error, -ENOMEM, "no memory for %" PRIu32 " patterns", n_labels);
}

void frame_sums_finish(struct frame_sums *sums)
{
    free(sums->frames);
    free(sums->patterns);
    *sums = (struct frame_sums){0};
}

void frame_sums_clear(struct frame_sums *sums)
{
    memset(sums->frames, 0, sums->n_labels * sizeof *sums->frames);
    memset(sums->patterns, 0, sums->n_labels * sums->n_pixels * sizeof *sums->patterns);
}

/* ---- where the frames are ---- */

struct item {
    uint64_t chunk;
    uint32_t image; /* in the chunk */
    uint32_t label;
};

struct items {
    size_t n;
    struct item *list; /* [POSITIONS_AT_ONCE] or fewer */
};

/* Measured, but not to be found in a chunk: late, or left out by the geometry of storage. */
static bool is_elsewhere(const struct run *run, unsigned layer, uint64_t exposure)
{
    const struct frame_facts *const facts =
        frame_table_look(run->frames, exposure * run->n_layers + layer);
    return facts && atomic_load_explicit(&facts->state, memory_order_acquire) == FRAME_ANALYSED;
}

static void add_item(struct items *items, const struct run *run, uint64_t exposure, uint32_t label)
{
    const struct stored_frame stored = stored_frame_find(run, exposure);
    items->list[items->n++] = (struct item){
        .chunk = stored.chunk,
        .image = stored.image,
        .label = label,
    };
}

static void find_items(struct items *items, struct frame_sums *sums,
                       const struct frame_sums_source *source, uint64_t first, uint64_t count)
{
    const struct run *const run = source->reader->run;
    items->n = 0;
    for (uint64_t position = first; position < first + count; position++) {
        const uint32_t label = source->label_of(source->data, position);
        const int64_t exposure = label ? scan_geometry_frame_index(source->scan, position) : -1;
        if (exposure < 0)
            continue;
        if (stored_frame_has_place(run, source->layer, (uint64_t)exposure))
            add_item(items, run, (uint64_t)exposure, label);
        else
            sums->left_out += is_elsewhere(run, source->layer, (uint64_t)exposure);
    }
}

static int compare_items(const void *a, const void *b)
{
    const struct item *const first = a, *const second = b;
    if (first->chunk != second->chunk)
        return first->chunk < second->chunk ? -1 : 1;
    return (first->image > second->image) - (first->image < second->image);
}

/* Neighbours belong to one chunk. Returns how many chunks there are. */
static uint64_t sort_items(struct items *items)
{
    bool sorted = true;
    for (size_t i = 1; i < items->n && sorted; i++)
        sorted = compare_items(&items->list[i - 1], &items->list[i]) <= 0;
    if (!sorted)
        qsort(items->list, items->n, sizeof *items->list, compare_items);
    uint64_t n_chunks = items->n > 0;
    for (size_t i = 1; i < items->n; i++)
        n_chunks += items->list[i].chunk != items->list[i - 1].chunk;
    return n_chunks;
}

/* ---- adding ---- */

static void add_u8(uint64_t *restrict sums, const uint8_t *restrict pixels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += pixels[i];
}

static void add_u16(uint64_t *restrict sums, const uint16_t *restrict pixels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += pixels[i];
}

static void add_u32(uint64_t *restrict sums, const uint32_t *restrict pixels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sums[i] += pixels[i];
}

static void add_image(struct frame_sums *sums, const struct chunk_reader *reader,
                      const struct item *item)
{
    const struct pixel_format *const format = &reader->run->format;
    const void *const image = reader->images + item->image * format->image_size;
    uint64_t *const pattern = sums->patterns + (item->label - 1) * sums->n_pixels;
    if (format->pixel_size == 1)
        add_u8(pattern, image, sums->n_pixels);
    else if (format->pixel_size == 2)
        add_u16(pattern, image, sums->n_pixels);
    else
        add_u32(pattern, image, sums->n_pixels);
    sums->frames[item->label - 1]++;
}

/* `n` items of one chunk, which were analysed before it is read. */
static int add_chunk(struct frame_sums *sums, const struct frame_sums_source *source,
                     const struct item *items, size_t n, struct error *error)
{
    const int r = chunk_reader_read(source->reader, source->layer, items->chunk, error);
    if (r == -ENOENT)
        sums->left_out += n;
    for (size_t i = 0; i < n && r == 0; i++)
        add_image(sums, source->reader, &items[i]);
    return r == -ENOENT ? 0 : r;
}

static int add_items(struct frame_sums *sums, const struct frame_sums_source *source,
                     const struct items *items, struct frame_sums_progress *progress,
                     struct error *error)
{
    int r = 0;
    for (size_t i = 0, n; i < items->n && r == 0; i += n) {
        n = 1;
        while (i + n < items->n && items->list[i + n].chunk == items->list[i].chunk)
            n++;
        if (atomic_load_explicit(&progress->stop, memory_order_relaxed))
            return error_set(error, -ECANCELED, "stopped");
        r = add_chunk(sums, source, &items->list[i], n, error);
        atomic_fetch_add_explicit(&progress->done, 1, memory_order_relaxed);
    }
    return r;
}

int frame_sums_add(struct frame_sums *sums, const struct frame_sums_source *source, uint64_t first,
                   uint64_t count, struct frame_sums_progress *progress, struct error *error)
{
    const uint64_t most = count < POSITIONS_AT_ONCE ? count : POSITIONS_AT_ONCE;
    struct items items = {.list = malloc((most + 1) * sizeof *items.list)};
    if (!items.list)
        return error_set(error, -ENOMEM, "no memory to find the frames");
    int r = 0;
    for (uint64_t i = 0; i < count && r == 0; i += most) {
        find_items(&items, sums, source, first + i, count - i < most ? count - i : most);
        atomic_fetch_add_explicit(&progress->total, sort_items(&items), memory_order_relaxed);
        r = add_items(sums, source, &items, progress, error);
    }
    free(items.list);
    return r;
}

void frame_sums_to_means(struct frame_sums *sums)
{
    _Static_assert(sizeof(double) == sizeof *sums->patterns, "a mean takes the place of a sum");
    for (uint32_t label = 0; label < sums->n_labels; label++) {
        uint64_t *const pattern = sums->patterns + label * sums->n_pixels;
        const uint64_t n = sums->frames[label];
        for (size_t i = 0; i < sums->n_pixels; i++) {
            const double mean = n ? (double)pattern[i] / (double)n : NAN;
            memcpy(&pattern[i], &mean, sizeof mean);
        }
    }
}
