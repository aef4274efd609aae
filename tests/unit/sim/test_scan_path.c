/* Which position each frame of the synthetic scan shows, and when it is exposed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detector/sim/scan_path.h"

#define NONE UINT64_MAX

static void assert_shows(const struct scan_path *path, uint64_t index, uint64_t expected)
{
    uint64_t position = NONE;
    const bool shown = scan_path_position(path, index, &position);
    if ((shown ? position : NONE) != expected)
        fail_msg("frame %llu shows %lld and not %lld", (unsigned long long)index,
                 (long long)(shown ? position : NONE), (long long)expected);
}

static void assert_way(const struct scan_path *path, const uint64_t *expected, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_shows(path, i, expected[i]);
}

#define ASSERT_WAY(path, ...)                                                                      \
    assert_way(path, (const uint64_t[]){__VA_ARGS__},                                              \
               sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void passes_follow_each_other(void **state)
{
    const struct scan_path path = {.ny = 2, .nx = 3};
    ASSERT_WAY(&path, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0);
    assert_int_equal(scan_path_pass_frames(&path), 6);
    assert_shows(&path, 6000000000000, 0);
}

static void odd_lines_run_backwards_and_each_pass_begins_anew(void **state)
{
    const struct scan_path path = {.ny = 3, .nx = 2, .serpentine = true};
    ASSERT_WAY(&path, 0, 1, 3, 2, 4, 5, 0, 1, 3, 2);
}

static void frames_without_position_come_at_start_line_and_end(void **state)
{
    const struct scan_path path = {
        .ny = 2, .nx = 2, .flyback = 1, .skip_start = 2, .skip_end = 3, .serpentine = true};
    assert_int_equal(scan_path_pass_frames(&path), 9);
    assert_int_equal(scan_path_first_pass_frames(&path), 11);
    ASSERT_WAY(&path, NONE, NONE, 0, 1, NONE, 3, 2, NONE, NONE, NONE, NONE, 0, 1, NONE, 3, 2, NONE);
}

static void the_specimen_moves_from_pass_to_pass(void **state)
{
    const struct scan_path path = {.ny = 2, .nx = 3, .drift_y = 1, .drift_x = -1};
    /* What was at (0, 0) is at (1, 2) in the second pass and at (0, 1) in the third. */
    assert_shows(&path, 6 + 5, 0);
    assert_shows(&path, 12 + 1, 0);
    assert_shows(&path, 18 + 3, 0);
    assert_shows(&path, 6, 4);
}

static void assert_stretch(const struct scan_path *path, uint64_t index, uint64_t longer,
                           uint64_t later)
{
    uint64_t longer_ns, later_ns;
    scan_path_stretch(path, index, 1000, &longer_ns, &later_ns);
    assert_int_equal(longer_ns, longer);
    assert_int_equal(later_ns, later);
}

static void longer_exposures_put_off_all_that_follows(void **state)
{
    const struct scan_path path = {.ny = 2,
                                   .nx = 2,
                                   .flyback = 1,
                                   .skip_start = 1,
                                   .skip_end = 1,
                                   .line_exposure = 1.5,
                                   .flyback_exposure = 3};
    static const uint64_t expected[][2] = {
        {0, 0},                               /* before the first line */
        {500, 0},    {0, 500},  {2000, 500},  /* the first line and its flyback */
        {500, 2500}, {0, 3000}, {2000, 3000}, /* the second */
        {0, 5000},                            /* after the pass */
        {500, 5000}, {0, 5500},               /* and anew */
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_stretch(&path, i, expected[i][0], expected[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_follow_each_other),
        cmocka_unit_test(odd_lines_run_backwards_and_each_pass_begins_anew),
        cmocka_unit_test(frames_without_position_come_at_start_line_and_end),
        cmocka_unit_test(the_specimen_moves_from_pass_to_pass),
        cmocka_unit_test(longer_exposures_put_off_all_that_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
