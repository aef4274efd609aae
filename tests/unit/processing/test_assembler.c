#include "assembler_stage.h"

/* Which place a frame gets, and which frames get none. */

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
        TEST(raw_frames_have_the_gap_of_the_plan_that_they_begin),
        TEST(a_raw_frame_of_another_depth_is_rejected),
        TEST(numbers_that_begin_again_after_999999_go_on),
        TEST(seven_digit_numbers_go_on),
        TEST(frames_of_another_format_and_absurd_numbers_are_left_out),
        TEST(both_counters_are_two_images_of_one_exposure),
        TEST(counters_whose_numbers_run_on_are_understood),
        TEST(a_lost_counter_is_one_missing_image),
        TEST(a_layer_that_the_run_does_not_have_is_rejected),
        TEST(frames_of_a_serpentine_fill_chunks_backwards_and_are_not_late),
        TEST(a_shape_that_was_asked_for_beats_triggers_which_beat_what_the_screen_says),
        TEST(new_products_are_used_from_the_next_chunk_on),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
