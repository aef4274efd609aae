#include "daemon/record/run_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/record/chunk_address.h"
#include "daemon/record/disk_reserve.h"
#include "daemon/record/file_layout.h"
#include "daemon/record/file_name.h"
#include "daemon/record/given_results.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/late_results.h"
#include "daemon/record/nexus.h"
#include "daemon/record/reader_views.h"
#include "daemon/record/recorder.h"

struct run_file {
    struct run *run;
    struct file_name name;
    int descriptor; /* our own, for fsync; HDF5 has one of its own */
    int reserve;    /* room on the disk for the end, -1: none */
    hid_t file;
    bool news; /* something was written since the last flush */
    struct file_datasets datasets;
};

/*
 * HDF5 failed to close a file. It then keeps objects that are half closed, and was seen (1.10.8, a
 * write that failed with EFBIG) to crash in H5Fstart_swmr_write of the next file. Nothing more is
 * asked of it. Global, because the library's state is.
 */
static _Atomic bool library_broken;

int run_file_check_library(struct error *error)
{
    if (!atomic_load_explicit(&library_broken, memory_order_relaxed))
        return 0;
    return error_set(error, -EIO,
                     "HDF5 could not close an earlier file and is not to be trusted any more; "
                     "restart merlind to record again");
}

/* ---- beginning ---- */

static hid_t file_access(void)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0)
        return access;
    /* Strong: closing the file closes all that is open in it, which is what is wanted after a
     * failure. SWMR needs the format of 1.10. Without blocks for small data every chunk is given
     * space at the end of the file (chunk_address.h). */
    if (H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0 ||
        H5Pset_small_data_block_size(access, 0) < 0 ||
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0) {
        H5Pclose(access);
        return -1;
    }
    return access;
}

static hid_t create_hdf5_file(const char *path)
{
    const hid_t access = file_access();
    if (access < 0)
        return access;
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file;
}

/* To change what SWMR does not let change. Nobody else writes to it, and a reader that looks at it
 * meanwhile must not keep us out. */
static hid_t reopen_hdf5_file(const char *path)
{
    const hid_t access = file_access();
    hid_t file = -1;
    if (access < 0)
        return access;
    if (H5Pset_file_locking(access, false, true) >= 0)
        file = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    return file;
}

static int start(struct run_file *file, const char *summary, struct error *error)
{
    const char *const path = file->name.partial;
    file->file = create_hdf5_file(path);
    if (file->file < 0)
        return hdf5_error_take(error, "create", path);
    if (file_layout_create(&file->datasets, file->file, file->run, summary) < 0)
        return hdf5_error_take(error, "lay out", path);
    if (H5Fstart_swmr_write(file->file) < 0)
        return hdf5_error_take(error, "let readers into", path);
    return 0;
}

int run_file_create(struct run_file **out, struct run *run, const char *summary,
                    struct error *error)
{
    if (run_file_check_library(error) < 0)
        return -EIO;
    struct run_file *const file = calloc(1, sizeof *file);
    if (!file)
        return error_set(error, -ENOMEM, "no memory to record a run");
    file->run = run;
    file->file = -1;
    file->reserve = -1;
    file->descriptor =
        file_name_claim(&file->name, run->plan->recording.directory, run->started_ns, error);
    if (file->descriptor < 0) {
        const int r = file->descriptor;
        free(file);
        return r;
    }
    file->reserve = disk_reserve_take(file->name.directory);
    const int r = start(file, summary, error);
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
    if (chunk_address_find(file->file, file->descriptor, &data->images[chunk->layer], chunk,
                           end_before, &where)) {
        where.frames = chunk->n_frames;
        stored_chunks_note(file->run, chunk->layer, chunk->first_place, where);
    }
    return 0;
}

int run_file_write(struct run_file *file, const struct compressed_chunk *chunk, struct error *error)
{
    if (run_file_check_library(error) < 0)
        return -EIO;
    struct file_datasets *const datasets = &file->datasets;
    file->news = true;
    result_datasets_changed(&datasets->results, chunk);
    int r =
        chunk->extra ? extra_datasets_write(&datasets->extra, chunk) : write_placed(file, chunk);
    if (r >= 0)
        r = message_datasets_write(&datasets->messages, &chunk->messages);
    return r < 0 ? hdf5_error_take(error, "write to", file->name.partial) : 0;
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

static int update(struct run_file *file, const char *summary)
{
    struct file_datasets *const datasets = &file->datasets;
    if (data_groups_update(&datasets->data) < 0 || extra_datasets_update(&datasets->extra) < 0 ||
        message_datasets_update(&datasets->messages) < 0 ||
        frame_datasets_update(&datasets->frames, file->run) < 0 ||
        geometry_datasets_update(&datasets->geometry, file->run) < 0 ||
        result_datasets_update(&datasets->results, file->run) < 0 ||
        write_statistics(datasets, summary) < 0)
        return -1;
    return 0;
}

int run_file_flush(struct run_file *file, const char *summary, struct error *error)
{
    if (run_file_check_library(error) < 0)
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

static int complete(struct run_file *file, const char *summary)
{
    struct file_datasets *const datasets = &file->datasets;
    if (data_groups_complete(&datasets->data, file->run) < 0 ||
        extra_datasets_update(&datasets->extra) < 0 ||
        message_datasets_update(&datasets->messages) < 0 ||
        frame_datasets_complete(&datasets->frames, file->run) < 0 ||
        geometry_datasets_update(&datasets->geometry, file->run) < 0 ||
        result_datasets_complete(&datasets->results, file->run) < 0 ||
        write_end(datasets, file->run) < 0 || write_statistics(datasets, summary) < 0)
        return -1;
    return 0;
}

/* Closes what is HDF5's. A failed close is not tried again. */
static int close_hdf5_file(struct run_file *file)
{
    const hid_t id = file->file;
    file->file = -1;
    if (id < 0 || run_file_check_library(NULL) < 0 || H5Fclose(id) >= 0)
        return 0;
    atomic_store_explicit(&library_broken, true, memory_order_relaxed);
    return -1;
}

static int write_late(struct run_file *file, struct error *error)
{
    const struct result_datasets *const results = &file->datasets.results;
    const struct run *const run = file->run;
    const char *const path = file->name.partial;
    if (!late_results_are_there(results, run) && !geometry_late_lists_are_there(run) &&
        !given_results_are_due(run) && run->scan.ny > 0)
        return 0;
    file->file = reopen_hdf5_file(path);
    if (file->file < 0 || late_results_write(results, file->file, run) < 0 ||
        given_results_write(results, file->file, run) < 0 ||
        geometry_late_lists_write(file->file, run) < 0 ||
        (run->scan.ny == 0 && reader_views_create(file->file) < 0))
        return hdf5_error_take(error, "add the results that came during the run to", path);
    return close_hdf5_file(file) < 0 ? hdf5_error_take(error, "close", path) : 0;
}

int run_file_complete(struct run_file *file, const char *summary, struct error *error)
{
    const char *const path = file->name.partial;
    if (run_file_check_library(error) < 0)
        return -EIO;
    give_back_reserve(file);
    if (complete(file, summary) < 0)
        return hdf5_error_take(error, "write to", path);
    if (close_hdf5_file(file) < 0)
        return hdf5_error_take(error, "close", path);
    const int r = write_late(file, error);
    if (r < 0)
        return r;
    return file_name_settle(&file->name, file->descriptor, error);
}

/* To the disk, the file by its name. */
static int sync_file(const char *path)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    const int r = descriptor < 0 || fsync(descriptor) < 0 ? -errno : 0;
    if (descriptor >= 0)
        close(descriptor);
    return r;
}

int run_file_add_given(const char *path, const struct run *run, struct error *error)
{
    struct result_datasets layout = {0};
    struct run_file closed = {.run = NULL, .file = -1};
    int r = 0;
    /* On a full disk HDF5 could not close the file, and would be of no use any more. */
    if (run_file_check_library(error) < 0 ||
        recording_check(&run->plan->recording, given_results_size(run), NULL, error) < 0)
        return -EIO;
    if (result_datasets_describe(&layout, run) < 0) {
        result_datasets_finish(&layout);
        return error_set(error, -ENOMEM, "no memory to add maps to %s", path);
    }
    hdf5_error_forget();
    closed.file = reopen_hdf5_file(path);
    if (closed.file < 0 || given_results_write(&layout, closed.file, run) < 0)
        r = hdf5_error_take(error, "add maps to", path);
    if (close_hdf5_file(&closed) < 0 && r == 0)
        r = hdf5_error_take(error, "close", path);
    if (r == 0 && (r = sync_file(path)) < 0)
        error_set(error, r, "cannot bring %s to the disk: %s", path, strerror(-r));
    result_datasets_finish(&layout);
    return r;
}

void run_file_destroy(struct run_file *file)
{
    if (!file)
        return;
    give_back_reserve(file);
    struct error error = {0};
    hdf5_error_forget();
    if (close_hdf5_file(file) < 0) {
        hdf5_error_take(&error, "close", file->name.partial);
        log_warning("record", "%s", error.text);
    }
    file_datasets_finish(&file->datasets);
    if (file->descriptor >= 0)
        close(file->descriptor);
    free(file);
}

int run_file_descriptor(const struct run_file *file)
{
    return file->descriptor;
}

const char *run_file_partial_path(const struct run_file *file)
{
    return file->name.partial;
}

const char *run_file_final_path(const struct run_file *file)
{
    return file->name.final;
}
