#include "recorder_stage.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/*
 * Every write of a recording fails in turn, and a disk is full at every size. Each trial is a
 * process of its own, since HDF5 cannot always be used any more: it must end in time and by itself,
 * the counts must add up, and what had been flushed must be in the file.
 */
#define LINES 6
#define LINE 6
#define FLUSHED_LINES 3
#define SQUEEZED_LINES 300
/* Of a trial; a hang is what it is about. */
#define TRIAL_S 60

/* The long form (MERLIND_TEST_LONG, check.sh --long) tries every write and every 4 KiB. */
static unsigned step_of(unsigned brief, unsigned thorough)
{
    return getenv("MERLIND_TEST_LONG") ? thorough : brief;
}

enum moment { FROM_THE_START, WHEN_SOME_IS_FLUSHED };

struct trial {
    char kinds[8]; /* faulty_disk.c; "": none */
    int error_number;
    unsigned after;
    enum moment moment;
    const char *directory; /* NULL: the stage's own */
    bool squeezed;         /* when some is flushed somebody else fills the disk ... */
    unsigned left_kib;     /* ... but for this */
    unsigned lines;        /* 0: LINES */
};

static unsigned lines_of(const struct trial *trial)
{
    return trial->lines ? trial->lines : LINES;
}

/* What a trial tells, in memory that is shared with it. */
struct outcome {
    _Atomic bool waits, goes_on; /* for the first lines to be flushed */
    bool ended;
    bool closed;     /* the recording is said to be whole */
    bool failed;     /* or to have failed */
    char path[1100]; /* "": there is no file */
    char error[500];
    unsigned recorded;
};

static void set_fault(const struct trial *trial)
{
    FILE *const file = fopen(getenv("FAULTY_DISK"), "w");
    assert_non_null(file);
    if (*trial->kinds)
        fprintf(file, "%s %d %u\n", trial->kinds, trial->error_number, trial->after);
    fclose(file);
}

/* A few intervals of flushing, so that it is flushed in the middle too. */
static void let_it_flush(void)
{
    usleep(50 * 1000);
}

/* Until the other process has seen the first lines in the file. */
static void await_flush(struct run *run, struct outcome *outcome)
{
    await_file(run, outcome->path);
    atomic_store(&outcome->waits, true);
    while (!atomic_load(&outcome->goes_on))
        usleep(1000);
}

static void fill_disk(const struct trial *trial)
{
    struct statvfs system;
    char path[100];
    snprintf(path, sizeof path, "%s/filler", trial->directory);
    const int filler = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(filler >= 0);
    assert_int_equal(fstatvfs(filler, &system), 0);
    const off_t size = (off_t)(system.f_bavail * system.f_frsize) - (off_t)trial->left_kib * 1024;
    assert_true(size > 0);
    assert_int_equal(fallocate(filler, 0, 0, size), 0);
    close(filler);
}

static void record(const struct trial *trial, struct outcome *outcome)
{
    const struct scan_geometry scan = {.ny = lines_of(trial), .nx = LINE};
    struct stage *stage;
    set_up((void **)&stage);
    setenv("FAULTY_DISK_UNDER", trial->directory ? trial->directory : stage->directory, 1);
    struct run *const run =
        played_run(played_plan(trial->directory ? trial->directory : stage->directory, scan));
    if (trial->moment == FROM_THE_START)
        set_fault(trial);
    stage->sink.begin(stage->sink.data, run);
    for (uint64_t row = 0; row < lines_of(trial); row++) {
        if (row == FLUSHED_LINES && trial->moment == WHEN_SOME_IS_FLUSHED) {
            await_flush(run, outcome);
            set_fault(trial);
            if (trial->squeezed)
                fill_disk(trial);
        }
        play_line(run, &stage->sink, row);
    }
    let_it_flush();
    play_end(run, &stage->sink, RUN_END_LAST);
    await_finished(stage, run);
    outcome->closed = run->recording->state == RECORDING_CLOSED;
    outcome->failed = run->recording->state == RECORDING_FAILED;
    outcome->recorded = (unsigned)atomic_load(&run->counts.recorded);
    strcpy(outcome->path, run->recording->path);
    strcpy(outcome->error, run->recording->error);
    assert_int_equal(outcome->recorded + atomic_load(&run->counts.unrecorded),
                     lines_of(trial) * LINE);
    run_unref(run);
    recorder_destroy(stage->recorder);
    outcome->ended = true;
}

static struct outcome *shared_outcome(void)
{
    static struct outcome *outcome;
    if (!outcome)
        outcome =
            mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(outcome, MAP_FAILED);
    memset(outcome, 0, sizeof *outcome);
    return outcome;
}

/* How many of the first n images are in the file as they were played. */
static unsigned images_there(const char *path, unsigned n)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0)
        file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, H5P_DEFAULT);
    if (file < 0)
        return 0;
    unsigned there = 0;
    const hid_t dataset = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    const hsize_t one[4] = {1, 1, IMAGE_HEIGHT, IMAGE_WIDTH};
    for (unsigned i = 0; dataset >= 0 && i < n; i++) {
        uint16_t image[IMAGE_PIXELS], expected[IMAGE_PIXELS];
        const hsize_t start[4] = {i / LINE, i % LINE, 0, 0};
        const hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(4, one, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, one, NULL);
        played_image(expected, i, 0);
        there += H5Dread(dataset, H5T_NATIVE_UINT16, memory, space, H5P_DEFAULT, image) >= 0 &&
                 memcmp(image, expected, sizeof image) == 0;
        H5Sclose(memory);
        H5Sclose(space);
    }
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Fclose(file);
    return there;
}

/* In a process of its own, of which nothing is left. */
static struct outcome *try(const struct trial *trial)
{
    struct outcome *const outcome = shared_outcome();
    const struct trial none = {.kinds = ""};
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(TRIAL_S);
        record(trial, outcome);
        _exit(0);
    }
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (atomic_load(&outcome->waits) &&
            images_there(outcome->path, FLUSHED_LINES * LINE) == FLUSHED_LINES * LINE)
            atomic_store(&outcome->goes_on, true);
        usleep(1000);
    }
    set_fault(&none);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !outcome->ended)
        fail_msg("with %s %d after %u calls, moment %d: the recorder ended with %#x", trial->kinds,
                 trial->error_number, trial->after, trial->moment, (unsigned)status);
    assert_true(outcome->closed || outcome->failed);
    assert_int_equal(outcome->failed, outcome->error[0] != '\0');
    return outcome;
}

/* Returns whether all went well. */
static bool judge(const struct trial *trial, const struct outcome *outcome)
{
    const unsigned promised = outcome->closed ? lines_of(trial) * LINE
                              : trial->moment == WHEN_SOME_IS_FLUSHED && *outcome->path
                                  ? FLUSHED_LINES * LINE
                                  : 0;
    const unsigned there = promised ? images_there(outcome->path, promised) : 0;
    if (there != promised)
        fail_msg("with %s %d after %u calls, moment %d: %u of %u images are in %s (%s)",
                 trial->kinds, trial->error_number, trial->after, trial->moment, there, promised,
                 outcome->path, outcome->error);
    if (*outcome->path)
        unlink(outcome->path);
    return outcome->closed && !*outcome->error;
}

/* Call after call of a kind fails, and all that follow, until so many go well that none fails. */
static void sweep(const char *kinds, int error_number, enum moment moment, unsigned step)
{
    struct trial trial = {.error_number = error_number, .moment = moment};
    snprintf(trial.kinds, sizeof trial.kinds, "%s", kinds);
    unsigned failures = 0;
    while (!judge(&trial, try(&trial))) {
        failures++;
        trial.after += trial.after < 4 ? 1 : step;
        assert_in_range(trial.after, 0, 5000);
    }
    assert_in_range(failures, 1, 5000);
}

static void every_write_may_find_the_disk_full(void **state)
{
    (void)state;
    sweep("w", ENOSPC, FROM_THE_START, step_of(3, 1));
    sweep("w", ENOSPC, WHEN_SOME_IS_FLUSHED, step_of(3, 1));
}

static void every_write_may_fail(void **state)
{
    (void)state;
    sweep("w", EIO, FROM_THE_START, step_of(15, 1));
    sweep("w", EIO, WHEN_SOME_IS_FLUSHED, step_of(3, 1));
}

static void making_syncing_and_naming_the_file_may_fail(void **state)
{
    (void)state;
    sweep("o", ENOSPC, FROM_THE_START, 1);
    sweep("s", EIO, WHEN_SOME_IS_FLUSHED, 1);
    sweep("r", ENOSPC, WHEN_SOME_IS_FLUSHED, 1);
}

/* ---- a disk of every size ---- */

/* A small tmpfs, or the test is skipped. */
static void mount_small(char *directory, const char *option)
{
    assert_non_null(mkdtemp(directory));
    if (mount("none", directory, "tmpfs", 0, option) == 0)
        return;
    rmdir(directory);
    print_message("skipped: a small tmpfs cannot be mounted here (%s)\n", strerror(errno));
    skip();
}

static void unmount_small(const char *directory)
{
    umount2(directory, MNT_DETACH);
    rmdir(directory);
}

static bool try_on_small(const struct trial *trial)
{
    struct outcome *const outcome = try(trial);
    if (outcome->failed && *outcome->path)
        assert_int_equal(images_there(outcome->path, outcome->recorded), outcome->recorded);
    return judge(trial, outcome);
}

static void a_disk_of_any_size_keeps_what_it_can(void **state)
{
    (void)state;
    char directory[] = "/tmp/merlind-small-XXXXXX";
    bool whole = false;
    mount_small(directory, "size=16k");
    for (unsigned kib = 16; !whole && kib < 8192; kib += step_of(236, 4)) {
        const struct trial trial = {.moment = FROM_THE_START, .directory = directory};
        char option[32];
        snprintf(option, sizeof option, "size=%uk", kib);
        assert_int_equal(mount("none", directory, "tmpfs", MS_REMOUNT, option), 0);
        whole = try_on_small(&trial);
    }
    assert_true(whole);
    unmount_small(directory);
}

/* The disk was large enough when the run began. Between looks at it real writes fail. */
static void a_disk_that_is_filled_to_any_place_keeps_what_it_can(void **state)
{
    (void)state;
    char directory[] = "/tmp/merlind-small-XXXXXX", filler[40];
    bool whole = false;
    unsigned failures = 0;
    mount_small(directory, "size=24m");
    snprintf(filler, sizeof filler, "%s/filler", directory);
    for (unsigned kib = 0; !whole && kib < 8192; kib += step_of(100, 4)) {
        const struct trial trial = {.moment = WHEN_SOME_IS_FLUSHED,
                                    .directory = directory,
                                    .squeezed = true,
                                    .lines = SQUEEZED_LINES,
                                    .left_kib = kib};
        whole = try_on_small(&trial);
        failures += !whole;
        assert_int_equal(unlink(filler), 0);
    }
    assert_true(whole);
    assert_true(failures > 0);
    unmount_small(directory);
}

static int begin(void **state)
{
    static char path[] = "/tmp/merlind-fault-XXXXXX";
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    setenv("FAULTY_DISK", path, 1);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return 0;
}

static int end(void **state)
{
    return unlink(getenv("FAULTY_DISK"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_write_may_find_the_disk_full),
        cmocka_unit_test(every_write_may_fail),
        cmocka_unit_test(making_syncing_and_naming_the_file_may_fail),
        cmocka_unit_test(a_disk_of_any_size_keeps_what_it_can),
        cmocka_unit_test(a_disk_that_is_filled_to_any_place_keeps_what_it_can),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
