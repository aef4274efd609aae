#pragma once

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recorded_run.h"

/* A recorder with a directory of its own, and the check of its files by h5py. */
struct stage {
    char directory[64];
    struct recorder *recorder;
    struct chunk_sink sink;
    sem_t finished;
    struct run *finished_run;
};

static inline void on_finished(void *data, struct run *run)
{
    struct stage *const stage = data;
    assert_int_equal(atomic_load(&run->phase), RUN_FINISHED);
    stage->finished_run = run;
    sem_post(&stage->finished);
}

static inline char *summary(const struct run *run)
{
    char text[200];
    snprintf(text, sizeof text,
             "{\"state\":\"acquiring\",\"file\":\"x\",\"recording\":{\"state\":\"active\"},"
             "\"received\":%llu,\"stalled\":%llu}",
             (unsigned long long)atomic_load(&run->counts.received),
             (unsigned long long)atomic_load(&run->counts.stalled));
    return strdup(text);
}

static inline int set_up(void **state)
{
    struct stage *const stage = calloc(1, sizeof *stage);
    snprintf(stage->directory, sizeof stage->directory, "/tmp/merlind-recorder-XXXXXX");
    assert_non_null(mkdtemp(stage->directory));
    sem_init(&stage->finished, 0, 0);
    const struct recorder_options options = {
        .n_workers = 1,
        .flush_interval_s = 0.02,
        .directory = stage->directory,
        .summary = summary,
        .on_finished = on_finished,
        .data = stage,
    };
    struct error error = {0};
    if (recorder_create(&stage->recorder, &options, &error) < 0)
        fail_msg("%s", error.text);
    stage->sink = recorder_sink(stage->recorder);
    *state = stage;
    return 0;
}

static inline void remove_tree(const char *directory)
{
    DIR *const entries = opendir(directory);
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    if (entries)
        closedir(entries);
    rmdir(directory);
}

static inline int tear_down(void **state)
{
    struct stage *const stage = *state;
    recorder_destroy(stage->recorder);
    sem_destroy(&stage->finished);
    remove_tree(stage->directory);
    free(stage);
    return 0;
}

static inline void await_finished(struct stage *stage, const struct run *run)
{
    while (sem_wait(&stage->finished) != 0)
        continue;
    assert_ptr_equal(stage->finished_run, run);
}

/* Asks h5py, which reads with a Blosc filter that is not ours. */
static inline pid_t begin_check(const char *what, const char *path)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl(PYTHON, PYTHON, CHECK_SCRIPT, what, path, (char *)NULL);
        _exit(127);
    }
    return child;
}

static inline void await_check(pid_t child, const char *what)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s %s failed (status %d)", CHECK_SCRIPT, what, status);
}

static inline void check_file(const char *what, const char *path)
{
    await_check(begin_check(what, path), what);
}

/* Until the writer has made the run's file. */
static inline void await_file(struct run *run, char partial[1100])
{
    do {
        sched_yield();
        pthread_mutex_lock(&run->recording->mutex);
        strcpy(partial, run->recording->path);
        pthread_mutex_unlock(&run->recording->mutex);
    } while (partial[0] == '\0');
    assert_non_null(strstr(partial, ".h5.partial"));
}
