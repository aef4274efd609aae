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

static void on_space(void *data)
{
    (void)data;
}

static void on_link(void *data, bool connected, const struct error *error)
{
    (void)data;
}

static void on_header(void *data)
{
    ((struct bench *)data)->n_headers++;
}

static void on_began(void *data, struct run *run)
{
    struct bench *const bench = data;
    run_unref(bench->run);
    bench->run = run_ref(run);
    bench->n_began++;
}

static void on_ended(void *data, struct run *run)
{
    struct bench *const bench = data;
    run_unref(bench->ended_run);
    bench->ended_run = run_ref(run);
    bench->n_ended++;
}

static void on_refused(void *data, const struct error *error)
{
    ((struct bench *)data)->n_refused++;
}

static void on_dropped(void *data, enum run_end end)
{
    assert_int_equal(end, RUN_END_STOPPED);
    ((struct bench *)data)->n_dropped++;
}

static void sink_begin(void *data, struct run *run)
{
    (void)data;
    run_ref(run);
}

static void sink_finish(void *data, struct run *run)
{
    ((struct bench *)data)->n_finished++;
    run_unref(run);
}

/* Takes the part of the worker: notes every frame of every closed chunk. */
static void work(struct bench *bench)
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

static void offer(struct bench *bench, enum mpx_kind kind, const void *body, size_t size)
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

static void offer_layer(struct bench *bench, uint64_t number, unsigned width, unsigned layer,
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

static void offer_frame_of(struct bench *bench, uint64_t number, unsigned width)
{
    offer_layer(bench, number, width, 0, false);
}

static void offer_frame(struct bench *bench, uint64_t number)
{
    offer_frame_of(bench, number, WIDTH);
}

static void offer_frames(struct bench *bench, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++)
        offer_frame(bench, number);
}

/* `more`: further lines. */
static void offer_header_with(struct bench *bench, unsigned frames, unsigned per_trigger,
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

static void offer_header(struct bench *bench, unsigned frames)
{
    offer_header_with(bench, frames, 1, "");
}

static int set_up(void **state)
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

static int tear_down(void **state)
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

static void assert_counts(const struct run *run, uint64_t received, uint64_t placed,
                          uint64_t duplicate, uint64_t skipped, uint64_t surplus)
{
    const struct run_counts *const counts = &run->counts;
    assert_int_equal(counter_read(&counts->received), received);
    assert_int_equal(counter_read(&counts->placed), placed);
    assert_int_equal(counter_read(&counts->duplicate), duplicate);
    assert_int_equal(counter_read(&counts->skipped), skipped);
    assert_int_equal(counter_read(&counts->surplus), surplus);
}

static void a_whole_scan_is_placed_in_order_and_ends_at_its_last_frame(void **state)
{
    struct bench *const bench = *state;
    offer_header(bench, 24);
    assert_int_equal(bench->n_headers, 1);
    offer_frames(bench, 1, 24);
    assert_int_equal(bench->n_ended, 1);
    work(bench);
    assert_int_equal(bench->n_finished, 1);
    assert_int_equal(bench->n_seen, 24);
    for (unsigned i = 0; i < 24; i++) {
        assert_int_equal(bench->seen[i].position, i);
        assert_false(bench->seen[i].extra);
    }
    assert_counts(bench->run, 24, 24, 0, 0, 0);
    assert_string_equal(run_reason(bench->run), "complete");
    assert_int_equal(run_missing(bench->run), 0);
}

static void a_lost_frame_leaves_a_hole_and_later_frames_stay_in_place(void **state)
{
    struct bench *const bench = *state;
    offer_header(bench, 24);
    offer_frames(bench, 1, 7);
    offer_frames(bench, 10, 24);
    assert_int_equal(bench->n_ended, 0);
    assembler_quiet(&bench->assembler, 100000000);
    assert_int_equal(bench->n_ended, 1);
    work(bench);
    assert_int_equal(bench->n_seen, 22);
    for (unsigned i = 0; i < bench->n_seen; i++)
        assert_int_equal(bench->seen[i].position, bench->seen[i].index);
    assert_string_equal(run_reason(bench->run), "short");
    assert_int_equal(run_missing(bench->run), 2);
}

static void late_and_duplicate_frames_are_kept_apart(void **state)
{
    struct bench *const bench = *state;
    offer_header(bench, 24);
    offer_frames(bench, 1, 3);
    offer_frames(bench, 5, 12);
    offer_frame(bench, 4);  /* late: its chunk is closed */
    offer_frame(bench, 12); /* again */
    offer_frames(bench, 13, 24);
    assert_int_equal(bench->n_ended, 1);
    work(bench);
    assert_counts(bench->run, 25, 24, 1, 0, 0);
    unsigned late = 0, duplicate = 0;
    for (unsigned i = 0; i < bench->n_seen; i++) {
        const struct seen_frame *const frame = &bench->seen[i];
        assert_int_equal(frame->extra, frame->flags != 0);
        late += frame->flags == FRAME_FLAG_LATE && frame->index == 3;
        duplicate += frame->flags == FRAME_FLAG_DUPLICATE && frame->index == 11;
    }
    assert_int_equal(late, 1);
    assert_int_equal(duplicate, 1);
    assert_string_equal(run_reason(bench->run), "complete");
}

static void skipped_and_surplus_frames_have_no_place(void **state)
{
    struct bench *const bench = *state;
    bench->assembler.default_plan->scan =
        (struct scan_geometry){.ny = 2, .nx = 3, .skip_start = 1, .skip_line = 1};
    offer_header(bench, 12);
    offer_frames(bench, 1, 12);
    assert_int_equal(bench->n_ended, 1);
    assert_counts(bench->run, 12, 6, 0, 3, 3);
    assert_string_equal(run_reason(bench->run), "complete");
}

static void a_repeated_header_changes_nothing_and_a_new_one_begins_a_new_run(void **state)
{
    struct bench *const bench = *state;
    offer_header(bench, 24);
    offer_frames(bench, 1, 5);
    offer_header(bench, 24);
    offer_frames(bench, 6, 10);
    assert_int_equal(bench->n_began, 1);
    assert_int_equal(counter_read(&bench->assembler.repeated_headers), 1);
    offer_header(bench, 24);
    offer_frames(bench, 1, 2);
    assert_int_equal(bench->n_began, 2);
    assert_int_equal(bench->n_ended, 1);
    assert_int_equal(atomic_load(&bench->ended_run->end), RUN_END_NEXT_RUN);
    assert_counts(bench->ended_run, 10, 10, 0, 0, 0);
    assert_counts(bench->run, 2, 2, 0, 0, 0);
}

static void an_armed_but_silent_new_run_ends_the_old_one(void **state)
{
    struct bench *const bench = *state;
    offer_header(bench, 24);
    offer_frames(bench, 1, 5);
    offer_header(bench, 24);
    assembler_quiet(&bench->assembler, 1000000);
    assert_int_equal(bench->n_ended, 0);
    assembler_quiet(&bench->assembler, 1000000000);
    assert_int_equal(bench->n_ended, 1);
    assert_int_equal(bench->n_headers, 2);
}

/* A raw frame of a quad with a gap and one row of pixels per chip. */
static void offer_raw_frame(struct bench *bench, uint64_t number, unsigned depth)
{
    static uint8_t body[768 + 4096];
    memset(body, 0, sizeof body);
    snprintf(
        (char *)body, 768,
        "MQ1,%06llu,00768,04,1024,0001,R64,  2x2G,0F,2026-01-01 00:00:00.000000,0.001000,0,0,0,"
        "MQ1A,2026-01-01T00:00:00.000000000Z,1000000ns,%u,",
        (unsigned long long)number, depth);
    offer(bench, MPX_KIND_FRAME, body, 768 + (depth == 1 ? 128 : 1024));
}

static void raw_frames_have_the_gap_of_the_plan_that_they_begin(void **state)
{
    struct bench *const bench = *state;
    bench->assembler.default_plan->detector_gap = 2;
    offer_header(bench, 24);
    offer_raw_frame(bench, 1, 6);
    assert_int_equal(bench->run->format.width, 514);
    assert_int_equal(bench->run->format.height, 4);
    struct acquisition_plan *const plan = acquisition_plan_copy(bench->assembler.default_plan);
    assert_int_equal(plan->detector_gap, 2);
    plan->detector_gap = 3;
    assembler_expect(&bench->assembler, plan, false, false);
    offer_header(bench, 24);
    offer_raw_frame(bench, 1, 6);
    assert_int_equal(bench->n_began, 2);
    assert_int_equal(bench->run->format.width, 515);
}

/* X, Y and type are the same: only the depth, and with it the size, is not. */
static void a_raw_frame_of_another_depth_is_rejected(void **state)
{
    struct bench *const bench = *state;
    offer_header(bench, 24);
    offer_raw_frame(bench, 1, 6);
    offer_raw_frame(bench, 2, 1);
    assert_int_equal(counter_read(&bench->run->counts.rejected), 1);
    offer_raw_frame(bench, 3, 6);
    assert_int_equal(counter_read(&bench->run->counts.received), 2);
}

static void old_frames_before_the_awaited_header_are_stray(void **state)
{
    struct bench *const bench = *state;
    struct acquisition_plan *const plan = acquisition_plan_copy(bench->assembler.default_plan);
    char id[37];
    memcpy(id, plan->id, sizeof id);
    assembler_expect(&bench->assembler, plan, true, true);
    offer_frames(bench, 1, 3);
    assert_int_equal(bench->n_began, 0);
    assert_int_equal(counter_read(&bench->assembler.stray_frames), 3);
    offer_header(bench, 24);
    offer_frame(bench, 1);
    assert_int_equal(bench->n_began, 1);
    assert_string_equal(bench->run->plan->id, id);
}

static void after_a_quiet_link_the_awaited_run_needs_no_header(void **state)
{
    struct bench *const bench = *state;
    offer_header(bench, 24); /* of a run that never had a frame */
    assembler_expect(&bench->assembler, acquisition_plan_copy(bench->assembler.default_plan), true,
                     false);
    offer_frame(bench, 7);
    assert_int_equal(bench->n_began, 0);
    offer_frame(bench, 1);
    assert_int_equal(bench->n_began, 1);
    assert_null(bench->run->hdr);
}

static void without_headers_a_frame_number_one_begins_a_run(void **state)
{
    struct bench *const bench = *state;
    offer_frame(bench, 17);
    assert_int_equal(bench->n_began, 0);
    offer_frames(bench, 1, 24);
    assert_int_equal(bench->n_began, 1);
    assembler_quiet(&bench->assembler, 100000000);
    assert_int_equal(bench->n_ended, 1);
    assert_string_equal(run_reason(bench->run), "complete");
}

static void numbers_that_begin_again_after_999999_go_on(void **state)
{
    struct bench *const bench = *state;
    bench->assembler.default_plan->scan = (struct scan_geometry){.ny = 1100, .nx = 1000};
    offer_header(bench, 1100000);
    offer_frame(bench, 1);
    offer_frames(bench, 999998, 999999);
    offer_frame(bench, 0);
    offer_frame(bench, 1);
    assembler_end_run(&bench->assembler, RUN_END_STOPPED);
    work(bench);
    assert_int_equal(bench->seen[bench->n_seen - 1].index, 1000000);
    assert_counts(bench->run, 5, 5, 0, 0, 0);
}

static void seven_digit_numbers_go_on(void **state)
{
    struct bench *const bench = *state;
    bench->assembler.default_plan->scan = (struct scan_geometry){.ny = 1100, .nx = 1000};
    offer_header(bench, 1100000);
    offer_frames(bench, 999998, 1000001);
    assembler_end_run(&bench->assembler, RUN_END_STOPPED);
    work(bench);
    assert_int_equal(bench->seen[bench->n_seen - 1].index, 1000000);
}

static void frames_of_another_format_and_absurd_numbers_are_left_out(void **state)
{
    struct bench *const bench = *state;
    offer_header(bench, 24);
    offer_frame(bench, 1);
    offer_frame_of(bench, 2, WIDTH / 2);
    offer_frame(bench, 99999999999);
    offer_frame(bench, 3);
    assert_counts(bench->run, 2, 2, 0, 0, 0);
    assert_int_equal(counter_read(&bench->run->counts.rejected), 2);
}

static void a_first_frame_that_cannot_be_read_refuses_the_run(void **state)
{
    struct bench *const bench = *state;
    static const char body[] = "MQ1,000001,00384,01,9999999,0256,U08,   1x1,01,";
    offer_header(bench, 24);
    offer(bench, MPX_KIND_FRAME, body, sizeof body);
    assert_int_equal(bench->n_began, 0);
    assert_int_equal(bench->n_refused, 1);
    offer_header(bench, 24);
    offer_frames(bench, 1, 24);
    assert_int_equal(bench->n_ended, 1);
}

/* Both counters of 24 exposures, counter 1 first. */
static void offer_pairs(struct bench *bench, bool running, unsigned lost)
{
    offer_header(bench, 24);
    for (unsigned exposure = 0; exposure < 24; exposure++) {
        for (unsigned i = 0; i < 2; i++) {
            const uint64_t number = running ? 2 * exposure + i + 1 : exposure + 1;
            if (2 * exposure + i != lost)
                offer_layer(bench, number, WIDTH, 1 - i, true);
        }
    }
}

static void check_pairs(struct bench *bench, unsigned lost)
{
    work(bench);
    assert_int_equal(bench->run->n_layers, 2);
    assert_int_equal(bench->run->expected, 48);
    bool came[48] = {false};
    for (unsigned i = 0; i < bench->n_seen; i++) {
        const struct seen_frame *const frame = &bench->seen[i];
        assert_int_equal(frame->position, frame->index);
        assert_false(frame->extra);
        came[2 * frame->index + frame->layer] = true;
    }
    for (unsigned i = 0; i < 48; i++)
        assert_int_equal(came[i], i != (lost ^ 1)); /* counter 1 is sent first */
}

static void both_counters_are_two_images_of_one_exposure(void **state)
{
    struct bench *const bench = *state;
    offer_pairs(bench, false, 1000);
    assert_int_equal(bench->n_ended, 1);
    check_pairs(bench, 1000);
    assert_counts(bench->run, 48, 48, 0, 0, 0);
    assert_string_equal(run_reason(bench->run), "complete");
}

static void counters_whose_numbers_run_on_are_understood(void **state)
{
    struct bench *const bench = *state;
    offer_pairs(bench, true, 1000);
    assert_int_equal(bench->n_ended, 1);
    check_pairs(bench, 1000);
}

static void a_lost_counter_is_one_missing_image(void **state)
{
    struct bench *const bench = *state;
    offer_pairs(bench, false, 20);
    assembler_quiet(&bench->assembler, 100000000);
    check_pairs(bench, 20);
    assert_int_equal(run_missing(bench->run), 1);
    assert_string_equal(run_reason(bench->run), "short");
}

static void a_layer_that_the_run_does_not_have_is_rejected(void **state)
{
    struct bench *const bench = *state;
    offer_header(bench, 24);
    offer_layer(bench, 1, WIDTH, 0, true);
    offer_layer(bench, 1, WIDTH, 5, true);
    assert_int_equal(counter_read(&bench->run->counts.rejected), 1);
}

static void frames_of_a_serpentine_fill_chunks_backwards_and_are_not_late(void **state)
{
    struct bench *const bench = *state;
    bench->assembler.default_plan->scan.order = SCAN_ORDER_SERPENTINE;
    bench->assembler.default_plan->frame_period_ns = 20000000; /* chunks of two frames */
    offer_header(bench, 24);
    offer_frames(bench, 1, 24);
    work(bench);
    assert_counts(bench->run, 24, 24, 0, 0, 0);
    assert_int_equal(bench->n_chunks, 12);
    for (unsigned i = 0; i < 24; i++)
        assert_false(bench->seen[i].extra);
    assert_int_equal(bench->seen[6].position, 11);
}

static void assert_shape(struct bench *bench, unsigned per_trigger, const char *more, uint32_t ny,
                         uint32_t nx, const char *source)
{
    offer_header_with(bench, 24, per_trigger, more);
    offer_frame(bench, 1);
    assert_int_equal(bench->run->scan.ny, ny);
    assert_int_equal(bench->run->scan.nx, nx);
    assert_string_equal(run_view(bench->run)->source, source);
    assembler_end_run(&bench->assembler, RUN_END_STOPPED);
}

static void a_shape_that_was_asked_for_beats_triggers_which_beat_what_the_screen_says(void **state)
{
    struct bench *const bench = *state;
    static const char scan[] = "ScanX:\t6\r\nScanY:\t4\r\n";
    assert_shape(bench, 8, scan, 4, 6, "request"); /* of the bench's plan */
    bench->assembler.default_plan->scan = (struct scan_geometry){0};
    bench->assembler.default_plan->scan_from_header = true;
    assert_shape(bench, 1, "", 0, 0, "configuration");
    assert_shape(bench, 1, scan, 4, 6, "header");
    assert_shape(bench, 8, scan, 3, 8, "header");
    assert_shape(bench, 7, scan, 4, 6, "header"); /* 7 does not divide 24 */
}

static struct acquisition_plan *view_plan(const struct bench *bench)
{
    struct acquisition_plan *const plan = acquisition_plan_copy(bench->assembler.default_plan);
    plan->unending = true;
    return plan;
}

static void a_view_goes_over_and_over(void **state)
{
    struct bench *const bench = *state;
    assembler_expect(&bench->assembler, view_plan(bench), false, false);
    offer_header(bench, 0);
    offer_frames(bench, 1, 24 * 5 + 6);
    work(bench);
    assert_int_equal(bench->n_began, 1);
    assert_int_equal(bench->n_ended, 0);
    assert_counts(bench->run, 126, 126, 0, 0, 0);
    for (unsigned i = 0; i < bench->n_seen; i++)
        assert_int_equal(bench->seen[i].position, i % 24);
    offer_frame(bench, 100);
    assert_int_equal(counter_read(&bench->run->counts.duplicate), 1);
    assembler_end_when_quiet(&bench->assembler, RUN_END_STOPPED, 0);
    assert_int_equal(bench->n_ended, 1);
}

static struct acquisition_plan *pass_plan(const struct bench *bench)
{
    struct acquisition_plan *const plan = acquisition_plan_copy(bench->assembler.default_plan);
    plan->one_pass = true;
    return plan;
}

static void the_next_pass_of_a_view_is_a_run_of_its_own(void **state)
{
    struct bench *const bench = *state;
    assembler_expect(&bench->assembler, view_plan(bench), false, false);
    offer_header(bench, 0);
    offer_frames(bench, 1, 30);
    assembler_record_pass(&bench->assembler, pass_plan(bench));
    offer_frames(bench, 31, 48);
    assert_int_equal(bench->n_began, 1);
    offer_frame(bench, 49);
    assert_int_equal(bench->n_began, 2);
    assert_int_equal(atomic_load(&bench->ended_run->end), RUN_END_PASS);
    assert_string_equal(run_reason(bench->ended_run), "complete");
    offer_frames(bench, 50, 72);
    assert_int_equal(bench->n_ended, 2);
    assert_counts(bench->ended_run, 24, 24, 0, 0, 0);
    assert_string_equal(run_reason(bench->ended_run), "complete");
    assert_int_equal(atomic_load(&bench->ended_run->end), RUN_END_LAST);
    assert_int_equal(bench->n_began, 3);
    offer_frames(bench, 73, 80);
    assert_counts(bench->run, 8, 8, 0, 0, 0);
    assert_true(bench->run->recycle > 0);
}

static void a_pass_that_misses_frames_does_not_stop_the_view(void **state)
{
    struct bench *const bench = *state;
    assembler_expect(&bench->assembler, view_plan(bench), false, false);
    offer_header(bench, 0);
    offer_frame(bench, 1);
    assembler_record_pass(&bench->assembler, pass_plan(bench));
    offer_frames(bench, 25, 30);
    offer_frames(bench, 32, 52);
    assert_int_equal(bench->n_began, 3);
    assert_string_equal(run_reason(bench->ended_run), "short");
    assert_int_equal(run_missing(bench->ended_run), 1);
    assert_counts(bench->run, 4, 4, 0, 0, 0);
}

static void stopping_a_recorded_pass_ends_the_view_too(void **state)
{
    struct bench *const bench = *state;
    assembler_expect(&bench->assembler, view_plan(bench), false, false);
    offer_header(bench, 0);
    offer_frame(bench, 24);
    assembler_record_pass(&bench->assembler, pass_plan(bench));
    offer_frames(bench, 25, 30);
    assembler_end_when_quiet(&bench->assembler, RUN_END_STOPPED, 1000);
    assembler_quiet(&bench->assembler, 2000);
    assert_int_equal(bench->n_began, 2);
    assert_int_equal(bench->n_ended, 2);
    offer_frame(bench, 31);
    assert_int_equal(bench->n_began, 2);
    assert_int_equal(counter_read(&bench->assembler.stray_frames), 1);
}

static void expect_default(struct bench *bench)
{
    assembler_expect(&bench->assembler, acquisition_plan_copy(bench->assembler.default_plan), true,
                     false);
}

static void a_run_that_is_stopped_before_its_first_frame_is_dropped_after_a_quiet(void **state)
{
    struct bench *const bench = *state;
    expect_default(bench);
    offer_header(bench, 24);
    assembler_end_when_quiet(&bench->assembler, RUN_END_STOPPED, 1000);
    assembler_quiet(&bench->assembler, 999);
    assert_int_equal(bench->n_dropped, 0);
    assembler_quiet(&bench->assembler, 1000);
    assert_int_equal(bench->n_dropped, 1);
    assembler_quiet(&bench->assembler, 2000);
    assert_int_equal(bench->n_dropped, 1);
    assert_int_equal(bench->n_began, 0);
    /* What somebody else starts then is not stopped with it. */
    offer_header(bench, 24);
    offer_frame(bench, 1);
    assembler_quiet(&bench->assembler, 2000);
    assert_int_equal(bench->n_began, 1);
    assert_int_equal(bench->n_ended, 0);
}

static void frames_on_their_way_when_their_run_is_stopped_are_of_that_run(void **state)
{
    struct bench *const bench = *state;
    expect_default(bench);
    const struct acquisition_plan *const plan = bench->assembler.next_plan;
    assembler_end_when_quiet(&bench->assembler, RUN_END_STOPPED, 1000);
    offer_header(bench, 24);
    offer_frames(bench, 1, 5);
    assembler_end_when_quiet(&bench->assembler, RUN_END_IDLE, 500);
    assembler_quiet(&bench->assembler, 1000);
    assert_int_equal(bench->n_dropped, 0);
    assert_int_equal(bench->n_began, 1);
    assert_int_equal(bench->n_ended, 1);
    assert_ptr_equal(bench->ended_run->plan, plan);
    assert_int_equal(atomic_load(&bench->ended_run->end), RUN_END_STOPPED);
    assert_counts(bench->ended_run, 5, 5, 0, 0, 0);
}

static void a_stop_that_finds_nothing_going_on_does_not_end_the_next_run(void **state)
{
    struct bench *const bench = *state;
    assembler_end_when_quiet(&bench->assembler, RUN_END_STOPPED, 1000);
    offer_header(bench, 24);
    offer_frame(bench, 1);
    assembler_quiet(&bench->assembler, 2000);
    assert_int_equal(bench->n_ended, 0);
}

static void new_products_are_used_from_the_next_chunk_on(void **state)
{
    struct bench *const bench = *state;
    bench->assembler.default_plan->frame_period_ns = 20000000; /* chunks of two frames */
    offer_header(bench, 24);
    offer_frame(bench, 1);
    const struct product_set *const first = run_set(bench->run);
    assert_int_equal(atomic_load(&first->first_frame), 0);
    const struct product *const removed[] = {first->products[0]};
    const struct product_set *const second = run_change_set(bench->run, removed, 1, NULL, 0);
    assert_int_equal(second->version, 2);
    assert_int_equal(second->n, first->n - 1);
    offer_frame(bench, 2);
    assert_int_equal(atomic_load(&second->first_frame), UINT64_MAX);
    offer_frame(bench, 3);
    assert_int_equal(atomic_load(&second->first_frame), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_whole_scan_is_placed_in_order_and_ends_at_its_last_frame),
        TEST(a_lost_frame_leaves_a_hole_and_later_frames_stay_in_place),
        TEST(late_and_duplicate_frames_are_kept_apart),
        TEST(skipped_and_surplus_frames_have_no_place),
        TEST(a_repeated_header_changes_nothing_and_a_new_one_begins_a_new_run),
        TEST(an_armed_but_silent_new_run_ends_the_old_one),
        TEST(raw_frames_have_the_gap_of_the_plan_that_they_begin),
        TEST(a_raw_frame_of_another_depth_is_rejected),
        TEST(old_frames_before_the_awaited_header_are_stray),
        TEST(after_a_quiet_link_the_awaited_run_needs_no_header),
        TEST(without_headers_a_frame_number_one_begins_a_run),
        TEST(numbers_that_begin_again_after_999999_go_on),
        TEST(seven_digit_numbers_go_on),
        TEST(frames_of_another_format_and_absurd_numbers_are_left_out),
        TEST(a_first_frame_that_cannot_be_read_refuses_the_run),
        TEST(both_counters_are_two_images_of_one_exposure),
        TEST(counters_whose_numbers_run_on_are_understood),
        TEST(a_lost_counter_is_one_missing_image),
        TEST(a_layer_that_the_run_does_not_have_is_rejected),
        TEST(frames_of_a_serpentine_fill_chunks_backwards_and_are_not_late),
        TEST(a_shape_that_was_asked_for_beats_triggers_which_beat_what_the_screen_says),
        TEST(a_view_goes_over_and_over),
        TEST(the_next_pass_of_a_view_is_a_run_of_its_own),
        TEST(a_pass_that_misses_frames_does_not_stop_the_view),
        TEST(stopping_a_recorded_pass_ends_the_view_too),
        TEST(a_run_that_is_stopped_before_its_first_frame_is_dropped_after_a_quiet),
        TEST(frames_on_their_way_when_their_run_is_stopped_are_of_that_run),
        TEST(a_stop_that_finds_nothing_going_on_does_not_end_the_next_run),
        TEST(new_products_are_used_from_the_next_chunk_on),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
