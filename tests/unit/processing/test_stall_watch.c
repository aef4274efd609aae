#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "processing/run/run.h"

#define MS UINT64_C(1000000)
#define EPOCH (UINT64_C(1600000000) * 1000 * MS + 123456789)

/* A detector whose frames go straight into the table of a run: only their times matter. */
struct detector {
    struct run *run;
    uint64_t clock_ns;    /* when the next exposure begins */
    uint64_t exposure_ns; /* nominal */
    uint64_t dead_ns;     /* between two exposures; 0: continuous */
    uint64_t next;        /* index of the next frame */
    uint64_t seed;
};

struct setting {
    const char *trigger; /* Trigger Start of the HDR; NULL: there is none */
    uint64_t frames, frames_per_trigger;
    struct scan_geometry scan;
    bool find_lines, unending;
    unsigned n_layers;
    const char *counters; /* Active Counters of the HDR */
};

static struct run *run_with(const struct setting *setting)
{
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    const struct pixel_format format = frame_format(64, 64, 1);
    char hdr[500];
    snprintf(hdr, sizeof hdr,
             "HDR,\t\r\nFrames in Acquisition (Number):\t%" PRIu64 "\r\n"
             "Frames per Trigger (Number):\t%" PRIu64 "\r\n"
             "Trigger Start (Positive, Negative, Internal):\t%s\r\n%s%s\r\nEnd\t",
             setting->frames, setting->frames_per_trigger, setting->trigger,
             setting->counters ? "Active Counters:\t" : "",
             setting->counters ? setting->counters : "");
    const struct run_frames frames = {
        .format = &format,
        .n_layers = setting->n_layers ? setting->n_layers : 1,
        .hdr = setting->trigger ? (const uint8_t *)hdr : NULL,
        .hdr_size = strlen(hdr),
    };
    plan->scan = setting->scan;
    plan->find_lines = setting->find_lines;
    plan->unending = setting->unending;
    struct run *run = NULL;
    struct error error;
    assert_int_equal(run_create(&run, plan, &frames, 1, &error), 0);
    acquisition_plan_unref(plan);
    return run;
}

static struct detector detector_with(const struct setting *setting, uint64_t exposure_ns,
                                     uint64_t dead_ns)
{
    return (struct detector){
        .run = run_with(setting),
        .clock_ns = EPOCH,
        .exposure_ns = exposure_ns,
        .dead_ns = dead_ns,
    };
}

static void put_layer(struct run *run, uint64_t index, unsigned layer, uint64_t timestamp_ns,
                      uint64_t exposure_ns)
{
    struct frame_facts *const facts = frame_table_make(run->frames, index * run->n_layers + layer);
    facts->number = index + 1;
    facts->timestamp_ns = timestamp_ns;
    facts->exposure_ns = exposure_ns;
    atomic_store(&facts->state, FRAME_ANALYSED);
    frame_table_raise_end(run->frames, index + 1);
}

static void put(struct run *run, uint64_t index, uint64_t timestamp_ns, uint64_t exposure_ns)
{
    for (unsigned layer = 0; layer < run->n_layers; layer++)
        put_layer(run, index, layer, timestamp_ns, exposure_ns);
}

static void expose(struct detector *detector, uint64_t exposure_ns)
{
    put(detector->run, detector->next++, detector->clock_ns, exposure_ns);
    detector->clock_ns += exposure_ns + detector->dead_ns;
}

static void expose_many(struct detector *detector, uint64_t n)
{
    while (n-- > 0)
        expose(detector, detector->exposure_ns);
}

static void pause_for(struct detector *detector, uint64_t ns)
{
    detector->clock_ns += ns;
}

/* A frame is lost on its way: its row stays empty. */
static void lose(struct detector *detector, uint64_t n)
{
    detector->next += n;
    detector->clock_ns += n * (detector->exposure_ns + detector->dead_ns);
}

/* A number in -1..1 from a triangular distribution. */
static double jitter(struct detector *detector)
{
    const double a = (double)(frame_random(&detector->seed) >> 11) / (double)(1ull << 53);
    const double b = (double)(frame_random(&detector->seed) >> 11) / (double)(1ull << 53);
    return a + b - 1;
}

static void end(struct run *run)
{
    atomic_store(&run->pending, 0);
    run_check_stalls(run);
}

static struct stall_summary summary_of(struct run *run)
{
    struct stall_summary summary;
    stall_watch_summary(run->stalls, &summary);
    return summary;
}

/* Ends the run; exactly these frames are marked and told. */
static void assert_stalled_and_finish(struct detector *detector, unsigned n, const uint64_t *frames)
{
    struct run *const run = detector->run;
    end(run);
    unsigned marked = 0;
    for (uint64_t i = 0; i < frame_table_end(run->frames); i++) {
        const struct frame_facts *const facts = frame_table_look(run->frames, i * run->n_layers);
        if (!facts || !(atomic_load(&facts->flags) & FRAME_FLAG_STALLED))
            continue;
        if (marked >= n || frames[marked] != i)
            fail_msg("frame %" PRIu64 " is marked as held up", i);
        marked++;
    }
    assert_int_equal(marked, n);
    assert_int_equal(atomic_load(&run->counts.stalled), n * run->n_layers);
    assert_true((summary_of(run).episodes > 0) == (n > 0));
    run_unref(run);
}

#define assert_stalls(detector, ...)                                                               \
    assert_stalled_and_finish(detector, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t),      \
                              (const uint64_t[]){__VA_ARGS__})

static void assert_calm(struct detector *detector)
{
    const struct stall_summary before = summary_of(detector->run);
    assert_int_equal(before.episodes, 0);
    assert_false(before.shifted);
    assert_stalled_and_finish(detector, 0, NULL);
}

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

/* ---- what is none ---- */

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

/* ---- real files ---- */

static uint8_t *read_all(const char *directory, const char *name, size_t *size)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *const file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *const bytes = malloc(*size + 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    bytes[*size] = '\0';
    return bytes;
}

/* The times of a real file's frames, those from frame `held_up` on later by ns. */
static void put_real_frames(struct run *run, const uint8_t *bytes, size_t size, uint64_t held_up,
                            uint64_t ns)
{
    const uint8_t *at = bytes;
    for (uint64_t i = 0; at; i++) {
        struct frame_header header;
        struct error error;
        const size_t left = size - (size_t)(at - bytes);
        assert_int_equal(frame_header_parse(&header, at, left, &error), 0);
        assert_true(header.has_mq1a);
        put(run, i, header.timestamp_ns + (i >= held_up ? ns : 0), header.exposure_ns);
        at = memmem(at + 4, left - 4, "MQ1,", 4);
    }
}

static void real_frames_are_calm_but_where_they_were_held_up(void **state)
{
    static const struct {
        const char *name;
        uint64_t frames;
        bool continuous;
    } files[] = {{"001_4x2_6bit", 8, false},
                 {"Single_9_Frame_CounterDepth_1_Rows_256", 9, true},
                 {"Single_9_Frame_CounterDepth_1_Rows_256RAW", 9, true},
                 {"Single_9_Frame_CounterDepth_6_Rows_256", 9, true},
                 {"Single_9_Frame_CounterDepth_12_Rows_256", 9, true},
                 {"Single_1_Frame_CounterDepth_24_Rows_256", 1, false}};
    const char *const given = getenv("MERLIND_REAL_MIB");
    const char *const directory = given ? given : REAL_MIB;
    const struct pixel_format format = frame_format(64, 64, 1);
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        char name[200];
        size_t size, hdr_size;
        snprintf(name, sizeof name, "%s.hdr", files[i].name);
        uint8_t *const hdr = read_all(directory, name, &hdr_size);
        snprintf(name, sizeof name, "%s.mib", files[i].name);
        uint8_t *const bytes = read_all(directory, name, &size);
        if (!bytes || !hdr) {
            free(bytes);
            free(hdr);
            print_message("%s is not in %s\n", name, directory);
            skip();
        }
        for (unsigned stalls = 0; stalls < 2; stalls++) {
            struct acquisition_plan *const plan = acquisition_plan_create(0);
            const struct run_frames frames = {
                .format = &format, .n_layers = 1, .hdr = hdr, .hdr_size = hdr_size};
            struct run *run;
            struct error error;
            assert_int_equal(run_create(&run, plan, &frames, 1, &error), 0);
            put_real_frames(run, bytes, size, 4, stalls * 500 * MS);
            assert_int_equal(frame_table_end(run->frames), files[i].frames);
            end(run);
            /* A pause between exposures is how only one that is not continuous is held up. */
            const bool seen = stalls == 1 && !files[i].continuous && files[i].frames > 4;
            assert_int_equal(atomic_load(&run->counts.stalled), seen);
            assert_int_equal(summary_of(run).shifted_from, seen ? 5 : 0);
            run_unref(run);
            acquisition_plan_unref(plan);
        }
        free(bytes);
        free(hdr);
    }
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
        cmocka_unit_test(missing_frames_are_no_stall),
        cmocka_unit_test(run_that_begins_late_is_judged_too),
        cmocka_unit_test(frames_in_a_workers_hands_are_waited_for),
        cmocka_unit_test(unending_run_is_not_looked_at),
        cmocka_unit_test(every_episode_is_given_once_and_live),
        cmocka_unit_test(only_the_newest_episodes_are_kept),
        cmocka_unit_test(real_frames_are_calm_but_where_they_were_held_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
