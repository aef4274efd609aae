#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/files/trash.h"

/* What becomes of the files of runs: kept, or discarded into the trash of their directory. */

/* ---- directories ---- */

void acquisition_know_directory(struct acquisition *acquisition, const char *directory)
{
    char resolved[PATH_MAX];
    size_t i;
    json_t *known;
    if (!realpath(directory, resolved))
        return;
    if (!acquisition->directories)
        acquisition->directories = json_array();
    json_array_foreach(acquisition->directories, i, known)
    {
        if (strcmp(json_string_value(known), resolved) == 0)
            return;
    }
    json_array_append_new(acquisition->directories, json_string(resolved));
}

double acquisition_trash_hours(const struct acquisition *acquisition)
{
    return acquisition->config->recording_trash_hours;
}

const json_t *acquisition_directories(const struct acquisition *acquisition)
{
    return acquisition->directories;
}

/* The directory of recordings that a path lies in: the innermost one. NULL: in none. */
static const char *directory_of(const struct acquisition *acquisition, const char *path)
{
    const char *found = NULL;
    size_t i;
    json_t *known;
    json_array_foreach(acquisition->directories, i, known)
    {
        const char *const directory = json_string_value(known);
        const size_t n = strlen(directory);
        if (strncmp(path, directory, n) == 0 && path[n] == '/' && (!found || n > strlen(found)))
            found = directory;
    }
    return found;
}

static bool is_discarded(const struct acquisition *acquisition, const char *path)
{
    const char *const directory = directory_of(acquisition, path);
    return directory &&
           strncmp(path + strlen(directory), "/" TRASH_FOLDER "/", sizeof TRASH_FOLDER + 1) == 0;
}

/* ---- files ---- */

struct recorded_path {
    char text[sizeof((struct run_recording *)0)->path];
};

/* The writer may be about to give the file its last name. */
static struct recorded_path path_of(const struct run *run)
{
    struct recorded_path path;
    pthread_mutex_lock(&run->recording->mutex);
    memcpy(path.text, run->recording->path, sizeof path.text);
    pthread_mutex_unlock(&run->recording->mutex);
    return path;
}

static void set_path(struct run *run, const char *path)
{
    pthread_mutex_lock(&run->recording->mutex);
    snprintf(run->recording->path, sizeof run->recording->path, "%s", path);
    pthread_mutex_unlock(&run->recording->mutex);
}

/* Where `path` is to be, there is it moved to. */
static int move_file(const struct acquisition *acquisition, const char *path, bool discard,
                     char now[TRASH_PATH_SIZE], struct error *error)
{
    const char *const directory = directory_of(acquisition, path);
    if (!directory)
        return error_set(error, -ENOENT, "%.300s is in no directory of recordings", path);
    if (is_discarded(acquisition, path) == discard) {
        snprintf(now, TRASH_PATH_SIZE, "%s", path);
        return 0;
    }
    const int r = discard ? trash_put(directory, path, now, error)
                          : trash_take_out(directory, path, now, error);
    if (r == 0)
        log_notice("record", "%s was %s: %s", path, discard ? "discarded" : "taken back", now);
    return r;
}

/* Moves it and tells everybody who knows where it was. */
static int move_recording(struct acquisition *acquisition, const char *path, bool discard,
                          char now[TRASH_PATH_SIZE], struct error *error)
{
    const int r = move_file(acquisition, path, discard, now, error);
    if (r < 0)
        return r;
    struct run *const run = acquisition->run;
    if (run && strcmp(path_of(run).text, path) == 0) {
        set_path(run, now);
        atomic_store_explicit(&run->fate, discard ? RUN_DISCARD : RUN_KEEP, memory_order_relaxed);
    }
    for (size_t i = 0; i < RUN_HISTORY_LENGTH; i++) {
        const struct run_entry *const entry = &acquisition->history.entries[i];
        json_t *const summary = entry->summary;
        const char *const file = json_string_value(json_object_get(summary, "file"));
        if (!file || strcmp(file, path) != 0)
            continue;
        if (entry->run && entry->run != run)
            set_path(entry->run, now);
        json_object_set_new(summary, "file", json_string(now));
        json_object_set_new(json_object_get(summary, "recording"), "fate",
                            json_string(discard ? "discard" : "keep"));
    }
    return 0;
}

void acquisition_decide_fate(struct acquisition *acquisition, struct run *run)
{
    char now[TRASH_PATH_SIZE];
    struct error error = {0};
    const int fate = atomic_load_explicit(&run->fate, memory_order_relaxed);
    const struct recorded_path path = path_of(run);
    const size_t length = strlen(path.text);
    /* What is still .partial has something that a person should see first. */
    if (fate == RUN_KEEP || length < 3 || strcmp(path.text + length - 3, ".h5") != 0)
        return;
    if (move_file(acquisition, path.text, true, now, &error) < 0)
        log_error("record", "%s", error.text);
    else
        set_path(run, now);
}

/* ---- requests ---- */

static void answer_moved(const char *run_id, bool discard, const char *path,
                         acquisition_answer_fn answer, void *data)
{
    answer(data,
           json_pack("{s:s?, s:s, s:s}", "run", run_id, "fate", discard ? "discard" : "keep",
                     "file", path),
           NULL, NULL, NULL);
}

static void decide_path(struct acquisition *acquisition, const char *run_id, const char *path,
                        bool discard, acquisition_answer_fn answer, void *data)
{
    char now[TRASH_PATH_SIZE];
    struct error error = {0};
    const int r = move_recording(acquisition, path, discard, now, &error);
    if (r == 0)
        answer_moved(run_id, discard, now, answer, data);
    else
        answer(data, NULL, r == -ENOENT ? "no_data" : "recording", NULL, &error);
}

void acquisition_set_fate(struct acquisition *acquisition, const char *id, bool discard,
                          acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    struct run *const run = acquisition->run;
    const json_t *const summary = run_history_find(&acquisition->history, id);
    const char *const which = json_string_value(json_object_get(summary, "id"));
    const char *const path = json_string_value(json_object_get(summary, "file"));
    const bool newest = run && which && strcmp(which, run->plan->id) == 0;
    if (newest && run->plan->recording.enabled &&
        atomic_load_explicit(&run->phase, memory_order_acquire) != RUN_FINISHED) {
        atomic_store_explicit(&run->fate, discard ? RUN_DISCARD : RUN_KEEP, memory_order_relaxed);
        answer_moved(which, discard, path_of(run).text, answer, data);
    } else if (!summary) {
        error_set(&error, -ENOENT, id ? "no run %s among the newest" : "there was no run yet%s",
                  id ? id : "");
        answer(data, NULL, "no_data", "args.run", &error);
    } else if (!path || !*path) {
        error_set(&error, -ENOENT, "run %s has no file", which);
        answer(data, NULL, "no_data", NULL, &error);
    } else {
        char copy[TRASH_PATH_SIZE];
        snprintf(copy, sizeof copy, "%s", path);
        decide_path(acquisition, which, copy, discard, answer, data);
    }
}

void acquisition_take_back(struct acquisition *acquisition, const char *file,
                           acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    if (is_discarded(acquisition, file)) {
        decide_path(acquisition, NULL, file, false, answer, data);
        return;
    }
    error_set(&error, -ENOENT,
              "%.300s is in no trash of a directory of recordings: \"recordings_discarded\" tells "
              "what is",
              file);
    answer(data, NULL, "no_data", "args.file", &error);
}
