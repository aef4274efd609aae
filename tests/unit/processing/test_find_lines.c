/* Lines of a scan found in exposures and times of frames (processing/scan/find_lines.h). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processing/scan/find_lines.h"

#define DWELL_NS 1000000.0
#define MAX_FRAMES 20000

/* A series of frames as a scan would give them. */
struct series {
    struct line_frame frames[MAX_FRAMES];
    size_t n;
    uint64_t now_ns;
    unsigned random;
    double jitter;
};

static struct series series;

static int set_up(void **state)
{
    (void)state;
    memset(&series, 0, sizeof series);
    series.now_ns = 1700000000000000000;
    series.random = 1;
    return 0;
}

static double random_between(double low, double high)
{
    series.random = series.random * 1103515245 + 12345;
    return low + (high - low) * (double)(series.random >> 8 & 0xffff) / 65535.0;
}

/* A frame of `dwells` usual exposures. */
static void add(double dwells)
{
    assert_true(series.n < MAX_FRAMES);
    const double ns = DWELL_NS * dwells * random_between(1 - series.jitter, 1 + series.jitter);
    series.frames[series.n++] =
        (struct line_frame){.exposure_ns = (uint64_t)ns, .timestamp_ns = series.now_ns};
    series.now_ns += (uint64_t)ns;
}

static void add_many(unsigned n, double dwells)
{
    for (unsigned i = 0; i < n; i++)
        add(dwells);
}

struct shape {
    unsigned before; /* frames of usual exposure before the scan */
    unsigned lines, nx, flyback;
    double first, last, back; /* dwells of first, last and flyback frames */
};

static void scan(const struct shape *shape)
{
    add_many(shape->before, 1);
    for (unsigned y = 0; y < shape->lines; y++) {
        add(shape->first);
        add_many(shape->nx - 2, 1);
        add(shape->last);
        add_many(shape->flyback, shape->back);
    }
}

static void expect(uint32_t asked, uint64_t start, uint32_t nx, uint32_t flyback, uint64_t lines)
{
    struct found_lines found = {0};
    struct error error = {0};
    if (find_lines(&found, series.frames, series.n, asked, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(found.nx, nx);
    assert_int_equal(found.skip_line, flyback);
    assert_int_equal(found.skip_start, start);
    assert_int_equal(found.lines, lines);
}

static void refuse(uint32_t asked, int code, const char *words)
{
    struct found_lines found;
    struct error error = {0};
    assert_int_equal(find_lines(&found, series.frames, series.n, asked, &error), code);
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.text, words));
}

static void a_long_flyback_frame_ends_each_line(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 10, .nx = 16, .flyback = 1, .first = 1, .last = 1, .back = 6});
    expect(0, 0, 16, 1, 10);
    expect(16, 0, 16, 1, 10);
}

static void one_frame_too_many_that_is_long_is_the_flyback(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 10, .nx = 16, .flyback = 1, .first = 1, .last = 1, .back = 2});
    expect(16, 0, 16, 1, 10);
}

static void first_frame_twice_as_long_is_no_flyback(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 8, .nx = 12, .first = 2, .last = 1});
    expect(0, 0, 12, 0, 8);
    expect(12, 0, 12, 0, 8);
}

static void last_frame_twice_as_long_too(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 8, .nx = 12, .first = 2, .last = 2});
    expect(0, 0, 12, 0, 8);
    expect(12, 0, 12, 0, 8);
}

static void usual_flyback_between_long_edges(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 8, .nx = 12, .flyback = 3, .first = 2, .last = 2, .back = 1});
    expect(0, 0, 12, 3, 8);
    expect(12, 0, 12, 3, 8);
}

static void usual_flyback_before_a_long_first_frame(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 8, .nx = 12, .flyback = 3, .first = 2, .last = 1, .back = 1});
    expect(12, 0, 12, 3, 8);
}

static void several_long_flyback_frames(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 8, .nx = 12, .flyback = 4, .first = 1, .last = 1, .back = 2});
    expect(0, 0, 12, 4, 8);
    expect(12, 0, 12, 4, 8);
}

static void very_long_flyback_beside_long_edges(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 8, .nx = 12, .flyback = 2, .first = 2, .last = 2, .back = 5});
    expect(0, 0, 12, 2, 8);
    expect(12, 0, 12, 2, 8);
}

static void frames_before_the_scan_are_skipped(void **state)
{
    (void)state;
    scan(&(struct shape){
        .before = 37, .lines = 8, .nx = 12, .flyback = 1, .first = 1, .last = 1, .back = 6});
    expect(0, 37, 12, 1, 8);
    set_up(NULL);
    scan(&(struct shape){.before = 37, .lines = 8, .nx = 12, .first = 2, .last = 1});
    expect(0, 37, 12, 0, 8);
}

static void a_piece_of_a_line_before_the_first_whole_one_is_skipped(void **state)
{
    (void)state;
    add_many(5, 1);
    add(6);
    scan(&(struct shape){.lines = 8, .nx = 12, .flyback = 1, .first = 1, .last = 1, .back = 6});
    expect(0, 6, 12, 1, 8);
}

static void a_piece_of_the_flyback_before_the_first_line_is_skipped(void **state)
{
    (void)state;
    add_many(2, 6);
    scan(&(struct shape){.lines = 8, .nx = 12, .flyback = 3, .first = 1, .last = 1, .back = 6});
    expect(0, 2, 12, 3, 8);
}

static void jitter_of_a_few_per_cent_does_not_matter(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < 50; seed++) {
        set_up(NULL);
        series.random = seed;
        series.jitter = 0.05;
        scan(&(struct shape){
            .before = 3, .lines = 6, .nx = 16, .flyback = 2, .first = 2, .last = 2, .back = 4});
        expect(0, 3, 16, 2, 6);
    }
}

static void missing_frames_do_not_matter(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 20, .nx = 16, .flyback = 1, .first = 1, .last = 1, .back = 6});
    for (size_t i = 7; i < series.n; i += 13)
        series.frames[i] = (struct line_frame){0};
    expect(0, 0, 16, 1, 20);
}

static void a_detector_held_up_now_and_then_does_not_matter(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 40, .nx = 16, .flyback = 1, .first = 1, .last = 1, .back = 6});
    series.frames[3].exposure_ns *= 40;
    series.frames[300].exposure_ns *= 9;
    expect(0, 0, 16, 1, 40);
}

static void a_pause_without_frames_begins_a_line(void **state)
{
    (void)state;
    for (unsigned y = 0; y < 8; y++) {
        add_many(10, 1);
        series.now_ns += (uint64_t)(4 * DWELL_NS);
    }
    expect(0, 0 + 10, 10, 0, 7); /* nothing tells of the first line but that it came before */
}

static void a_pause_and_one_frame_too_many(void **state)
{
    (void)state;
    add_many(1, 1);
    for (unsigned y = 0; y < 8; y++) {
        series.now_ns += (uint64_t)(4 * DWELL_NS);
        add_many(10, 1);
    }
    expect(9, 1, 9, 1, 8);
}

static void a_held_up_detector_does_not_hide_pauses(void **state)
{
    (void)state;
    add_many(1, 1);
    for (unsigned y = 0; y < 8; y++) {
        series.now_ns += (uint64_t)(9 * DWELL_NS);
        add_many(10, 1);
    }
    series.frames[25].exposure_ns *= 4;
    expect(0, 1, 10, 0, 8);
}

static void no_line_is_seen_in_even_frames(void **state)
{
    (void)state;
    series.jitter = 0.05;
    add_many(1000, 1);
    refuse(0, -EINVAL, "nothing tells where a line begins");
}

static void no_line_is_seen_in_random_long_frames(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        add(random_between(0, 1) < 0.03 ? 3 : 1);
    refuse(0, -EINVAL, "not at regular distances");
}

static void a_line_shorter_than_asked_for_is_refused(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 8, .nx = 12, .flyback = 1, .first = 1, .last = 1, .back = 6});
    refuse(14, -EINVAL, "13 frames, which are fewer than the 14 positions");
}

static void too_few_lines_may_be_tried_again(void **state)
{
    (void)state;
    scan(&(struct shape){.lines = 3, .nx = 12, .flyback = 1, .first = 1, .last = 1, .back = 6});
    refuse(0, -EAGAIN, "four lines");
    series.n = 0;
    refuse(0, -EAGAIN, "no frame");
}

static void frames_without_exposure_or_time_tell_nothing(void **state)
{
    (void)state;
    series.n = 500;
    refuse(0, -EINVAL, "nothing tells");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_long_flyback_frame_ends_each_line, set_up),
        cmocka_unit_test_setup(one_frame_too_many_that_is_long_is_the_flyback, set_up),
        cmocka_unit_test_setup(first_frame_twice_as_long_is_no_flyback, set_up),
        cmocka_unit_test_setup(last_frame_twice_as_long_too, set_up),
        cmocka_unit_test_setup(usual_flyback_between_long_edges, set_up),
        cmocka_unit_test_setup(usual_flyback_before_a_long_first_frame, set_up),
        cmocka_unit_test_setup(several_long_flyback_frames, set_up),
        cmocka_unit_test_setup(very_long_flyback_beside_long_edges, set_up),
        cmocka_unit_test_setup(frames_before_the_scan_are_skipped, set_up),
        cmocka_unit_test_setup(a_piece_of_a_line_before_the_first_whole_one_is_skipped, set_up),
        cmocka_unit_test_setup(a_piece_of_the_flyback_before_the_first_line_is_skipped, set_up),
        cmocka_unit_test_setup(jitter_of_a_few_per_cent_does_not_matter, set_up),
        cmocka_unit_test_setup(missing_frames_do_not_matter, set_up),
        cmocka_unit_test_setup(a_detector_held_up_now_and_then_does_not_matter, set_up),
        cmocka_unit_test_setup(a_pause_without_frames_begins_a_line, set_up),
        cmocka_unit_test_setup(a_pause_and_one_frame_too_many, set_up),
        cmocka_unit_test_setup(a_held_up_detector_does_not_hide_pauses, set_up),
        cmocka_unit_test_setup(no_line_is_seen_in_even_frames, set_up),
        cmocka_unit_test_setup(no_line_is_seen_in_random_long_frames, set_up),
        cmocka_unit_test_setup(a_line_shorter_than_asked_for_is_refused, set_up),
        cmocka_unit_test_setup(too_few_lines_may_be_tried_again, set_up),
        cmocka_unit_test_setup(frames_without_exposure_or_time_tell_nothing, set_up),
    };
    return cmocka_run_group_tests_name("find_lines", tests, NULL, NULL);
}
