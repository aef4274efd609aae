#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/counter.h"
#include "processing/assembler.h"
#include "processing/run/run_products.h"

#define WIDTH 64
#define HEIGHT 64
#define DATA_OFFSET 384
#define MAX_SEEN 4096

/* An assembler with a ring and no threads, for tests of what becomes of messages. */

/* What a worker would have been given. */
struct seen_frame {
    uint64_t index;
    int64_t position;
    uint8_t flags;
    bool extra;
    unsigned layer;
};

struct bench {
    struct ring *ring;
    struct assembler assembler;
    struct run *run;       /* the newest */
    struct run *ended_run; /* the newest that ended */
    unsigned n_began, n_ended, n_headers, n_refused, n_finished, n_chunks, n_dropped;
    struct seen_frame seen[MAX_SEEN];
    unsigned n_seen;
};

static inline void on_space(void *data)
{
    (void)data;
}

static inline void on_link(void *data, bool connected, const struct error *error)
{
    (void)data;
}

static inline void on_header(void *data)
{
    ((struct bench *)data)->n_headers++;
}

static inline void on_began(void *data, struct run *run)
{
    struct bench *const bench = data;
    run_unref(bench->run);
    bench->run = run_ref(run);
    bench->n_began++;
}

static inline void on_ended(void *data, struct run *run)
{
    struct bench *const bench = data;
    run_unref(bench->ended_run);
    bench->ended_run = run_ref(run);
    bench->n_ended++;
}

static inline void on_refused(void *data, const struct error *error)
{
    ((struct bench *)data)->n_refused++;
}

static inline void on_dropped(void *data, enum run_end end)
{
    assert_int_equal(end, RUN_END_STOPPED);
    ((struct bench *)data)->n_dropped++;
}

static inline void sink_begin(void *data, struct run *run)
{
    (void)data;
    run_ref(run);
}

static inline void sink_finish(void *data, struct run *run)
{
    ((struct bench *)data)->n_finished++;
    run_unref(run);
}

/* Takes the part of the worker: notes every frame of every closed chunk. */
static inline void work(struct bench *bench)
{
    struct chunk *chunk;
    while ((chunk = ring_claim(bench->ring, ring_signal(bench->ring), 0))) {
        bool closed = false;
        const uint32_t n = chunk_wait(chunk, UINT32_MAX - 1, 0, &closed);
        for (uint32_t i = 0; i < n; i++) {
            const struct frame_slot *const slot = &chunk->frames[i];
            assert_true(bench->n_seen < MAX_SEEN);
            bench->seen[bench->n_seen++] = (struct seen_frame){
                slot->frame_index, slot->position, slot->flags, chunk->extra, slot->layer};
        }
        assert_true(closed);
        bench->n_chunks++;
        struct run *const run = chunk->run;
        ring_release(bench->ring, chunk);
        run_drop_pending(run, &bench->assembler.sink);
    }
}

static inline void offer(struct bench *bench, enum mpx_kind kind, const void *body, size_t size)
{
    uint8_t *room;
    size_t n;
    assert_true(ring_reserve(bench->ring, size, &room, &n));
    assert_true(n >= size);
    memcpy(room, body, size);
    ring_commit(bench->ring, size);
    const struct mpx_message message = {
        .kind = kind, .body = ring_unconsumed(bench->ring, &n), .body_size = size};
    assert_true(assembler_take(&bench->assembler, &message));
    ring_consume(bench->ring, size);
    assembler_flush(&bench->assembler);
}

static inline void offer_layer(struct bench *bench, uint64_t number, unsigned width, unsigned layer,
                               bool layered)
{
    static uint8_t body[DATA_OFFSET + WIDTH * HEIGHT];
    memset(body, 0, sizeof body);
    snprintf(
        (char *)body, DATA_OFFSET,
        "MQ1,%06llu,%05d,01,%04u,%04d,U08,   1x1,01,2026-01-01 00:00:00.000000,0.001000,%u,%d,0,"
        "MQ1A,2026-01-01T00:00:00.000000000Z,1000000ns,6,",
        (unsigned long long)number, DATA_OFFSET, width, HEIGHT, layer, layered);
    offer(bench, MPX_KIND_FRAME, body, DATA_OFFSET + (size_t)width * HEIGHT);
}

static inline void offer_frame_of(struct bench *bench, uint64_t number, unsigned width)
{
    offer_layer(bench, number, width, 0, false);
}

static inline void offer_frame(struct bench *bench, uint64_t number)
{
    offer_frame_of(bench, number, WIDTH);
}

static inline void offer_frames(struct bench *bench, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++)
        offer_frame(bench, number);
}

/* `more`: further lines. */
static inline void offer_header_with(struct bench *bench, unsigned frames, unsigned per_trigger,
                                     const char *more)
{
    char body[2048];
    memset(body, ' ', sizeof body);
    const int n = snprintf(body, sizeof body,
                           "HDR,\t\r\nCounter Depth (number):\t6\r\n"
                           "Frames in Acquisition (Number):\t%u\r\n"
                           "Frames per Trigger (Number):\t%u\r\n%sEnd\t",
                           frames, per_trigger, more);
    body[n] = ' ';
    offer(bench, MPX_KIND_HDR, body, sizeof body);
}

static inline void offer_header(struct bench *bench, unsigned frames)
{
    offer_header_with(bench, frames, 1, "");
}

static inline int set_up(void **state)
{
    struct bench *const bench = calloc(1, sizeof *bench);
    assert_int_equal(ring_create(&bench->ring, 4 * RING_MIN_SIZE, on_space, NULL, NULL), 0);
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    plan->scan = (struct scan_geometry){.ny = 4, .nx = 6};
    bench->assembler = (struct assembler){
        .placement.ring = bench->ring,
        .n_workers = 1,
        .sink = {.data = bench, .begin = sink_begin, .finish = sink_finish},
        .events = {bench, on_link, on_header, on_began, on_ended, on_refused, on_dropped},
        .default_plan = plan,
    };
    *state = bench;
    return 0;
}

static inline int tear_down(void **state)
{
    struct bench *const bench = *state;
    assembler_end_run(&bench->assembler, RUN_END_SHUTDOWN);
    work(bench);
    assert_int_equal(bench->n_finished, bench->n_began);
    run_unref(bench->run);
    run_unref(bench->ended_run);
    assembler_finish(&bench->assembler);
    ring_destroy(bench->ring);
    free(bench);
    return 0;
}

static inline void assert_counts(const struct run *run, uint64_t received, uint64_t placed,
                                 uint64_t duplicate, uint64_t skipped, uint64_t surplus)
{
    const struct run_counts *const counts = &run->counts;
    assert_int_equal(counter_read(&counts->received), received);
    assert_int_equal(counter_read(&counts->placed), placed);
    assert_int_equal(counter_read(&counts->duplicate), duplicate);
    assert_int_equal(counter_read(&counts->skipped), skipped);
    assert_int_equal(counter_read(&counts->surplus), surplus);
}
