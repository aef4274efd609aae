#include "stall_stage.h"

/* What looks like a stall and is none. */

static const struct setting line_triggered = {"Positive", 64 * 32, 64, {.ny = 32, .nx = 64}};
static const struct setting pixel_triggered = {"Negative", 64 * 32, 1, {.ny = 32, .nx = 64}};
static const struct setting untriggered = {"Internal", 64 * 32, 1, {.ny = 32, .nx = 64}};

static void lines_pause_by_design(void **state)
{
    const struct setting settings[] = {
        line_triggered, pixel_triggered, {NULL, 0, 0, {.ny = 32, .nx = 64}}};
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned continuous = 0; continuous < 2; continuous++) {
            struct detector detector = detector_with(&settings[i], MS, continuous ? 0 : MS / 2);
            for (int line = 0; line < 32; line++) {
                pause_for(&detector, (uint64_t)(20 + line % 3) * MS);
                expose_many(&detector, 64);
            }
            run_check_stalls(detector.run);
            assert_calm(&detector);
        }
    }
}

static void line_triggers_may_come_when_they_like(void **state)
{
    struct detector detector = detector_with(&line_triggered, MS, MS / 10);
    for (int line = 0; line < 32; line++) {
        pause_for(&detector, line == 17 ? 30000 * MS : (uint64_t)(line % 5) * 20 * MS);
        expose_many(&detector, 64);
    }
    assert_calm(&detector);
}

static void first_and_last_frames_of_lines_may_take_twice_the_dwell(void **state)
{
    const struct setting settings[] = {line_triggered, pixel_triggered, untriggered};
    for (unsigned i = 0; i < 3; i++) {
        struct detector detector = detector_with(&settings[i], MS, 0);
        for (int line = 0; line < 32; line++) {
            expose(&detector, 2 * MS);
            expose_many(&detector, 62);
            expose(&detector, 21 * MS / 10);
        }
        run_check_stalls(detector.run);
        assert_calm(&detector);
    }
}

static void flyback_frames_have_exposures_of_their_own(void **state)
{
    const struct setting setting = {
        "Positive", 32 * 66 + 5, 1, {.ny = 32, .nx = 64, .skip_line = 2, .skip_start = 5}};
    struct detector detector = detector_with(&setting, MS, 0);
    expose(&detector, 700 * MS);
    expose_many(&detector, 4);
    for (int line = 0; line < 32; line++) {
        expose_many(&detector, 64);
        expose(&detector, 35 * MS + (uint64_t)(line % 7) * MS);
        expose(&detector, 5 * MS);
    }
    run_check_stalls(detector.run);
    assert_calm(&detector);
}

static void frames_after_a_pass_have_exposures_of_their_own(void **state)
{
    const struct setting setting = {
        "Positive", 3 * 102, 1, {.ny = 10, .nx = 10, .repeats = 3, .skip_end = 2}};
    struct detector detector = detector_with(&setting, MS, 0);
    for (int pass = 0; pass < 3; pass++) {
        expose_many(&detector, 100);
        expose(&detector, (uint64_t)(pass + 1) * 1000 * MS);
        expose(&detector, 10 * MS);
    }
    assert_calm(&detector);
}

static void exposures_of_external_triggers_differ_by_some_per_cent(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct detector detector = detector_with(&pixel_triggered, 905 * MS / 1000, 0);
        for (int frame = 0; frame < 2048; frame++) {
            const double exposure = 905000 + 9000 * jitter(&detector);
            expose(&detector, (uint64_t)exposure);
            if (i == 1) /* not continuous: the scan generator decides when */
                detector.clock_ns += 95000 + (uint64_t)(50000 + 50000 * jitter(&detector));
        }
        run_check_stalls(detector.run);
        assert_calm(&detector);
    }
}

static void scan_generators_pixels_may_take_their_time_but_not_three_times_it(void **state)
{
    struct detector detector = detector_with(&pixel_triggered, MS, MS / 10);
    for (int frame = 0; frame < 2048; frame++) {
        pause_for(&detector, frame % 11 == 10 ? MS : frame == 1001 ? 4 * MS : 0);
        expose(&detector, MS);
    }
    assert_stalls(&detector, 1001);
}

static void lines_that_nobody_knows_are_recognised_by_their_recurrence(void **state)
{
    const struct setting settings[] = {
        {"Positive", 32 * 66, 1, {.ny = 0}},
        {"Internal", 32 * 66, 1, {.ny = 0}, .find_lines = true},
        {"Positive", 32 * 66, 32 * 66, {.ny = 0}, .find_lines = true},
        {NULL, 0, 0, {.ny = 0}},
    };
    for (unsigned i = 0; i < 4; i++) {
        struct detector detector = detector_with(&settings[i], MS, 0);
        for (int line = 0; line < 32; line++) {
            for (int frame = 0; frame < 64; frame++)
                expose(&detector, line == 20 && frame == 30 ? 40 * MS : MS);
            expose(&detector, 15 * MS);
            expose(&detector, (uint64_t)(5 + line % 2) * MS);
            run_check_stalls(detector.run);
        }
        assert_stalls(&detector, 20 * 66 + 30);
    }
}

static void odd_frames_that_do_not_recur_are_stalls_even_where_lines_are_unknown(void **state)
{
    const struct setting setting = {"Positive", 32 * 66, 1, {.ny = 0}};
    struct detector detector = detector_with(&setting, MS, 0);
    static const uint64_t stalls[] = {100, 101, 230, 700, 703};
    for (unsigned i = 0; i < 5; i++) {
        expose_many(&detector, stalls[i] - detector.next);
        expose(&detector, 30 * MS);
    }
    expose_many(&detector, 50);
    run_check_stalls(detector.run);
    const struct scan_geometry still_unknown = {.shift = 1};
    assert_int_equal(run_set_view(detector.run, &still_unknown, "nudge"), 0);
    run_check_stalls(detector.run);
    assert_int_equal(summary_of(detector.run).episodes, 0);
    assert_stalled_and_finish(&detector, 5, stalls);
}

static void odd_frame_is_told_when_no_other_follows_for_long(void **state)
{
    const struct setting setting = {"Positive", 100000, 1, {.ny = 0}};
    struct detector detector = detector_with(&setting, MS, 0);
    expose_many(&detector, 100);
    expose(&detector, 30 * MS);
    expose_many(&detector, 20000);
    run_check_stalls(detector.run);
    assert_int_equal(summary_of(detector.run).episodes, 1);
    assert_stalls(&detector, 100);
}

static void lines_that_are_found_later_explain_odd_frames(void **state)
{
    const struct setting setting = {"Positive", 32 * 65, 1, {.ny = 0}, .find_lines = true};
    struct detector detector = detector_with(&setting, MS, 0);
    for (int line = 0; line < 32; line++) {
        for (int frame = 0; frame < 64; frame++)
            expose(&detector,
                   (line == 1 && frame == 30) || (line == 25 && frame == 0) ? 40 * MS : MS);
        expose(&detector, 15 * MS);
        run_check_stalls(detector.run);
        if (line >= 2) { /* as found: the number of lines grows */
            const struct scan_geometry found = {.ny = (uint32_t)line, .nx = 64, .skip_line = 1};
            assert_int_equal(run_set_view(detector.run, &found, "exposures"), 0);
        }
    }
    assert_int_equal(summary_of(detector.run).episodes, 2);
    assert_stalls(&detector, 65 + 30, 25 * 65);
}

static void lines_that_are_found_while_a_rhythm_is_learned_explain_the_first_frames(void **state)
{
    const struct setting setting = {"Positive", 32 * 65, 1, {.ny = 0}, .find_lines = true};
    const struct scan_geometry found = {.ny = 32, .nx = 64, .skip_line = 1};
    struct detector detector = detector_with(&setting, MS, 0);
    for (unsigned line = 0; line < 32; line++) {
        expose(&detector, 2 * MS);
        expose_many(&detector, 4);
        if (line == 0) /* too few to tell what is usual */
            run_check_stalls(detector.run);
        if (line == 5)
            assert_int_equal(run_set_view(detector.run, &found, "exposures"), 0);
        expose_many(&detector, 59);
        expose(&detector, 9 * MS);
    }
    assert_calm(&detector);
}

static void lines_that_were_nudged_begin_elsewhere(void **state)
{
    struct detector detector = detector_with(&pixel_triggered, MS, 0);
    const struct scan_geometry nudged = {.ny = 32, .nx = 64, .shift = 3};
    assert_int_equal(run_set_view(detector.run, &nudged, "nudge"), 0);
    expose_many(&detector, 3);
    for (int line = 0; line < 31; line++) {
        expose(&detector, 2 * MS);
        expose_many(&detector, 63);
    }
    assert_calm(&detector);
}

static void lines_that_are_nudged_in_the_middle_are_learned_anew(void **state)
{
    struct detector detector = detector_with(&pixel_triggered, MS, 0);
    const struct scan_geometry nudged = {.ny = 32, .nx = 64, .shift = 3};
    uint64_t stalls[12];
    expose_many(&detector, 3);
    for (unsigned line = 0; line < 24; line++) {
        if (line < 12)
            stalls[line] = detector.next;
        expose(&detector, 25 * MS / 10);
        expose_many(&detector, 63);
        run_check_stalls(detector.run);
        if (line == 11)
            assert_int_equal(run_set_view(detector.run, &nudged, "nudge"), 0);
    }
    assert_stalled_and_finish(&detector, 12, stalls);
}

static void clock_that_is_set_is_no_stall(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct detector detector = detector_with(&untriggered, MS, i * MS / 2);
        expose_many(&detector, 300);
        detector.clock_ns -= 3600 * UINT64_C(1000000000);
        expose_many(&detector, 300);
        detector.clock_ns += 3600 * UINT64_C(1000000000);
        expose_many(&detector, 300);
        run_check_stalls(detector.run);
        assert_calm(&detector);
    }
}

static void frames_without_times_tell_nothing(void **state)
{
    struct detector detector = detector_with(&line_triggered, 0, 0);
    for (uint64_t i = 0; i < 500; i++)
        put(detector.run, i, 0, 0);
    run_check_stalls(detector.run);
    assert_calm(&detector);
}

static void exposures_alone_are_enough_for_continuous_readout(void **state)
{
    struct detector detector = detector_with(&line_triggered, 0, 0);
    for (uint64_t i = 0; i < 500; i++)
        put(detector.run, i, 0, i == 333 ? 5 * MS : MS);
    assert_stalls(&detector, 333);
}

static void clock_that_stands_still_tells_nothing(void **state)
{
    struct setting setting = untriggered;
    setting.counters = "Counter 0";
    for (unsigned stride = 2; stride <= 100; stride *= 7) {
        struct detector detector = detector_with(&setting, MS, 0);
        for (uint64_t i = 0; i < 500; i++)
            put(detector.run, i, EPOCH + i / stride * stride * MS, MS);
        run_check_stalls(detector.run);
        assert_calm(&detector);
    }
}

static void coarse_clock_ticks_and_nothing_stalls(void **state)
{
    static const uint64_t ticks[] = {10 * MS, MS, MS / 10};
    for (unsigned i = 0; i < 3; i++) {
        for (uint64_t exposure = 250000; exposure < 3 * MS; exposure += 130000) {
            struct setting setting = untriggered;
            setting.counters = exposure % 20000 ? "Counter 0" : NULL;
            struct detector detector = detector_with(&setting, exposure, 0);
            uint64_t time = EPOCH;
            for (uint64_t frame = 0; frame < 500; frame++, time += exposure + exposure / 10)
                put(detector.run, frame, time / ticks[i] * ticks[i], exposure);
            run_check_stalls(detector.run);
            assert_calm(&detector);
        }
    }
}

static void nonsense_times_do_no_harm(void **state)
{
    static const uint64_t nonsense[] = {1, UINT64_MAX, UINT64_MAX / 2, 0, INT64_MAX, 1ull << 51};
    struct detector detector = detector_with(&untriggered, MS, MS / 2);
    for (uint64_t i = 0; i < 600; i++)
        put(detector.run, i, nonsense[i % 6], nonsense[i * 7 % 11 % 6]);
    end(detector.run);
    run_unref(detector.run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_pause_by_design),
        cmocka_unit_test(line_triggers_may_come_when_they_like),
        cmocka_unit_test(first_and_last_frames_of_lines_may_take_twice_the_dwell),
        cmocka_unit_test(flyback_frames_have_exposures_of_their_own),
        cmocka_unit_test(frames_after_a_pass_have_exposures_of_their_own),
        cmocka_unit_test(exposures_of_external_triggers_differ_by_some_per_cent),
        cmocka_unit_test(scan_generators_pixels_may_take_their_time_but_not_three_times_it),
        cmocka_unit_test(lines_that_nobody_knows_are_recognised_by_their_recurrence),
        cmocka_unit_test(odd_frames_that_do_not_recur_are_stalls_even_where_lines_are_unknown),
        cmocka_unit_test(odd_frame_is_told_when_no_other_follows_for_long),
        cmocka_unit_test(lines_that_are_found_later_explain_odd_frames),
        cmocka_unit_test(lines_that_are_found_while_a_rhythm_is_learned_explain_the_first_frames),
        cmocka_unit_test(lines_that_were_nudged_begin_elsewhere),
        cmocka_unit_test(lines_that_are_nudged_in_the_middle_are_learned_anew),
        cmocka_unit_test(clock_that_is_set_is_no_stall),
        cmocka_unit_test(frames_without_times_tell_nothing),
        cmocka_unit_test(exposures_alone_are_enough_for_continuous_readout),
        cmocka_unit_test(clock_that_stands_still_tells_nothing),
        cmocka_unit_test(coarse_clock_ticks_and_nothing_stalls),
        cmocka_unit_test(nonsense_times_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
