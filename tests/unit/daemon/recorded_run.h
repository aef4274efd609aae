#pragma once

#include <blosc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/record/recorder.h"
#include "processing/run/run_products.h"
#include "processing/tables/column_table.h"

/*
 * Runs for the tests of the recorder, played by the test in the parts of the ingest thread and the
 * workers. Pixels and times follow from the frame index; check_recorded_file.py computes the same.
 */
#define IMAGE_HEIGHT 10
#define IMAGE_WIDTH 12
#define IMAGE_PIXELS (IMAGE_HEIGHT * IMAGE_WIDTH)

static const char played_header[] = "HDR,\t\r\nCounter Depth (number):\t12\r\nEnd\t\0\0\0";

static inline void played_image(uint16_t *image, uint64_t frame_index, unsigned layer)
{
    const uint64_t key = frame_index + layer * 501;
    for (uint64_t i = 0; i < IMAGE_PIXELS; i++)
        image[i] = (key * 31 + i * 7) % 4 == 0 ? (uint16_t)((key + i) % 4000) : 0;
}

/* A plan that records with chunks of 3 frames, where the line is that long. */
static inline struct acquisition_plan *played_plan(const char *directory, struct scan_geometry scan)
{
    struct acquisition_plan *const plan = acquisition_plan_create(1);
    assert_non_null(plan);
    plan->version = 1;
    plan->scan = scan;
    plan->frame_period_ns = 15 * 1000 * 1000;
    plan->detector_gap = 3;
    plan->recording.enabled = true;
    snprintf(plan->recording.directory, sizeof plan->recording.directory, "%s", directory);
    plan->recording.codec = RECORDING_CODEC_LZ4;
    plan->recording.shuffle = RECORDING_SHUFFLE_BIT;
    plan->recording.level = 1;
    plan->virtual_detectors[0] = (struct virtual_detector_settings){
        .name = "all", .shape = VIRTUAL_DETECTOR_DISK, .outer = 1000};
    return plan;
}

/* Takes over the plan. Two layers are counters, more are of colour mode. */
static inline struct run *played_run_of_layers(struct acquisition_plan *plan, unsigned n_layers)
{
    const struct pixel_format format = {
        .pixel_type = PIXEL_U16,
        .layout = LAYOUT_1X1,
        .chips = 1,
        .layout_published = true,
        .counter_depth = 12,
        .width = IMAGE_WIDTH,
        .height = IMAGE_HEIGHT,
        .pixel_size = 2,
        .payload_size = IMAGE_PIXELS * 2,
        .image_size = IMAGE_PIXELS * 2,
    };
    struct error error = {0};
    struct run *run = NULL;
    const struct run_frames frames = {
        .format = &format,
        .n_layers = n_layers,
        .colour = n_layers > 2,
        .hdr = (const uint8_t *)played_header,
        .hdr_size = sizeof played_header,
    };
    const int r = run_create(&run, plan, &frames, 1, &error);
    if (r < 0)
        fail_msg("%s", error.text);
    acquisition_plan_unref(plan);
    return run;
}

static inline struct run *played_run(struct acquisition_plan *plan)
{
    return played_run_of_layers(plan, 1);
}

/* What the products of the newest set make of an image. */
static inline void play_products(struct run *run, uint64_t index, unsigned layer)
{
    _Alignas(64) uint16_t image[IMAGE_PIXELS];
    struct product_set *const set = atomic_load(&run->set);
    played_image(image, index, layer);
    if (atomic_load(&set->first_frame) == UINT64_MAX)
        atomic_store(&set->first_frame, index);
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        uint64_t columns[PRODUCT_MAX_COLUMNS] = {0};
        if (product->layer != layer)
            continue;
        if (product->class->frame) {
            product->class->frame(product, &(struct frame){.image = image}, columns);
            assert_true(column_table_put(product->columns, index, columns));
        }
        if (product->class->accumulate) {
            struct product_partial *const partial = &product->partials[0];
            product->class->accumulate(product, index, &(struct frame){.image = image}, columns,
                                       partial->own);
            partial->dirty = true;
            product_partial_give(product, partial);
        }
    }
}

/* What the ingest thread and a worker do for an image that came; analysed unless it has no
 * position. */
static inline void play_image(struct run *run, uint64_t index, unsigned layer, int64_t position,
                              uint8_t flags)
{
    struct frame_facts *const facts = frame_table_make(run->frames, index * run->n_layers + layer);
    frame_table_raise_end(run->frames, index + 1);
    atomic_fetch_add(&run->counts.received, 1);
    facts->number = index + 1;
    facts->position = position;
    facts->timestamp_ns = UINT64_C(1700000000000000000) + index * 1000;
    facts->exposure_ns = 500000 + index;
    atomic_fetch_or(&facts->flags, flags);
    if (position < 0) {
        atomic_store_explicit(&facts->state, FRAME_RECEIVED, memory_order_release);
        return;
    }
    atomic_fetch_add(&run->counts.placed, 1);
    play_products(run, index, layer);
    atomic_store_explicit(&facts->state, FRAME_ANALYSED, memory_order_release);
    atomic_fetch_add(&run->counts.analysed, 1);
}

/* ... of a run with one layer. */
static inline void play_frame(struct run *run, uint64_t index, int64_t position, uint8_t flags)
{
    play_image(run, index, 0, position, flags);
}

static inline void submit_images(struct run *run, const struct chunk_sink *sink,
                                 const uint16_t *images, size_t size,
                                 const struct compressed_chunk *describe)
{
    if (!sink->wants(sink->data, run)) {
        atomic_fetch_add(describe->extra ? &run->counts.extra_unrecorded : &run->counts.unrecorded,
                         describe->n_frames);
        return;
    }
    struct compressed_chunk *const chunk = sink->acquire(sink->data, size + BLOSC_MAX_OVERHEAD);
    assert_non_null(chunk);
    const int compressed = blosc_compress_ctx(1, BLOSC_BITSHUFFLE, 2, size, images, chunk->bytes,
                                              chunk->capacity, BLOSC_LZ4_COMPNAME, 0, 1);
    assert_true(compressed > 0);
    chunk->run = run;
    chunk->extra = describe->extra;
    chunk->again = describe->again;
    chunk->layer = describe->layer;
    chunk->first_place = describe->first_place;
    chunk->position = describe->position;
    chunk->frame_index = describe->frame_index;
    chunk->flags = describe->flags;
    chunk->n_frames = describe->n_frames;
    chunk->raw_size = size;
    chunk->size = (size_t)compressed;
    sink->submit(sink->data, chunk);
}

/* Submits the chunk of `run->chunk_frames` places from `first` on that ends with its line; bit i
 * of `absent`: its i-th frame did not come. */
static inline void submit_chunk(struct run *run, const struct chunk_sink *sink, uint64_t first,
                                uint32_t n_places, uint32_t absent,
                                struct compressed_chunk describe)
{
    uint16_t *const images = calloc(run->chunk_frames, IMAGE_PIXELS * 2);
    assert_non_null(images);
    for (uint32_t i = 0; i < n_places; i++) {
        if (!(absent & 1u << i))
            played_image(images + (size_t)i * IMAGE_PIXELS,
                         (uint64_t)scan_geometry_frame_at_place(&run->scan, first + i),
                         describe.layer);
    }
    describe.first_place = (int64_t)first;
    submit_images(run, sink, images, (size_t)run->chunk_frames * IMAGE_PIXELS * 2, &describe);
    free(images);
}

static inline void submit_extra_of(struct run *run, const struct chunk_sink *sink, uint64_t index,
                                   unsigned layer, int64_t position, uint8_t flags)
{
    uint16_t image[IMAGE_PIXELS];
    played_image(image, index, layer);
    submit_images(run, sink, image, sizeof image,
                  &(struct compressed_chunk){.extra = true,
                                             .layer = layer,
                                             .position = position,
                                             .frame_index = index,
                                             .flags = flags,
                                             .n_frames = 1});
}

static inline void submit_extra(struct run *run, const struct chunk_sink *sink, uint64_t index,
                                int64_t position, uint8_t flags)
{
    submit_extra_of(run, sink, index, 0, position, flags);
}

/* All images of n places on one line, all layers, come and the chunk of each layer is submitted. */
static inline void play_places(struct run *run, const struct chunk_sink *sink, uint64_t first,
                               uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t index = (uint64_t)scan_geometry_frame_at_place(&run->scan, first + i);
        for (unsigned layer = 0; layer < run->n_layers; layer++)
            play_image(run, index, layer, scan_geometry_position(&run->scan, index), 0);
    }
    for (unsigned layer = 0; layer < run->n_layers; layer++)
        submit_chunk(run, sink, first, n, 0,
                     (struct compressed_chunk){.layer = layer, .n_frames = n});
}

/* A line comes, whose number counts on through the passes. */
static inline void play_line(struct run *run, const struct chunk_sink *sink, uint64_t row)
{
    const uint32_t nx = run->scan.nx, k = run->chunk_frames;
    for (uint32_t x = 0; x < nx; x += k)
        play_places(run, sink, row * nx + x, nx - x < k ? nx - x : k);
}

static inline void play_end(struct run *run, const struct chunk_sink *sink, enum run_end end)
{
    atomic_store(&run->ended_ns, run->started_ns + UINT64_C(5000000000));
    atomic_store(&run->end, end);
    atomic_store(&run->phase, RUN_FINISHING);
    atomic_store(&run->pending, 0);
    sink->finish(sink->data, run);
}
