#include "stall_stage.h"

static const struct setting line_triggered = {"Positive", 64 * 32, 64, {.ny = 32, .nx = 64}};
static const struct setting pixel_triggered = {"Negative", 64 * 32, 1, {.ny = 32, .nx = 64}};
static const struct setting untriggered = {"Internal", 64 * 32, 1, {.ny = 32, .nx = 64}};
static const struct setting shapeless = {"Internal", 2048, 1, {.ny = 0}};

/* ---- what is found ---- */

static void lengthened_exposure_of_continuous_readout_is_a_stall(void **state)
{
    struct detector detector = detector_with(&untriggered, MS, 0);
    expose_many(&detector, 100);
    expose(&detector, 6 * MS);
    expose_many(&detector, 400);
    run_check_stalls(detector.run);
    assert_int_equal(atomic_load(&detector.run->counts.stalled), 1);
    const struct stall_summary summary = summary_of(detector.run);
    assert_int_equal(summary.episodes, 1);
    assert_int_equal(summary.held_up_ns, 5 * MS);
    assert_false(summary.shifted);
    assert_stalls(&detector, 100);
}

static void pause_between_exposures_is_a_stall_of_the_frame_after_it(void **state)
{
    /* 24 bits at 180 MHz: 1.09 ms of readout. */
    struct detector detector = detector_with(&untriggered, MS, 1095 * MS / 1000);
    expose_many(&detector, 200);
    pause_for(&detector, 700000);
    expose_many(&detector, 200);
    run_check_stalls(detector.run);
    assert_int_equal(summary_of(detector.run).held_up_ns, 700000);
    assert_stalls(&detector, 200);
}

static void pause_is_a_stall_where_the_header_says_that_readout_is_not_continuous(void **state)
{
    static const char *const counters[] = {"Counter 0", "Alternating", NULL};
    for (unsigned i = 0; i < 3; i++) {
        struct setting setting = untriggered;
        setting.counters = counters[i];
        struct detector detector = detector_with(&setting, MS, 0);
        expose_many(&detector, 500);
        pause_for(&detector, 5 * MS);
        expose_many(&detector, 500);
        if (i == 0)
            assert_stalls(&detector, 500);
        else
            assert_calm(&detector);
    }
}

static void exposure_a_quarter_longer_is_a_stall_and_a_seventh_is_not(void **state)
{
    struct detector detector = detector_with(&untriggered, MS, 0);
    expose_many(&detector, 70);
    expose(&detector, 1250000);
    expose_many(&detector, 8);
    expose(&detector, 1150000);
    expose_many(&detector, 70);
    assert_stalls(&detector, 70);
}

static void stalls_among_the_very_first_frames_are_found(void **state)
{
    struct detector detector = detector_with(&shapeless, MS, 0);
    expose(&detector, 50 * MS);
    expose(&detector, MS);
    expose(&detector, 30 * MS);
    expose_many(&detector, 20);
    assert_stalls(&detector, 0, 2);
}

static void first_frames_of_lines_are_held_against_each_other(void **state)
{
    struct detector detector = detector_with(&line_triggered, MS, 0);
    for (int line = 0; line < 32; line++) {
        expose(&detector, line == 5 || line == 20 ? 90 * MS : 2 * MS);
        expose(&detector, line == 6 ? 10 * MS : MS);
        expose_many(&detector, 61);
        expose(&detector, line == 7 ? 80 * MS : 2 * MS);
        pause_for(&detector, 3 * MS);
        run_check_stalls(detector.run);
    }
    assert_int_equal(summary_of(detector.run).shifted_from, 6 * 64);
    assert_stalls(&detector, 5 * 64, 6 * 64 + 1, 7 * 64 + 63, 20 * 64);
}

static void scan_of_two_lines_is_held_against_its_inside(void **state)
{
    const struct setting setting = {"Positive", 32, 16, {.ny = 2, .nx = 16}};
    struct detector detector = detector_with(&setting, MS, 0);
    expose_many(&detector, 16);
    expose(&detector, 40 * MS);
    expose_many(&detector, 14);
    expose(&detector, 2 * MS);
    assert_stalls(&detector, 16);
}

static void short_pause_between_two_lines_is_none_and_a_long_one_is_a_stall(void **state)
{
    const struct setting setting = {"Internal", 32, 1, {.ny = 2, .nx = 16}};
    for (unsigned i = 0; i < 2; i++) {
        struct detector detector = detector_with(&setting, MS, MS / 2);
        expose_many(&detector, 16);
        pause_for(&detector, i == 0 ? 2 * MS : 5 * MS);
        expose_many(&detector, 16);
        if (i == 0)
            assert_calm(&detector);
        else
            assert_stalls(&detector, 16);
    }
}

static void all_images_of_a_held_up_exposure_are_marked(void **state)
{
    const struct setting setting = {"Internal", 100, 1, {.ny = 10, .nx = 10}, .n_layers = 2};
    struct detector detector = detector_with(&setting, MS, 0);
    expose_many(&detector, 55);
    expose(&detector, 9 * MS);
    expose_many(&detector, 44);
    run_check_stalls(detector.run);
    assert_true(frame_table_look(detector.run->frames, 111)->flags & FRAME_FLAG_STALLED);
    assert_false(frame_table_look(detector.run->frames, 112)->flags & FRAME_FLAG_STALLED);
    assert_stalls(&detector, 55);
}

static void exposure_of_which_an_image_is_lost_is_judged_by_the_first(void **state)
{
    const struct setting setting = {"Internal", 100, 1, {.ny = 10, .nx = 10}, .n_layers = 2};
    struct detector detector = detector_with(&setting, MS, 0);
    expose_many(&detector, 55);
    put_layer(detector.run, detector.next++, 0, detector.clock_ns, 9 * MS);
    detector.clock_ns += 9 * MS;
    expose_many(&detector, 44);
    end(detector.run);
    assert_int_equal(atomic_load(&detector.run->counts.stalled), 1);
    assert_true(frame_table_look(detector.run->frames, 110)->flags & FRAME_FLAG_STALLED);
    run_unref(detector.run);
}

/* ---- triggers that were lost ---- */

static void line_triggered_scan_may_be_shifted_from_the_next_line(void **state)
{
    struct detector detector = detector_with(&line_triggered, MS, 0);
    for (int line = 0; line < 32; line++) {
        expose_many(&detector, 30);
        expose(&detector, line == 9 || line == 12 ? 12 * MS : MS);
        expose_many(&detector, 33);
        pause_for(&detector, 10 * MS);
    }
    run_check_stalls(detector.run);
    const struct stall_summary summary = summary_of(detector.run);
    assert_int_equal(summary.episodes, 2);
    assert_true(summary.shifted);
    assert_int_equal(summary.shifted_from, 10 * 64);
    assert_stalls(&detector, 9 * 64 + 30, 12 * 64 + 30);
}

static void pixel_triggered_scan_may_be_shifted_from_the_next_frame(void **state)
{
    struct detector detector = detector_with(&pixel_triggered, MS, 0);
    expose_many(&detector, 500);
    expose(&detector, 12 * MS);
    expose_many(&detector, 500);
    run_check_stalls(detector.run);
    assert_true(summary_of(detector.run).shifted);
    assert_int_equal(summary_of(detector.run).shifted_from, 501);
    assert_stalls(&detector, 500);
}

static void no_trigger_is_lost_where_one_starts_the_whole_scan(void **state)
{
    const struct setting setting = {"Rising Edge", 2048, 2048, {.ny = 32, .nx = 64}};
    struct detector detector = detector_with(&setting, MS, 0);
    expose_many(&detector, 500);
    expose(&detector, 12 * MS);
    expose_many(&detector, 500);
    run_check_stalls(detector.run);
    assert_int_equal(summary_of(detector.run).episodes, 1);
    assert_false(summary_of(detector.run).shifted);
    assert_stalls(&detector, 500);
}

static void nothing_is_shifted_by_a_stall_in_the_last_line(void **state)
{
    struct detector detector = detector_with(&line_triggered, MS, 0);
    expose_many(&detector, 31 * 64 + 10);
    expose(&detector, 12 * MS);
    expose_many(&detector, 53);
    end(detector.run);
    assert_int_equal(summary_of(detector.run).episodes, 1);
    assert_false(summary_of(detector.run).shifted);
    run_unref(detector.run);
}

/* ---- frames that are not there ---- */

static void missing_frames_are_no_stall(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct detector detector = detector_with(&untriggered, MS, i * MS / 2);
        for (int line = 0; line < 16; line++) {
            expose_many(&detector, 50);
            lose(&detector, (uint64_t)line * 7);
        }
        run_check_stalls(detector.run);
        assert_calm(&detector);
    }
}

static void run_that_begins_late_is_judged_too(void **state)
{
    struct detector detector = detector_with(&shapeless, MS, 0);
    detector.next = 999989;
    expose_many(&detector, 3000);
    expose(&detector, 20 * MS);
    expose_many(&detector, 3000);
    for (int look = 0; look < 10; look++)
        run_check_stalls(detector.run);
    assert_int_equal(summary_of(detector.run).episodes, 1);
    assert_stalls(&detector, 1002989);
}

static void frames_in_a_workers_hands_are_waited_for(void **state)
{
    struct detector detector = detector_with(&shapeless, MS, MS / 2);
    expose_many(&detector, 40);
    const uint64_t begun_ns = detector.clock_ns;
    lose(&detector, 3);
    expose_many(&detector, 5);
    run_check_stalls(detector.run);
    put(detector.run, 40, begun_ns, MS);
    put(detector.run, 41, begun_ns + 3 * MS / 2, MS);
    run_check_stalls(detector.run);
    put(detector.run, 42, begun_ns + 40 * MS, MS); /* comes last, and is the one held up */
    run_check_stalls(detector.run);
    assert_int_equal(summary_of(detector.run).episodes, 1);
    assert_stalls(&detector, 42);
}

static void unending_run_is_not_looked_at(void **state)
{
    const struct setting setting = {
        "Internal", 0, 1, {.ny = 4, .nx = 16, .repeats = SCAN_REPEATS_UNENDING}, .unending = true};
    struct detector detector = detector_with(&setting, MS, 0);
    assert_true(detector.run->recycle > 0);
    expose_many(&detector, 30);
    expose(&detector, 50 * MS);
    expose_many(&detector, 30);
    run_check_stalls(detector.run);
    assert_calm(&detector);
}

/* ---- episodes ---- */

static void every_episode_is_given_once_and_live(void **state)
{
    struct detector detector = detector_with(&shapeless, MS, 0);
    struct stall_episode episodes[8];
    uint64_t from = 0;
    expose_many(&detector, 20);
    expose(&detector, 4 * MS);
    expose(&detector, 5 * MS);
    expose_many(&detector, 20);
    run_check_stalls(detector.run);
    assert_int_equal(stall_watch_episodes(detector.run->stalls, &from, episodes, 8), 1);
    assert_int_equal(from, 0);
    assert_int_equal(episodes[0].first, 20);
    assert_int_equal(episodes[0].last, 21);
    assert_int_equal(episodes[0].held_up_ns, 7 * MS);
    from++;
    expose(&detector, 11 * MS);
    run_check_stalls(detector.run);
    assert_int_equal(stall_watch_episodes(detector.run->stalls, &from, episodes, 8), 1);
    assert_int_equal(episodes[0].first, 42);
    from++;
    expose(&detector, 13 * MS); /* what was given does not change any more */
    end(detector.run);
    assert_int_equal(stall_watch_episodes(detector.run->stalls, &from, episodes, 8), 1);
    assert_int_equal(episodes[0].first, 43);
    assert_int_equal(episodes[0].held_up_ns, 12 * MS);
    from++;
    assert_int_equal(stall_watch_episodes(detector.run->stalls, &from, episodes, 8), 0);
    assert_stalls(&detector, 20, 21, 42, 43);
}

static void only_the_newest_episodes_are_kept(void **state)
{
    const struct setting setting = {"Internal", 20000, 1, {.ny = 0}};
    struct detector detector = detector_with(&setting, MS, 0);
    struct stall_episode episodes[2000];
    for (int i = 0; i < 1500; i++) {
        expose_many(&detector, 10);
        expose(&detector, 2 * MS);
    }
    run_check_stalls(detector.run);
    uint64_t from = 0;
    assert_int_equal(stall_watch_episodes(detector.run->stalls, &from, episodes, 2000), 1024);
    assert_int_equal(from, 476);
    assert_int_equal(episodes[1023].first, 1499 * 11 + 10);
    assert_int_equal(summary_of(detector.run).episodes, 1500);
    assert_int_equal(summary_of(detector.run).held_up_ns, 1500 * MS);
    run_unref(detector.run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengthened_exposure_of_continuous_readout_is_a_stall),
        cmocka_unit_test(pause_between_exposures_is_a_stall_of_the_frame_after_it),
        cmocka_unit_test(pause_is_a_stall_where_the_header_says_that_readout_is_not_continuous),
        cmocka_unit_test(exposure_a_quarter_longer_is_a_stall_and_a_seventh_is_not),
        cmocka_unit_test(stalls_among_the_very_first_frames_are_found),
        cmocka_unit_test(first_frames_of_lines_are_held_against_each_other),
        cmocka_unit_test(scan_of_two_lines_is_held_against_its_inside),
        cmocka_unit_test(short_pause_between_two_lines_is_none_and_a_long_one_is_a_stall),
        cmocka_unit_test(all_images_of_a_held_up_exposure_are_marked),
        cmocka_unit_test(exposure_of_which_an_image_is_lost_is_judged_by_the_first),
        cmocka_unit_test(line_triggered_scan_may_be_shifted_from_the_next_line),
        cmocka_unit_test(pixel_triggered_scan_may_be_shifted_from_the_next_frame),
        cmocka_unit_test(no_trigger_is_lost_where_one_starts_the_whole_scan),
        cmocka_unit_test(nothing_is_shifted_by_a_stall_in_the_last_line),
        cmocka_unit_test(missing_frames_are_no_stall),
        cmocka_unit_test(run_that_begins_late_is_judged_too),
        cmocka_unit_test(frames_in_a_workers_hands_are_waited_for),
        cmocka_unit_test(unending_run_is_not_looked_at),
        cmocka_unit_test(every_episode_is_given_once_and_live),
        cmocka_unit_test(only_the_newest_episodes_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
