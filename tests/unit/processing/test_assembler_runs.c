#include "assembler_stage.h"

/* When runs begin and end. */

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_repeated_header_changes_nothing_and_a_new_one_begins_a_new_run),
        TEST(an_armed_but_silent_new_run_ends_the_old_one),
        TEST(old_frames_before_the_awaited_header_are_stray),
        TEST(after_a_quiet_link_the_awaited_run_needs_no_header),
        TEST(without_headers_a_frame_number_one_begins_a_run),
        TEST(a_first_frame_that_cannot_be_read_refuses_the_run),
        TEST(a_view_goes_over_and_over),
        TEST(the_next_pass_of_a_view_is_a_run_of_its_own),
        TEST(a_pass_that_misses_frames_does_not_stop_the_view),
        TEST(stopping_a_recorded_pass_ends_the_view_too),
        TEST(a_run_that_is_stopped_before_its_first_frame_is_dropped_after_a_quiet),
        TEST(frames_on_their_way_when_their_run_is_stopped_are_of_that_run),
        TEST(a_stop_that_finds_nothing_going_on_does_not_end_the_next_run),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
