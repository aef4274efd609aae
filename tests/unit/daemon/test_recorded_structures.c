#include "recorder_stage.h"

#include <fcntl.h>
#include <stdio.h>

#include "common/clock.h"
#include "probe_product.h"
#include "processing/stored/chunk_reader.h"

/* What a file is made of beyond a raster scan with one image per exposure: orders, passes, lists,
 * layers, geometries, arrays and what came while the run went on. */

static void begin(struct stage *stage, struct run *run)
{
    assert_int_equal(run->chunk_frames, 3);
    stage->sink.begin(stage->sink.data, run);
}

/* The run ends and its file is checked. Takes over the run. */
static void end_and_check(struct stage *stage, struct run *run, enum run_end end, const char *what)
{
    play_end(run, &stage->sink, end);
    await_finished(stage, run);
    if (run->recording->state != RECORDING_CLOSED)
        fail_msg("%s", run->recording->error);
    check_file(what, run->recording->path);
    run_unref(run);
}

/* ---- orders and passes ---- */

/* The last three frames never came: they are at the beginning of the last line. */
static void a_serpentine_scan_is_stored_by_position(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {
        .order = SCAN_ORDER_SERPENTINE, .ny = 4, .nx = 7, .skip_line = 2};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    begin(stage, run);
    for (uint64_t row = 0; row < 3; row++)
        play_line(run, &stage->sink, row);
    play_places(run, &stage->sink, 27, 1);
    play_places(run, &stage->sink, 24, 3);
    end_and_check(stage, run, RUN_END_IDLE, "serpentine");
}

static void passes_are_the_slowest_axis(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 3, .nx = 7, .repeats = 3, .skip_end = 2};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    char partial[1100];
    begin(stage, run);
    for (uint64_t row = 0; row < 5; row++)
        play_line(run, &stage->sink, row);
    await_file(run, partial);
    check_file("growing-passes", partial);
    for (uint64_t row = 5; row < 7; row++)
        play_line(run, &stage->sink, row);
    end_and_check(stage, run, RUN_END_STOPPED, "passes");
}

/* Maps that are too large to be laid out whole are written in blocks, each within one pass. */
static void passes_of_large_maps_are_written_in_blocks(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 100, .nx = 9000, .repeats = 4};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    begin(stage, run);
    const uint64_t places[] = {0, 9000 * 99 + 8997, 9000 * 100, 9000 * 399 + 8997};
    for (unsigned i = 0; i < 4; i++)
        play_places(run, &stage->sink, places[i], 3);
    end_and_check(stage, run, RUN_END_STOPPED, "large-passes");
}

/* ---- lists ---- */

static struct scan_list *spiral(void)
{
    static const uint32_t positions[][2] = {{2, 2}, {2, 3}, {1, 3}, {1, 2}, {1, 1},
                                            {2, 1}, {4, 0}, {0, 3}, {4, 3}};
    struct scan_list *list = NULL;
    struct error error = {0};
    if (scan_list_create(&list, 5, 4, positions, 9, &error) < 0)
        fail_msg("%s", error.text);
    return list;
}

/* Takes over the list's reference. */
static struct run *run_of_list(const struct stage *stage, struct scan_list *list, uint32_t repeats)
{
    const struct scan_geometry scan = {.order = SCAN_ORDER_LIST,
                                       .ny = list->ny,
                                       .nx = list->nx,
                                       .repeats = repeats,
                                       .skip_start = 1,
                                       .list = list};
    return played_run(played_plan(stage->directory, scan));
}

static void a_list_of_positions_is_a_stack_with_maps_on_its_grid(void **state)
{
    struct stage *const stage = *state;
    struct run *const run = run_of_list(stage, spiral(), 2);
    char partial[1100];
    begin(stage, run);
    play_places(run, &stage->sink, 0, 3);
    play_places(run, &stage->sink, 3, 3);
    await_file(run, partial);
    check_file("growing-list", partial);
    play_places(run, &stage->sink, 6, 3);
    play_places(run, &stage->sink, 9, 3);
    end_and_check(stage, run, RUN_END_STOPPED, "list");
}

static void a_late_frame_of_a_list_is_in_the_map(void **state)
{
    struct stage *const stage = *state;
    struct run *const run = run_of_list(stage, spiral(), 1);
    char partial[1100];
    begin(stage, run);
    play_places(run, &stage->sink, 0, 3);
    await_file(run, partial);
    play_frame(run, 1 + 6, 16, FRAME_FLAG_LATE);
    submit_extra(run, &stage->sink, 1 + 6, 16, FRAME_FLAG_LATE);
    check_file("growing-late", partial);
    end_and_check(stage, run, RUN_END_STOPPED, "late-of-list");
}

/* ---- layers ---- */

/* Image (1, 2) of counter1 never comes, nor anything of exposure 12 but its surplus counter1. */
static void each_layer_has_a_group_and_maps(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 2, .nx = 6};
    struct run *const run = played_run_of_layers(played_plan(stage->directory, scan), 2);
    begin(stage, run);
    play_line(run, &stage->sink, 0);
    for (uint64_t index = 6; index < 12; index++) {
        play_image(run, index, 0, (int64_t)index, 0);
        if (index != 8)
            play_image(run, index, 1, (int64_t)index, 0);
    }
    for (uint64_t first = 6; first < 12; first += 3) {
        submit_chunk(run, &stage->sink, first, 3, 0, (struct compressed_chunk){.n_frames = 3});
        submit_chunk(run, &stage->sink, first, 3, first == 6 ? 4 : 0,
                     (struct compressed_chunk){.layer = 1, .n_frames = first == 6 ? 2 : 3});
    }
    play_image(run, 12, 1, SCAN_POSITION_SURPLUS, FRAME_FLAG_SURPLUS);
    submit_extra_of(run, &stage->sink, 12, 1, SCAN_POSITION_SURPLUS, FRAME_FLAG_SURPLUS);
    end_and_check(stage, run, RUN_END_IDLE, "layers");
}

static void a_layer_that_never_came_is_empty(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 2, .nx = 3};
    struct run *const run = played_run_of_layers(played_plan(stage->directory, scan), 2);
    begin(stage, run);
    for (uint64_t index = 0; index < 3; index++)
        play_image(run, index, 1, (int64_t)index, 0);
    submit_chunk(run, &stage->sink, 0, 3, 0, (struct compressed_chunk){.layer = 1, .n_frames = 3});
    end_and_check(stage, run, RUN_END_IDLE, "empty-layer");
}

/* The last image of counter1 is missing: the stacks are as long as each other. */
static void stacks_of_layers_have_one_length(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.skip_start = 1};
    struct run *const run = played_run_of_layers(played_plan(stage->directory, scan), 2);
    begin(stage, run);
    play_places(run, &stage->sink, 0, 3);
    play_image(run, 4, 0, 3, 0);
    submit_chunk(run, &stage->sink, 3, 1, 0, (struct compressed_chunk){.n_frames = 1});
    end_and_check(stage, run, RUN_END_STOPPED, "stack-of-layers");
}

static void layers_of_colour_mode_are_called_layers(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 1, .nx = 3};
    struct run *const run = played_run_of_layers(played_plan(stage->directory, scan), 8);
    begin(stage, run);
    play_line(run, &stage->sink, 0);
    end_and_check(stage, run, RUN_END_LAST, "colour");
}

/* ---- geometries ---- */

static void view_through(struct run *run, const struct scan_geometry *scan, const char *source)
{
    assert_int_equal(run_set_view(run, scan, source), 0);
}

static void nudge(struct run *run, int64_t frames)
{
    struct scan_geometry scan = *run_scan(run);
    scan.shift += frames;
    view_through(run, &scan, "nudge");
}

/* Two nudges, then a list, which is nudged; what is stored is a raster all the time. */
static void the_history_of_geometries_is_in_the_file(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 2, .nx = 6, .skip_line = 1};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    struct scan_list *const list = spiral();
    const struct scan_geometry listed = {
        .order = SCAN_ORDER_LIST, .ny = 5, .nx = 4, .skip_end = 4, .list = list};
    char partial[1100];
    begin(stage, run);
    await_file(run, partial);
    nudge(run, 2);
    play_line(run, &stage->sink, 0);
    check_file("growing-history", partial);
    nudge(run, -3);
    play_line(run, &stage->sink, 1);
    view_through(run, &listed, "request");
    scan_list_unref(list);
    nudge(run, 1);
    end_and_check(stage, run, RUN_END_LAST, "history");
}

static void a_list_is_told_from_one_that_came_later(void **state)
{
    struct stage *const stage = *state;
    struct run *const run = run_of_list(stage, spiral(), 1);
    struct scan_list *const other = spiral();
    const struct scan_geometry stored = run->scan;
    struct scan_geometry listed = stored;
    listed.list = other;
    begin(stage, run);
    play_places(run, &stage->sink, 0, 3);
    view_through(run, &listed, "request");
    scan_list_unref(other);
    nudge(run, 1);
    view_through(run, &stored, "request");
    end_and_check(stage, run, RUN_END_STOPPED, "lists");
}

/* Nobody nudges a scan that often, but a script may. */
static void a_history_without_end_keeps_the_first_and_the_newest(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 1, .nx = 3};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    begin(stage, run);
    play_line(run, &stage->sink, 0);
    for (unsigned i = 0; i < 1000; i++)
        nudge(run, 1);
    end_and_check(stage, run, RUN_END_LAST, "long-history");
}

/* ---- where chunks lie ---- */

static void assert_chunk_is_found(struct chunk_reader *reader, unsigned layer, uint64_t number,
                                  uint32_t absent)
{
    struct error error = {0};
    uint32_t n_places;
    const int64_t first = stored_chunks_place(reader->run, number, &n_places);
    const int r = chunk_reader_read(reader, layer, number, &error);
    if (r < 0)
        fail_msg("chunk %u of layer %u: %d %s", (unsigned)number, layer, r, error.text);
    for (uint32_t i = 0; i < n_places; i++) {
        uint16_t expected[IMAGE_PIXELS] = {0};
        if (!(absent & 1u << i))
            played_image(
                expected,
                (uint64_t)scan_geometry_frame_at_place(&reader->run->scan, (uint64_t)first + i),
                layer);
        assert_memory_equal(reader->images + i * sizeof expected, expected, sizeof expected);
    }
}

/* Of a file that is complete: an odd length of line, two layers, a chunk that was written twice
 * with more frames, one that was written twice with the same. */
static void chunks_are_found_where_they_lie(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 40, .nx = 7, .repeats = 2};
    struct run *const run = played_run_of_layers(played_plan(stage->directory, scan), 2);
    struct chunk_reader reader;
    struct error error = {0};
    begin(stage, run);
    submit_chunk(run, &stage->sink, 7, 3, 6, (struct compressed_chunk){.n_frames = 1});
    for (uint64_t row = 0; row < 79; row++)
        play_line(run, &stage->sink, row);
    submit_chunk(run, &stage->sink, 7, 3, 0,
                 (struct compressed_chunk){.again = true, .n_frames = 0});
    play_end(run, &stage->sink, RUN_END_STOPPED);
    await_finished(stage, run);
    assert_int_equal(run->recording->state, RECORDING_CLOSED);
    if (chunk_reader_init(&reader, run, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(stored_chunks_count(run), 80 * 3);
    for (uint64_t number = 0; number < 79 * 3; number++) {
        for (unsigned layer = 0; layer < 2; layer++)
            assert_chunk_is_found(&reader, layer, number, 0);
    }
    assert_int_equal(chunk_reader_read(&reader, 0, 79 * 3, &error), -ENOENT);
    chunk_reader_finish(&reader);
    run_unref(run);
}

/* ---- stalls ---- */

/* The writer looks for stalls before it completes the file, whoever else does. */
static void stalls_are_marked_before_the_file_is_completed(void **state)
{
    struct stage *const stage = *state;
    struct run *const run = played_run(played_plan(stage->directory, (struct scan_geometry){0}));
    begin(stage, run);
    for (uint64_t first = 0; first < 600; first += 3)
        play_places(run, &stage->sink, first, 3);
    for (uint64_t index = 0; index < 600; index++) {
        struct frame_facts *const facts = frame_table_make(run->frames, index);
        facts->exposure_ns = NS_PER_MS;
        facts->timestamp_ns = UINT64_C(1700000000000000000) + index * 2 * NS_PER_MS +
                              (index > 444 ? 300 * NS_PER_MS : 0);
    }
    frame_table_make(run->frames, 444)->exposure_ns += 300 * NS_PER_MS;
    end_and_check(stage, run, RUN_END_STOPPED, "stalled");
}

/* ---- arrays, and results that came later ---- */

static void arrays_have_their_axes_and_attributes(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 2, .nx = 6};
    struct run *const run = played_run_of_layers(played_plan(stage->directory, scan), 2);
    compute(run, NULL, probe_product(run, 1, (struct probe){.name = "probe", .factor = 3}));
    begin(stage, run);
    for (uint64_t row = 0; row < 2; row++)
        play_line(run, &stage->sink, row);
    end_and_check(stage, run, RUN_END_LAST, "arrays");
}

/* After the first line "kept" is computed no more, "same" and "other" have a new product (other
 * also another type and size), "new" is added; after the last frame comes "unused". A reader that
 * has the growing file open keeps nobody out. */
static void results_that_came_later_are_in_the_file(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 2, .nx = 6};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    struct product *const kept = probe_product(run, 0, (struct probe){.name = "kept", .factor = 2});
    struct product *const same = probe_product(run, 0, (struct probe){.name = "same", .factor = 3});
    struct product *const other =
        probe_product(run, 0, (struct probe){.name = "other", .factor = 5});
    char partial[1100];
    compute(run, NULL, kept);
    compute(run, NULL, same);
    compute(run, NULL, other);
    begin(stage, run);
    await_file(run, partial);
    play_line(run, &stage->sink, 0);
    const pid_t reader = begin_check("staying-reader", partial);
    compute(run, kept, probe_product(run, 0, (struct probe){.name = "new", .factor = 7}));
    compute(run, same, probe_product(run, 0, (struct probe){.name = "same", .factor = 11}));
    compute(run, other,
            probe_product(run, 0, (struct probe){.name = "other", .factor = 13, .other = true}));
    compute(run, NULL,
            probe_product(run, 0, (struct probe){.name = "all", .factor = 1, .plain = true}));
    play_line(run, &stage->sink, 1);
    compute(run, NULL, probe_product(run, 0, (struct probe){.name = "unused", .factor = 1}));
    char mark[1200];
    snprintf(mark, sizeof mark, "%s/reader.there", stage->directory);
    while (access(mark, F_OK) != 0)
        sched_yield();
    play_end(run, &stage->sink, RUN_END_LAST);
    await_finished(stage, run);
    await_check(reader, "staying-reader");
    assert_int_equal(run->recording->state, RECORDING_CLOSED);
    check_file("late-results", run->recording->path);
    run_unref(run);
}

static void a_stack_takes_late_results_too(void **state)
{
    struct stage *const stage = *state;
    struct run *const run =
        played_run_of_layers(played_plan(stage->directory, (struct scan_geometry){0}), 2);
    char partial[1100];
    begin(stage, run);
    await_file(run, partial);
    play_places(run, &stage->sink, 0, 3);
    compute(run, NULL, probe_product(run, 1, (struct probe){.name = "new", .factor = 7}));
    play_places(run, &stage->sink, 3, 2);
    end_and_check(stage, run, RUN_END_STOPPED, "late-stack");
}

int main(void)
{
#define RECORDER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RECORDER_TEST(a_serpentine_scan_is_stored_by_position),
        RECORDER_TEST(passes_are_the_slowest_axis),
        RECORDER_TEST(passes_of_large_maps_are_written_in_blocks),
        RECORDER_TEST(a_list_of_positions_is_a_stack_with_maps_on_its_grid),
        RECORDER_TEST(a_late_frame_of_a_list_is_in_the_map),
        RECORDER_TEST(each_layer_has_a_group_and_maps),
        RECORDER_TEST(a_layer_that_never_came_is_empty),
        RECORDER_TEST(stacks_of_layers_have_one_length),
        RECORDER_TEST(layers_of_colour_mode_are_called_layers),
        RECORDER_TEST(the_history_of_geometries_is_in_the_file),
        RECORDER_TEST(a_list_is_told_from_one_that_came_later),
        RECORDER_TEST(a_history_without_end_keeps_the_first_and_the_newest),
        RECORDER_TEST(chunks_are_found_where_they_lie),
        RECORDER_TEST(stalls_are_marked_before_the_file_is_completed),
        RECORDER_TEST(arrays_have_their_axes_and_attributes),
        RECORDER_TEST(results_that_came_later_are_in_the_file),
        RECORDER_TEST(a_stack_takes_late_results_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
