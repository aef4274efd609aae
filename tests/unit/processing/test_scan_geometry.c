#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "processing/scan/scan_geometry.h"

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

/* Every position once, every frame that has one found again. */
static void check_round_trip(const struct scan_geometry *scan)
{
    uint64_t visits = 0;
    for (uint64_t index = 0; index < scan_geometry_frames(scan) + 5; index++) {
        assert_int_equal(scan_geometry_positions_before(scan, index), visits);
        const int64_t position = scan_geometry_position(scan, index);
        if (position < 0)
            continue;
        visits++;
        assert_int_equal(scan_geometry_frame_index(scan, (uint64_t)position), index);
        const int64_t place = scan_geometry_place(scan, index);
        assert_int_equal(scan_geometry_frame_at_place(scan, (uint64_t)place), index);
    }
    assert_int_equal(visits, scan_geometry_visits(scan));
}

static void a_serpentine_goes_back_on_odd_lines(void **state)
{
    const struct scan_geometry scan = {
        .order = SCAN_ORDER_SERPENTINE, .ny = 3, .nx = 3, .skip_line = 1};
    static const int64_t expected[] = {0, 1, 2, -1, 5, 4, 3, -1, 6, 7, 8, -1, -2};
    for (uint64_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(scan_geometry_position(&scan, i), expected[i]);
    check_round_trip(&scan);
}

static void repeats_are_the_slowest_axis(void **state)
{
    const struct scan_geometry scan = {
        .ny = 2, .nx = 2, .repeats = 3, .skip_start = 1, .skip_line = 1, .skip_end = 2};
    static const int64_t expected[] = {-1, 0, 1, -1, 2, 3, -1, -1, -1, 4, 5};
    for (uint64_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(scan_geometry_position(&scan, i), expected[i]);
    assert_int_equal(scan_geometry_positions(&scan), 12);
    assert_int_equal(scan_geometry_frames(&scan), 1 + 3 * 8);
    check_round_trip(&scan);
    const struct scan_geometry odd = {
        .order = SCAN_ORDER_SERPENTINE, .ny = 3, .nx = 4, .repeats = 2, .skip_end = 1};
    check_round_trip(&odd);
}

static void a_list_visits_its_positions_in_order(void **state)
{
    static const uint32_t positions[][2] = {{2, 1}, {0, 0}, {1, 3}};
    struct scan_list *list;
    struct error error = {0};
    assert_int_equal(scan_list_create(&list, 3, 4, positions, 3, &error), 0);
    const struct scan_geometry scan = {
        .order = SCAN_ORDER_LIST, .ny = 3, .nx = 4, .repeats = 2, .skip_end = 1, .list = list};
    static const int64_t expected[] = {9, 0, 7, -1, 21, 12, 19, -1, -2};
    for (uint64_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(scan_geometry_position(&scan, i), expected[i]);
    assert_int_equal(scan_geometry_frame_index(&scan, 5), -1);
    assert_int_equal(scan_geometry_place(&scan, 5), 4);
    assert_true(scan_geometry_is_stack(&scan));
    check_round_trip(&scan);
    scan_list_unref(list);
}

static void a_list_with_a_wrong_position_is_refused(void **state)
{
    static const uint32_t outside[][2] = {{0, 1}, {3, 0}}, twice[][2] = {{1, 1}, {0, 0}, {1, 1}};
    struct scan_list *list;
    struct error error = {0};
    assert_int_equal(scan_list_create(&list, 3, 4, outside, 2, &error), -EINVAL);
    assert_non_null(strstr(error.text, "[3, 0]"));
    assert_int_equal(scan_list_create(&list, 3, 4, twice, 3, &error), -EINVAL);
    assert_non_null(strstr(error.text, "twice"));
    assert_int_equal(scan_list_create(&list, 3, 4, twice, 0, &error), -EINVAL);
}

static void a_shift_moves_every_frame(void **state)
{
    const struct scan_geometry later = {.ny = 2, .nx = 3, .shift = 2};
    const struct scan_geometry earlier = {.ny = 2, .nx = 3, .skip_start = 1, .shift = -2};
    assert_int_equal(scan_geometry_position(&later, 1), SCAN_POSITION_SKIPPED);
    assert_int_equal(scan_geometry_position(&later, 2), 0);
    assert_int_equal(scan_geometry_frame_index(&later, 5), 7);
    assert_int_equal(scan_geometry_position(&earlier, 0), 1);
    assert_int_equal(scan_geometry_frame_index(&earlier, 0), -1);
    assert_int_equal(scan_geometry_frame_index(&earlier, 3), 2);
    assert_int_equal(scan_geometry_frames(&later), 6);
}

static void an_unending_scan_begins_again(void **state)
{
    const struct scan_geometry scan = {
        .ny = 2, .nx = 3, .skip_line = 1, .skip_start = 1, .repeats = SCAN_REPEATS_UNENDING};
    assert_int_equal(scan_geometry_pass_frames(&scan), 8);
    assert_int_equal(scan_geometry_positions(&scan), 6);
    assert_int_equal(scan_geometry_frames(&scan), 0);
    for (uint64_t i = 1; i < 40; i++) {
        assert_int_equal(scan_geometry_position(&scan, i + 8), scan_geometry_position(&scan, i));
        assert_int_equal(scan_geometry_begins_pass(&scan, i), i % 8 == 1);
    }
}

/* Chunks follow each other in time, lie on one line and hold what belongs to them. */
static void check_chunks(const struct scan_geometry *scan, uint32_t k, uint64_t n_frames)
{
    struct scan_chunk before = {0};
    for (uint64_t index = 0; index < n_frames; index++) {
        if (scan_geometry_position(scan, index) < 0)
            continue;
        struct scan_chunk chunk;
        scan_geometry_chunk(scan, k, index, &chunk);
        const int64_t place = scan_geometry_place(scan, index);
        assert_true(chunk.order >= before.order);
        assert_true(place >= chunk.first_place && place < chunk.first_place + chunk.n);
        assert_true(chunk.n >= 1 && chunk.n <= k);
        if (chunk.order == before.order && index > 0)
            assert_int_equal(chunk.first_place, before.first_place);
        before = chunk;
    }
}

static void chunks_follow_each_other_in_time(void **state)
{
    static const uint32_t positions[][2] = {{2, 1}, {0, 0}, {1, 3}, {0, 3}, {2, 3}};
    struct scan_list *list;
    assert_int_equal(scan_list_create(&list, 3, 4, positions, 5, NULL), 0);
    const struct scan_geometry scans[] = {
        {.ny = 3, .nx = 7, .skip_start = 1, .skip_line = 2},
        {.order = SCAN_ORDER_SERPENTINE, .ny = 3, .nx = 7, .repeats = 3, .skip_end = 1},
        {.order = SCAN_ORDER_LIST, .ny = 3, .nx = 4, .repeats = 2, .list = list},
        {.ny = 3, .nx = 5, .repeats = SCAN_REPEATS_UNENDING},
        {.skip_start = 2},
    };
    for (size_t i = 0; i < sizeof scans / sizeof *scans; i++) {
        for (uint32_t k = 1; k <= 8; k++)
            check_chunks(&scans[i], k, 200);
    }
    scan_list_unref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_a_raster_fill_positions_in_order),
        cmocka_unit_test(skipped_frames_have_no_position),
        cmocka_unit_test(frame_index_is_the_inverse_of_position),
        cmocka_unit_test(positions_before_a_frame_are_those_of_the_frames_before_it),
        cmocka_unit_test(a_stack_has_a_position_for_every_frame),
        cmocka_unit_test(a_serpentine_goes_back_on_odd_lines),
        cmocka_unit_test(repeats_are_the_slowest_axis),
        cmocka_unit_test(a_list_visits_its_positions_in_order),
        cmocka_unit_test(a_list_with_a_wrong_position_is_refused),
        cmocka_unit_test(a_shift_moves_every_frame),
        cmocka_unit_test(an_unending_scan_begins_again),
        cmocka_unit_test(chunks_follow_each_other_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
