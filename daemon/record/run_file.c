#include "daemon/record/run_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/record/disk_reserve.h"
#include "daemon/record/file_layout.h"
#include "daemon/record/file_name.h"
#include "daemon/record/grown_dataset.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/nexus.h"

#define AXIS_VALUES_AT_ONCE GROWN_DATASET_CHUNK
/* A frame number that jumped far ahead must not cost gigabytes: the axis has values up to here. */
#define AXIS_LIMIT (UINT64_C(1) << 24)

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

static hid_t create_hdf5_file(const char *path)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = -1;
    /* Strong: closing the file closes all that is open in it, which is what is wanted after a
     * failure. SWMR needs the format of 1.10. */
    if (access >= 0 && H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
        file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (access >= 0)
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

/* Frames that a stack has places for by now, as far as the end of this chunk. */
static uint64_t stack_length(const struct run *run, uint64_t chunk_end)
{
    const uint64_t end = frame_table_end(run->frames);
    const uint64_t there = end > run->scan.skip_start ? end - run->scan.skip_start : 0;
    return there < chunk_end ? there : chunk_end;
}

static int write_placed(struct run_file *file, const struct compressed_chunk *chunk)
{
    const uint64_t position = (uint64_t)chunk->first_position;
    const uint64_t end = position + file->run->chunk_frames;
    result_datasets_changed(&file->datasets.results, position, file->run->chunk_frames);
    return image_dataset_write(&file->datasets.images, chunk, position,
                               stack_length(file->run, end));
}

static int write_extra(struct run_file *file, const struct compressed_chunk *chunk)
{
    /* A late frame has its value in the maps all the same. */
    if (chunk->flags & FRAME_FLAG_LATE)
        result_datasets_changed(&file->datasets.results, (uint64_t)chunk->first_position, 1);
    return extra_datasets_write(&file->datasets.extra, chunk);
}

int run_file_write(struct run_file *file, const struct compressed_chunk *chunk, struct error *error)
{
    if (run_file_check_library(error) < 0)
        return -EIO;
    file->news = true;
    const int r = chunk->extra ? write_extra(file, chunk) : write_placed(file, chunk);
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

static int write_frame_axis(hid_t axis, uint64_t first, uint64_t end)
{
    double values[AXIS_VALUES_AT_ONCE];
    for (uint64_t n; first < end; first += n) {
        n = end - first < AXIS_VALUES_AT_ONCE ? end - first : AXIS_VALUES_AT_ONCE;
        for (uint64_t i = 0; i < n; i++)
            values[i] = (double)(first + i);
        if (grown_dataset_write(axis, H5T_NATIVE_DOUBLE, first, n, values) < 0)
            return -1;
    }
    return 0;
}

/* The axis of a stack is as long as the stack. */
static int update_frame_axis(struct file_datasets *datasets)
{
    const uint64_t first = datasets->frame_axis_length, end = datasets->images.length;
    if (datasets->frame_axis < 0 || end <= first)
        return 0;
    if (grown_dataset_extend(datasets->frame_axis, end) < 0 ||
        write_frame_axis(datasets->frame_axis, first, end < AXIS_LIMIT ? end : AXIS_LIMIT) < 0)
        return -1;
    datasets->frame_axis_length = end;
    return 0;
}

static int update(struct run_file *file, const char *summary)
{
    struct file_datasets *const datasets = &file->datasets;
    if (update_frame_axis(datasets) < 0 || extra_datasets_update(&datasets->extra) < 0 ||
        frame_datasets_update(&datasets->frames, file->run) < 0 ||
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
    if (image_dataset_extend(&datasets->images, stack_length(file->run, UINT64_MAX)) < 0 ||
        update_frame_axis(datasets) < 0 || extra_datasets_update(&datasets->extra) < 0 ||
        frame_datasets_complete(&datasets->frames, file->run) < 0 ||
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
    return file_name_settle(&file->name, file->descriptor, error);
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

const char *run_file_partial_path(const struct run_file *file)
{
    return file->name.partial;
}

const char *run_file_final_path(const struct run_file *file)
{
    return file->name.final;
}
