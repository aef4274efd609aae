#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/scan_geometry.h"

static void frames_of_a_raster_fill_positions_in_order(void **state)
{
    const struct scan_geometry scan = {.ny = 3, .nx = 4};
    for (uint64_t i = 0; i < 12; i++) {
        assert_int_equal(scan_geometry_position(&scan, i), i);
        assert_int_equal(scan_geometry_frame_index(&scan, i), i);
    }
    assert_int_equal(scan_geometry_position(&scan, 12), SCAN_POSITION_SURPLUS);
    assert_int_equal(scan_geometry_frames(&scan), 12);
}

static void skipped_frames_have_no_position(void **state)
{
    const struct scan_geometry scan = {
        .ny = 2, .nx = 3, .skip_start = 2, .skip_line = 1, .skip_end = 2};
    static const int64_t expected[] = {-1, -1, 0, 1, 2, -1, 3, 4, 5, -1, -1, -1, -2, -2};
    for (uint64_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(scan_geometry_position(&scan, i), expected[i]);
    assert_int_equal(scan_geometry_frames(&scan), 12);
    assert_int_equal(scan_geometry_positions(&scan), 6);
}

static void frame_index_is_the_inverse_of_position(void **state)
{
    const struct scan_geometry scan = {.ny = 5, .nx = 7, .skip_start = 3, .skip_line = 2};
    for (uint64_t position = 0; position < 35; position++) {
        const uint64_t index = scan_geometry_frame_index(&scan, position);
        assert_int_equal(scan_geometry_position(&scan, index), position);
    }
}

static void positions_before_a_frame_are_those_of_the_frames_before_it(void **state)
{
    const struct scan_geometry scan = {
        .ny = 3, .nx = 4, .skip_start = 1, .skip_line = 2, .skip_end = 1};
    uint64_t n = 0;
    for (uint64_t index = 0; index < 30; index++) {
        assert_int_equal(scan_geometry_positions_before(&scan, index), n);
        n += scan_geometry_position(&scan, index) >= 0;
    }
}

static void a_stack_has_a_position_for_every_frame(void **state)
{
    const struct scan_geometry scan = {.skip_start = 2};
    assert_int_equal(scan_geometry_position(&scan, 1), SCAN_POSITION_SKIPPED);
    assert_int_equal(scan_geometry_position(&scan, 5000000000), 4999999998);
    assert_int_equal(scan_geometry_frame_index(&scan, 7), 9);
    assert_int_equal(scan_geometry_frames(&scan), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_a_raster_fill_positions_in_order),
        cmocka_unit_test(skipped_frames_have_no_position),
        cmocka_unit_test(frame_index_is_the_inverse_of_position),
        cmocka_unit_test(positions_before_a_frame_are_those_of_the_frames_before_it),
        cmocka_unit_test(a_stack_has_a_position_for_every_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
