#include "daemon/record/run_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemon/record/file_layout.h"
#include "daemon/record/file_name.h"
#include "daemon/record/grown_dataset.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/nexus.h"

struct run_file {
    struct run *run;
    struct file_name name;
    int descriptor; /* our own, for fsync; HDF5 has one of its own */
    hid_t file;
    bool news; /* something was written since the last flush */
    struct file_datasets datasets;
};

/* ---- beginning ---- */

static hid_t create_hdf5_file(const char *path)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = -1;
    /* Strong: closing the file closes all that is open in it, which is what is wanted after a failure. SWMR needs the format of 1.10. */
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
    struct run_file *const file = calloc(1, sizeof *file);
    if (!file)
        return error_set(error, -ENOMEM, "no memory to record a run");
    file->run = run;
    file->file = -1;
    file->descriptor =
        file_name_claim(&file->name, run->plan->recording.directory, run->started_ns, error);
    if (file->descriptor < 0) {
        const int r = file->descriptor;
        free(file);
        return r;
    }
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

int run_file_write(struct run_file *file, const struct compressed_chunk *chunk,
                   struct error *error)
{
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

/* The axis of a stack is as long as the stack. */
static int update_frame_axis(struct file_datasets *datasets)
{
    const uint64_t first = datasets->frame_axis_length, end = datasets->images.length;
    if (datasets->frame_axis < 0 || end <= first)
        return 0;
    double *const values = malloc((end - first) * sizeof *values);
    if (!values)
        return -1;
    for (uint64_t i = first; i < end; i++)
        values[i - first] = (double)i;
    int r = -1;
    if (grown_dataset_extend(datasets->frame_axis, end) >= 0 &&
        grown_dataset_write(datasets->frame_axis, H5T_NATIVE_DOUBLE, first, end - first, values) >=
            0) {
        datasets->frame_axis_length = end;
        r = 0;
    }
    free(values);
    return r;
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
    /* The flush orders what it writes so that a reader never meets an index to a chunk that is not there. */
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
    return id >= 0 && H5Fclose(id) < 0 ? -1 : 0;
}

int run_file_complete(struct run_file *file, const char *summary, struct error *error)
{
    const char *const path = file->name.partial;
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
    close_hdf5_file(file);
    hdf5_error_forget();
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
