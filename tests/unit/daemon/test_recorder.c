#include "recorder_stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef DISK_STEP_KIB
#    define DISK_STEP_KIB 84
#endif

static unsigned files_in(const char *directory, const char *suffix)
{
    DIR *const entries = opendir(directory);
    unsigned n = 0;
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        const size_t length = strlen(entry->d_name), end = strlen(suffix);
        n += entry->d_name[0] != '.' && length >= end &&
             strcmp(entry->d_name + length - end, suffix) == 0;
    }
    closedir(entries);
    return n;
}

static uint64_t value_of(_Atomic uint64_t *counter)
{
    return atomic_load(counter);
}

static const struct scan_geometry no_shape = {0};

/* ---- whole runs ---- */

/* 4 lines of 7 in chunks of 3: chunk (1, 0) never comes, frame (2, 1) comes late, frame (2, 6)
 * never; flyback, surplus and a duplicate. */
static void play_eventful_scan(struct run *run, const struct chunk_sink *sink)
{
    assert_int_equal(run->chunk_frames, 3);
    for (uint64_t index = 0; index < 2; index++) {
        play_frame(run, index, SCAN_POSITION_SKIPPED, FRAME_FLAG_SKIPPED);
        submit_extra(run, sink, index, SCAN_POSITION_SKIPPED, FRAME_FLAG_SKIPPED);
    }
    for (uint64_t position = 0; position < 28; position++) {
        if ((position >= 7 && position < 10) || position == 15 || position == 20)
            continue;
        play_frame(run, (uint64_t)scan_geometry_frame_index(&run->scan, position),
                   (int64_t)position, 0);
    }
    for (uint64_t row = 0; row < 4; row++) {
        for (uint64_t x = 0; x < 7; x += 3) {
            const uint64_t first = row * 7 + x;
            const uint32_t n = x == 6 ? 1 : 3;
            if (first == 7 || first == 20)
                continue;
            if (first == 14) {
                submit_chunk(run, sink, first, n, 6, (struct compressed_chunk){.n_frames = 1});
                submit_chunk(run, sink, first, n, 2,
                             (struct compressed_chunk){.n_frames = 1, .again = true});
                continue;
            }
            submit_chunk(run, sink, first, n, 0, (struct compressed_chunk){.n_frames = n});
        }
    }
    const uint64_t late = (uint64_t)scan_geometry_frame_index(&run->scan, 15);
    play_frame(run, late, 15, FRAME_FLAG_LATE);
    submit_extra(run, sink, late, 15, FRAME_FLAG_LATE);
    const uint64_t twice = (uint64_t)scan_geometry_frame_index(&run->scan, 3);
    atomic_fetch_or(&frame_table_make(run->frames, twice)->flags, FRAME_FLAG_DUPLICATE);
    submit_extra(run, sink, twice, 3, FRAME_FLAG_DUPLICATE);
    play_frame(run, 34, SCAN_POSITION_SURPLUS, FRAME_FLAG_SURPLUS);
    submit_extra(run, sink, 34, SCAN_POSITION_SURPLUS, FRAME_FLAG_SURPLUS);
}

static void a_scan_with_losses_is_recorded_exactly(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 4, .nx = 7, .skip_start = 2, .skip_line = 1};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    stage->sink.begin(stage->sink.data, run);
    assert_true(stage->sink.wants(stage->sink.data, run));
    play_eventful_scan(run, &stage->sink);
    play_end(run, &stage->sink, RUN_END_IDLE);
    await_finished(stage, run);
    assert_int_equal(run->recording->state, RECORDING_CLOSED);
    assert_int_equal(value_of(&run->counts.recorded), 24);
    assert_int_equal(value_of(&run->counts.unrecorded), 0);
    assert_int_equal(value_of(&run->counts.extra_recorded), 4);
    assert_true(run->recording->bytes_raw > run->recording->bytes_written);
    assert_int_equal(files_in(stage->directory, ".partial"), 0);
    assert_int_equal(run->recording->path[0], '/');
    check_file("eventful-scan", run->recording->path);
    run_unref(run);
}

static void a_run_without_a_shape_is_a_stack_as_long_as_its_frames(void **state)
{
    struct stage *const stage = *state;
    struct run *const run = played_run(played_plan(stage->directory, no_shape));
    stage->sink.begin(stage->sink.data, run);
    for (uint64_t first = 0; first < 11; first += 3) {
        const uint32_t n = first == 9 ? 2 : 3;
        for (uint64_t index = first; index < first + n; index++)
            play_frame(run, index, (int64_t)index, 0);
        submit_chunk(run, &stage->sink, first, n, 0, (struct compressed_chunk){.n_frames = n});
    }
    play_end(run, &stage->sink, RUN_END_STOPPED);
    await_finished(stage, run);
    assert_int_equal(run->recording->state, RECORDING_CLOSED);
    check_file("stack", run->recording->path);
    run_unref(run);
}

static void readers_see_a_growing_file(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 6, .nx = 6};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    char partial[sizeof run->recording->path];
    stage->sink.begin(stage->sink.data, run);
    for (uint64_t row = 0; row < 3; row++)
        play_line(run, &stage->sink, row);
    await_file(run, partial);
    check_file("growing", partial);
    for (uint64_t row = 3; row < 6; row++)
        play_line(run, &stage->sink, row);
    play_end(run, &stage->sink, RUN_END_LAST);
    await_finished(stage, run);
    check_file("whole", run->recording->path);
    run_unref(run);
}

static void two_runs_may_overlap(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 6, .nx = 6};
    struct run *const first = played_run(played_plan(stage->directory, scan));
    struct run *const second = played_run(played_plan(stage->directory, scan));
    stage->sink.begin(stage->sink.data, first);
    for (uint64_t row = 0; row < 3; row++)
        play_line(first, &stage->sink, row);
    stage->sink.begin(stage->sink.data, second);
    for (uint64_t row = 0; row < 6; row++)
        play_line(second, &stage->sink, row);
    for (uint64_t row = 3; row < 6; row++)
        play_line(first, &stage->sink, row);
    play_end(first, &stage->sink, RUN_END_NEXT_RUN);
    await_finished(stage, first);
    play_end(second, &stage->sink, RUN_END_LAST);
    await_finished(stage, second);
    assert_string_not_equal(first->recording->path, second->recording->path);
    check_file("whole", first->recording->path);
    check_file("whole", second->recording->path);
    run_unref(first);
    run_unref(second);
}

static void a_run_that_is_not_recorded_finishes_like_any_other(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 2, .nx = 6};
    struct acquisition_plan *const plan = played_plan(stage->directory, scan);
    plan->recording.enabled = false;
    struct run *const run = played_run(plan);
    stage->sink.begin(stage->sink.data, run);
    assert_false(stage->sink.wants(stage->sink.data, run));
    play_line(run, &stage->sink, 0);
    play_end(run, &stage->sink, RUN_END_STOPPED);
    await_finished(stage, run);
    assert_int_equal(run->recording->state, RECORDING_OFF);
    assert_int_equal(value_of(&run->counts.unrecorded), 6);
    assert_int_equal(files_in(stage->directory, ""), 0);
    run_unref(run);
}

/* ---- names ---- */

static void put_file(const char *path, const char *text)
{
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_file_says(const char *path, const char *text)
{
    char content[32] = "";
    FILE *const file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(content, sizeof content, file));
    fclose(file);
    assert_string_equal(content, text);
}

static struct run *record_short_run(struct stage *stage, uint64_t started_ns)
{
    const struct scan_geometry scan = {.ny = 1, .nx = 3};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    run->started_ns = started_ns;
    stage->sink.begin(stage->sink.data, run);
    play_line(run, &stage->sink, 0);
    play_end(run, &stage->sink, RUN_END_LAST);
    await_finished(stage, run);
    return run;
}

static void files_that_are_there_are_never_overwritten(void **state)
{
    struct stage *const stage = *state;
    const uint64_t started_ns = UINT64_C(1700000000000000000);
    setenv("TZ", "UTC", 1);
    tzset();
    char first[200], second[200];
    snprintf(first, sizeof first, "%s/merlin_20231114-221320_001.h5", stage->directory);
    snprintf(second, sizeof second, "%s/merlin_20231114-221320_002.h5.partial", stage->directory);
    put_file(first, "precious");
    put_file(second, "also");
    struct run *const run = record_short_run(stage, started_ns);
    assert_non_null(strstr(run->recording->path, "/merlin_20231114-221320_003.h5"));
    run_unref(run);
    struct run *const next = record_short_run(stage, started_ns);
    assert_non_null(strstr(next->recording->path, "/merlin_20231114-221320_004.h5"));
    run_unref(next);
    assert_file_says(first, "precious");
    assert_file_says(second, "also");
}

static void a_final_name_taken_meanwhile_is_not_overwritten(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 6, .nx = 6};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    run->started_ns = UINT64_C(1700000000000000000);
    setenv("TZ", "UTC", 1);
    tzset();
    stage->sink.begin(stage->sink.data, run);
    for (uint64_t row = 0; row < 6; row++)
        play_line(run, &stage->sink, row);
    while (files_in(stage->directory, ".partial") == 0)
        sched_yield();
    char path[200];
    snprintf(path, sizeof path, "%s/merlin_20231114-221320_001.h5", stage->directory);
    put_file(path, "precious");
    play_end(run, &stage->sink, RUN_END_LAST);
    await_finished(stage, run);
    assert_file_says(path, "precious");
    assert_int_equal(run->recording->state, RECORDING_FAILED);
    assert_non_null(strstr(run->recording->path, "_001.h5.partial"));
    check_file("whole", run->recording->path);
    run_unref(run);
}

/* ---- failures ---- */

static void assert_fails_to_open(struct stage *stage, const char *directory, const char *reason)
{
    const struct scan_geometry scan = {.ny = 40, .nx = 6};
    struct run *const run = played_run(played_plan(directory, scan));
    stage->sink.begin(stage->sink.data, run);
    for (uint64_t row = 0; row < 40; row++)
        play_line(run, &stage->sink, row);
    submit_extra(run, &stage->sink, 240, SCAN_POSITION_SURPLUS, FRAME_FLAG_SURPLUS);
    play_end(run, &stage->sink, RUN_END_LAST);
    await_finished(stage, run);
    assert_false(stage->sink.wants(stage->sink.data, run));
    assert_int_equal(run->recording->state, RECORDING_FAILED);
    assert_non_null(strstr(run->recording->error, reason));
    assert_string_equal(run->recording->path, "");
    assert_int_equal(value_of(&run->counts.recorded), 0);
    assert_int_equal(value_of(&run->counts.unrecorded), 240);
    assert_int_equal(value_of(&run->counts.extra_unrecorded), 1);
    run_unref(run);
}

static void a_directory_that_cannot_be_used_costs_the_file_but_not_the_run(void **state)
{
    struct stage *const stage = *state;
    char path[200];
    snprintf(path, sizeof path, "%s/nowhere", stage->directory);
    assert_fails_to_open(stage, path, "/nowhere: No such file or directory");
    assert_fails_to_open(stage, "/proc/self", "cannot create /proc/");
    struct run *const run = record_short_run(stage, 1);
    assert_int_equal(run->recording->state, RECORDING_CLOSED);
    run_unref(run);
}

/* Noise does not compress: the file grows until something gives. */
static void submit_noise(struct run *run, const struct chunk_sink *sink, uint64_t first)
{
    uint16_t *const images = malloc((size_t)run->chunk_frames * IMAGE_PIXELS * 2);
    assert_non_null(images);
    static uint32_t seed = 1;
    for (size_t i = 0; i < (size_t)run->chunk_frames * IMAGE_PIXELS; i++)
        images[i] = (uint16_t)((seed = seed * 1664525 + 1013904223) >> 16);
    for (uint32_t i = 0; i < run->chunk_frames; i++)
        play_frame(run, first + i, (int64_t)(first + i), 0);
    submit_images(
        run, sink, images, (size_t)run->chunk_frames * IMAGE_PIXELS * 2,
        &(struct compressed_chunk){.first_place = (int64_t)first, .n_frames = run->chunk_frames});
    free(images);
}

/* Records noise until the file system refuses; the run must end and the numbers add up. */
static struct run *record_until_it_fails(struct stage *stage, const char *directory,
                                         const char *reason)
{
    const struct scan_geometry scan = {.ny = 3000, .nx = 3};
    struct run *const run = played_run(played_plan(directory, scan));
    stage->sink.begin(stage->sink.data, run);
    for (uint64_t row = 0; row < 3000; row++)
        submit_noise(run, &stage->sink, row * 3);
    play_end(run, &stage->sink, RUN_END_LAST);
    await_finished(stage, run);
    assert_int_equal(run->recording->state, RECORDING_FAILED);
    assert_non_null(strstr(run->recording->error, reason));
    assert_non_null(strstr(run->recording->error, run->recording->path));
    const uint64_t recorded = value_of(&run->counts.recorded);
    assert_int_equal(recorded + value_of(&run->counts.unrecorded), 9000);
    assert_in_range(recorded, 300, 8999);
    return run;
}

static int lift_limit(void **state)
{
    const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    return tear_down(state);
}

static void a_file_that_cannot_be_closed_ends_recording_but_nothing_else(void **state)
{
    struct stage *const stage = *state;
    const struct rlimit limit = {1500000, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct run *const run = record_until_it_fails(stage, stage->directory, "File too large");
    assert_fails_to_open(stage, stage->directory, "restart merlind");
    struct error error = {0};
    assert_int_equal(recording_check(&run->plan->recording, 1, NULL, &error), -EIO);
    run_unref(run);
}

static int take_disk_away(void **state)
{
    struct stage *const stage = *state;
    char directory[200];
    snprintf(directory, sizeof directory, "%s/small", stage->directory);
    umount2(directory, MNT_DETACH);
    rmdir(directory);
    return tear_down(state);
}

static void fill_disk_of(struct stage *stage, const char *directory, unsigned kib)
{
    char option[32], what[64], partial[1100];
    snprintf(option, sizeof option, "size=%uk", kib);
    assert_int_equal(mount("none", directory, "tmpfs", MS_REMOUNT, option), 0);
    struct run *const run = record_until_it_fails(stage, directory, "free space there");
    snprintf(partial, sizeof partial, "%s", run->recording->path);
    snprintf(what, sizeof what, "broken-off:%u", (unsigned)value_of(&run->counts.recorded) / 3);
    run_unref(run);
    check_file(what, partial);
    assert_int_equal(unlink(partial), 0);
}

static void a_full_disk_costs_the_rest_but_not_what_is_there(void **state)
{
    struct stage *const stage = *state;
    char directory[200];
    snprintf(directory, sizeof directory, "%s/small", stage->directory);
    assert_int_equal(mkdir(directory, 0700), 0);
    if (mount("none", directory, "tmpfs", 0, "size=5m") < 0) {
        print_message("skipped: a small tmpfs cannot be mounted here (%s)\n", strerror(errno));
        skip();
    }
    /* The disk fills up at different places: in a chunk, a table, the library's own records. */
    for (unsigned kib = 4200; kib <= 5300; kib += DISK_STEP_KIB) /* all of it takes 5500 */
        fill_disk_of(stage, directory, kib);
}

/* ---- the filter ---- */

static hid_t open_data(const char *path, hid_t *file)
{
    *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(*file >= 0);
    const hid_t dataset = H5Dopen2(*file, "/entry/data/data", H5P_DEFAULT);
    assert_true(dataset >= 0);
    return dataset;
}

static herr_t read_all(const char *path, uint16_t *images)
{
    hid_t file;
    const hid_t dataset = open_data(path, &file);
    const herr_t r = H5Dread(dataset, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, images);
    H5Dclose(dataset);
    H5Fclose(file);
    return r;
}

static void our_own_filter_reads_back_and_refuses_damage(void **state)
{
    struct stage *const stage = *state;
    struct run *const run = record_short_run(stage, 1);
    uint16_t images[3 * IMAGE_PIXELS], expected[IMAGE_PIXELS];
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    assert_true(read_all(run->recording->path, images) >= 0);
    played_image(expected, 2, 0);
    assert_memory_equal(images + 2 * IMAGE_PIXELS, expected, sizeof expected);

    hid_t file;
    haddr_t address;
    hsize_t size;
    const hsize_t offset[4] = {0};
    unsigned mask;
    const hid_t dataset = open_data(run->recording->path, &file);
    assert_true(H5Dget_chunk_info_by_coord(dataset, offset, &mask, &address, &size) >= 0);
    H5Dclose(dataset);
    H5Fclose(file);
    /* Every byte of the Blosc header in turn, and its size field to something huge. */
    const int descriptor = open(run->recording->path, O_RDWR);
    for (unsigned i = 0; i < 16; i++) {
        uint8_t byte, damaged;
        assert_int_equal(pread(descriptor, &byte, 1, (off_t)(address + i)), 1);
        damaged = byte ^ 0x7f;
        assert_int_equal(pwrite(descriptor, &damaged, 1, (off_t)(address + i)), 1);
        const herr_t r = read_all(run->recording->path, images);
        if (i >= 4)
            assert_true(r < 0);
        assert_int_equal(pwrite(descriptor, &byte, 1, (off_t)(address + i)), 1);
    }
    close(descriptor);
    run_unref(run);
}

/* ---- buffers ---- */

static void buffers_return_to_the_pool(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 200, .nx = 6};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    struct recorder_load load;
    stage->sink.begin(stage->sink.data, run);
    /* Many more chunks than buffers: acquire has to wait for the writer. */
    for (uint64_t row = 0; row < 200; row++)
        play_line(run, &stage->sink, row);
    play_end(run, &stage->sink, RUN_END_LAST);
    await_finished(stage, run);
    recorder_load(stage->recorder, &load);
    assert_int_equal(load.waiting, 0);
    assert_in_range(load.buffers, 4, 400 / 4);
    struct compressed_chunk *const chunk = stage->sink.acquire(stage->sink.data, 1 << 20);
    assert_true(chunk->capacity >= 1 << 20);
    assert_int_equal((uintptr_t)chunk->bytes % 64, 0);
    assert_int_equal(chunk->n_frames, 0);
    recorder_load(stage->recorder, &load);
    assert_int_equal(load.waiting, 1);
    chunk->run = run;
    stage->sink.submit(stage->sink.data, chunk);
    recorder_destroy(stage->recorder);
    stage->recorder = NULL;
    run_unref(run);
}

static void destroying_completes_what_was_handed_over(void **state)
{
    struct stage *const stage = *state;
    const struct scan_geometry scan = {.ny = 6, .nx = 6};
    struct run *const run = played_run(played_plan(stage->directory, scan));
    stage->sink.begin(stage->sink.data, run);
    for (uint64_t row = 0; row < 6; row++)
        play_line(run, &stage->sink, row);
    play_end(run, &stage->sink, RUN_END_SHUTDOWN);
    recorder_destroy(stage->recorder);
    stage->recorder = NULL;
    assert_int_equal(run->recording->state, RECORDING_CLOSED);
    check_file("whole", run->recording->path);
    run_unref(run);
}

int main(void)
{
#define RECORDER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RECORDER_TEST(a_scan_with_losses_is_recorded_exactly),
        RECORDER_TEST(a_run_without_a_shape_is_a_stack_as_long_as_its_frames),
        RECORDER_TEST(readers_see_a_growing_file),
        RECORDER_TEST(two_runs_may_overlap),
        RECORDER_TEST(a_run_that_is_not_recorded_finishes_like_any_other),
        RECORDER_TEST(files_that_are_there_are_never_overwritten),
        RECORDER_TEST(a_final_name_taken_meanwhile_is_not_overwritten),
        RECORDER_TEST(a_directory_that_cannot_be_used_costs_the_file_but_not_the_run),
        cmocka_unit_test_setup_teardown(a_full_disk_costs_the_rest_but_not_what_is_there, set_up,
                                        take_disk_away),
        RECORDER_TEST(our_own_filter_reads_back_and_refuses_damage),
        RECORDER_TEST(buffers_return_to_the_pool),
        RECORDER_TEST(destroying_completes_what_was_handed_over),
        /* The last one: HDF5 is not used in this process afterwards. */
        cmocka_unit_test_setup_teardown(
            a_file_that_cannot_be_closed_ends_recording_but_nothing_else, set_up, lift_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
