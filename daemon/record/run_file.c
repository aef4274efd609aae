#include "daemon/record/run_file.h"
#include "daemon/files/links.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/config/name_template.h"
#include "daemon/record/chunk_address.h"
#include "daemon/record/disk_reserve.h"
#include "daemon/record/disk_room.h"
#include "daemon/record/file_layout.h"
#include "daemon/record/file_name.h"
#include "daemon/record/file_rescue.h"
#include "daemon/record/given_results.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/hdf5_file.h"
#include "daemon/record/late_results.h"
#include "daemon/record/nexus.h"
#include "daemon/record/reader_views.h"
#include "daemon/record/run_facts.h"

#define OPEN_PATH_SIZE 40

struct run_file {
    struct run *run;
    struct file_name name;
    int descriptor; /* our own, for fsync; HDF5 has one of its own */
    int reserve;    /* room on the disk for the end, -1: none */
    struct disk_room room;
    hid_t file;
    bool news;             /* something was written since the last flush */
    bool without_profiles; /* there was no room for them in the end */
    struct file_datasets datasets;
};

/* ---- beginning ---- */

/* By the descriptor, which is right also where the directory was moved meanwhile. */
static void spell_open_path(const struct run_file *file, char path[OPEN_PATH_SIZE])
{
    snprintf(path, OPEN_PATH_SIZE, "/proc/self/fd/%d", file->descriptor);
}

static int start(struct run_file *file, const char *summary, const struct run_file_extras *extras,
                 struct error *error)
{
    const char *const path = file->name.partial;
    char open_path[OPEN_PATH_SIZE];
    spell_open_path(file, open_path);
    file->file = hdf5_file_create(open_path);
    if (file->file < 0)
        return hdf5_error_take(error, "create", path);
    if (file_layout_create(&file->datasets, file->file, file->run, summary, extras) < 0)
        return hdf5_error_take(error, "lay out", path);
    if (H5Fstart_swmr_write(file->file) < 0)
        return hdf5_error_take(error, "let readers into", path);
    return 0;
}

static uint64_t images_of(const struct run *run)
{
    const uint64_t to_come = run->frames_to_come * run->n_layers;
    return run->expected > to_come ? run->expected : to_come;
}

int run_file_create(struct run_file **out, struct run *run, const char *summary,
                    const struct run_file_extras *extras, struct error *error)
{
    if (hdf5_file_check_library(error) < 0)
        return -EIO;
    struct run_file *const file = calloc(1, sizeof *file);
    if (!file)
        return error_set(error, -ENOMEM, "no memory to record a run");
    file->run = run;
    file->file = -1;
    file->reserve = -1;
    const struct name_facts facts = {run->started_ns, run->plan->id, run->plan->labels};
    file->descriptor = file_name_claim(&file->name, &run->plan->recording, &facts, error);
    if (file->descriptor < 0) {
        const int r = file->descriptor;
        file_name_finish(&file->name);
        free(file);
        return r;
    }
    int r = disk_room_init(&file->room, file->descriptor, file->name.partial, error);
    file->reserve = disk_reserve_take(file->name.directory, disk_reserve_size(images_of(run)));
    if (r == 0)
        r = start(file, summary, extras, error);
    if (r < 0) {
        /* Nothing was measured into it. */
        unlink(file->name.partial);
        run_file_destroy(file);
        return r;
    }
    *out = file;
    return 0;
}

/* ---- while it grows ---- */

/* Also tells those who read chunks back where it is. */
static int write_placed(struct run_file *file, const struct compressed_chunk *chunk)
{
    struct data_groups *const data = &file->datasets.data;
    const haddr_t end_before = chunk_address_end(file->file);
    struct stored_chunk where;
    if (data_groups_write(data, chunk) < 0)
        return -1;
    if (chunk_address_find(file->file, file->descriptor, &data->images[chunk->layer],
                           (uint64_t)chunk->first_place, chunk, end_before, &where)) {
        where.frames = chunk->n_frames;
        stored_chunks_note(file->run, chunk->layer, chunk->first_place, where);
    }
    return 0;
}

/* Late frames, which have a place in the scan, are looked at again as well. */
static int write_extra(struct run_file *file, const struct compressed_chunk *chunk)
{
    struct extra_datasets *const extra = &file->datasets.extra;
    const haddr_t end_before = chunk_address_end(file->file);
    const uint64_t row = extra_datasets_rows(extra);
    struct stored_chunk where;
    if (extra_datasets_write(extra, chunk) < 0)
        return -1;
    if ((chunk->flags & FRAME_FLAG_LATE) &&
        chunk_address_find(file->file, file->descriptor, &extra->images, row, chunk, end_before,
                           &where))
        stored_late_note(file->run, chunk->layer, chunk->frame_index, where);
    return 0;
}

int run_file_write(struct run_file *file, const struct compressed_chunk *chunk, struct error *error)
{
    if (hdf5_file_check_library(error) < 0)
        return -EIO;
    struct file_datasets *const datasets = &file->datasets;
    file->news = true;
    result_datasets_changed(&datasets->results, chunk);
    int r = chunk->extra ? write_extra(file, chunk) : write_placed(file, chunk);
    if (r >= 0)
        r = message_datasets_write(&datasets->messages, &chunk->messages);
    return r < 0 ? hdf5_error_take(error, "write to", file->name.partial) : 0;
}

bool run_file_has_room(struct run_file *file, uint64_t bytes)
{
    return disk_room_take(&file->room, bytes);
}

int run_file_check_place(const struct run_file *file, struct error *error)
{
    return file_name_check(&file->name, file->descriptor, error);
}

bool run_file_has_news(const struct run_file *file)
{
    return file->news;
}

static int write_statistics(struct file_datasets *datasets, const char *summary)
{
    const size_t size = summary ? strlen(summary) : 0;
    if (size == 0)
        return 0;
    /* Half a JSON text helps nobody: then the one before stays. */
    if (size > datasets->statistics_capacity) {
        log_warning("record", "the run's summary (%zu bytes) has no room in the file (%zu)", size,
                    datasets->statistics_capacity);
        return 0;
    }
    return nexus_text_write(datasets->statistics, summary, size);
}

/* What is known against the recording. */
static int write_mark(struct run_file *file)
{
    char text[sizeof file->run->recording->error];
    pthread_mutex_lock(&file->run->recording->mutex);
    memcpy(text, file->run->recording->error, sizeof text);
    pthread_mutex_unlock(&file->run->recording->mutex);
    return file_mark_write(&file->datasets.mark, text);
}

static int update(struct run_file *file, const char *summary)
{
    struct file_datasets *const datasets = &file->datasets;
    if (data_groups_update(&datasets->data) < 0 || extra_datasets_update(&datasets->extra) < 0 ||
        message_datasets_update(&datasets->messages) < 0 ||
        frame_datasets_update(&datasets->frames, file->run) < 0 ||
        geometry_datasets_update(&datasets->geometry, file->run) < 0 ||
        result_datasets_update(&datasets->results, file->run) < 0 ||
        log_datasets_update(&datasets->log, file->run) < 0 || write_mark(file) < 0 ||
        write_statistics(datasets, summary) < 0)
        return -1;
    return 0;
}

int run_file_flush(struct run_file *file, const char *summary, struct error *error)
{
    if (hdf5_file_check_library(error) < 0)
        return -EIO;
    /* The flush orders what it writes so that a reader never meets an index to a chunk that is not
     * there. */
    if (update(file, summary) < 0 || H5Fflush(file->file, H5F_SCOPE_LOCAL) < 0)
        return hdf5_error_take(error, "write to", file->name.partial);
    file->news = false;
    return 0;
}

/* ---- the end ---- */

static int write_end(struct file_datasets *datasets, const struct run *run)
{
    char ended[ISO_TIME_SIZE];
    const char *const reason = run_reason(run);
    iso_time(ended, atomic_load_explicit(&run->ended_ns, memory_order_relaxed));
    if (nexus_text_write(datasets->end_time, ended, strlen(ended)) < 0)
        return -1;
    return nexus_text_write(datasets->end_reason, reason, strlen(reason));
}

static void give_back_reserve(struct run_file *file)
{
    disk_reserve_give_back(file->reserve);
    file->reserve = -1;
}

/* They are large, and the recording is whole without them. */
static int write_profiles(struct run_file *file)
{
    const struct result_datasets *const results = &file->datasets.results;
    const uint64_t bytes = profile_datasets_bytes(&results->profiles, file->run);
    file->without_profiles = bytes > 0 && !disk_room_take(&file->room, bytes);
    if (!file->without_profiles)
        return profile_datasets_complete(&results->profiles, results, file->run);
    log_warning("record",
                "%s: the disk has no room for the radial profiles of its positions (up to %" PRIu64
                " MiB), which are left out",
                file->name.partial, bytes >> 20);
    return 0;
}

static int complete(struct run_file *file, const char *summary)
{
    struct file_datasets *const datasets = &file->datasets;
    if (data_groups_complete(&datasets->data, file->run) < 0 ||
        extra_datasets_update(&datasets->extra) < 0 ||
        message_datasets_update(&datasets->messages) < 0 ||
        frame_datasets_complete(&datasets->frames, file->run) < 0 ||
        geometry_datasets_update(&datasets->geometry, file->run) < 0 ||
        result_datasets_complete(&datasets->results, file->run) < 0 ||
        saturation_text_complete(&datasets->saturation, file->run) < 0 ||
        log_datasets_update(&datasets->log, file->run) < 0 || write_end(datasets, file->run) < 0 ||
        write_mark(file) < 0 || write_statistics(datasets, summary) < 0)
        return -1;
    return write_profiles(file);
}

/* A failed close is not tried again. */
static int close_file(struct run_file *file)
{
    const hid_t id = file->file;
    file->file = -1;
    return hdf5_file_close(id);
}

static int write_late(struct run_file *file, const char *open_path, struct error *error)
{
    const struct result_datasets *const results = &file->datasets.results;
    struct run *const run = file->run;
    const char *const path = file->name.partial;
    if (!late_results_are_there(results, run) && !geometry_late_lists_are_there(run) &&
        !given_results_are_due(run) && !log_datasets_have_series(&file->datasets.log) &&
        !run_facts_have_settings(run) && !file->without_profiles && run->scan.ny > 0)
        return 0;
    file->file = hdf5_file_reopen(open_path);
    if (file->file < 0 || late_results_write(results, file->file, run) < 0 ||
        (file->without_profiles &&
         profile_datasets_remove(&results->profiles, file->file, run) < 0) ||
        given_results_write(results, file->file, run) < 0 ||
        geometry_late_lists_write(file->file, run) < 0 ||
        log_datasets_write_series(&file->datasets.log, file->file, run) < 0 ||
        run_facts_write_settings(file->file, run) < 0 ||
        (run->scan.ny == 0 && reader_views_create(file->file) < 0))
        return hdf5_error_take(error, "add the results that came during the run to", path);
    return close_file(file) < 0 ? hdf5_error_take(error, "close", path) : 0;
}

/* The closed file gets what only fits in now, and its name; one that somebody deleted is written
 * again. */
static int settle(struct run_file *file, struct error *error)
{
    char open_path[OPEN_PATH_SIZE];
    struct error deleted = {0};
    if (file_name_check(&file->name, file->descriptor, &deleted) == -ENOENT) {
        log_warning("record", "%s: it is written again", deleted.text);
        const int r = file_rescue(&file->name, file->descriptor, error);
        file->name.settled = r == 0;
        return r < 0 ? r : write_late(file, file->name.final, error);
    }
    spell_open_path(file, open_path);
    const int r = write_late(file, open_path, error);
    return r < 0 ? r : file_name_settle(&file->name, file->descriptor, error);
}

/* The file is whole without them. */
static void make_links(const struct file_name *name)
{
    char stem[sizeof name->base];
    struct error error = {0};
    const char *const end = strrchr(name->base, '.');
    snprintf(stem, sizeof stem, "%.*s", end ? (int)(end - name->base) : 0, name->base);
    if (links_make(name->folder, stem, &error) < 0)
        log_warning("record", "%s: %s", name->final, error.text);
}

int run_file_complete(struct run_file *file, const char *summary, struct error *error)
{
    const char *const path = file->name.partial;
    if (hdf5_file_check_library(error) < 0)
        return -EIO;
    give_back_reserve(file);
    if (complete(file, summary) < 0)
        return hdf5_error_take(error, "write to", path);
    if (close_file(file) < 0)
        return hdf5_error_take(error, "close", path);
    const int r = settle(file, error);
    if (r >= 0 && file->run->plan->recording.links)
        make_links(&file->name);
    return r;
}

static void close_or_warn(struct run_file *file)
{
    struct error error = {0};
    give_back_reserve(file);
    hdf5_error_forget();
    if (close_file(file) < 0) {
        hdf5_error_take(&error, "close", file->name.partial);
        log_warning("record", "%s", error.text);
    }
}

void run_file_abandon(struct run_file *file, const char *why)
{
    close_or_warn(file);
    if (file_mark_force(&file->datasets.mark, file->descriptor, why) < 0)
        log_warning("record", "%s cannot be marked as broken off", file->name.partial);
    run_file_destroy(file);
}

void run_file_destroy(struct run_file *file)
{
    if (!file)
        return;
    close_or_warn(file);
    file_datasets_finish(&file->datasets);
    if (file->descriptor >= 0)
        close(file->descriptor);
    file_name_finish(&file->name);
    free(file);
}

int run_file_descriptor(const struct run_file *file)
{
    return file->descriptor;
}

uint64_t run_file_next_note(const struct run_file *file)
{
    return file->datasets.log.next_note;
}

const char *run_file_path(const struct run_file *file)
{
    return file->name.settled ? file->name.final : file->name.partial;
}

const char *run_file_partial_path(const struct run_file *file)
{
    return file->name.partial;
}

const char *run_file_final_path(const struct run_file *file)
{
    return file->name.final;
}
