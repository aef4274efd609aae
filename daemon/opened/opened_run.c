#include "daemon/opened/opened_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/counter.h"
#include "daemon/json_time.h"
#include "daemon/record/file_geometry.h"
#include "daemon/record/hdf5_error.h"

/* ---- pixels ---- */

static int read_chunk(void *data, unsigned layer, int64_t first_place, struct chunk_buffer *buffer,
                      size_t *size, struct error *error)
{
    struct opened_file *const file = data;
    struct file_buffer wanted = {buffer->bytes, buffer->capacity};
    hsize_t bytes = 0;
    uint32_t mask = 0;
    pthread_mutex_lock(&file->mutex);
    hdf5_errors_capture(); /* of this thread */
    const int r = image_store_read_raw(&file->recording.layers[layer].images, (uint64_t)first_place,
                                       &wanted, &bytes, &mask);
    hdf5_error_forget();
    pthread_mutex_unlock(&file->mutex);
    *buffer = (struct chunk_buffer){wanted.bytes, wanted.capacity};
    *size = bytes;
    if (r < 0 || mask != 0)
        return error_set(error, -EIO, "a chunk of %.300s cannot be read: the file is damaged",
                         file->path);
    return bytes > 0 ? 0 : -ENOENT;
}

static void destroy_file(void *data)
{
    opened_file_destroy(data);
}

/* ---- the plan ---- */

static void take_labels(const struct opened_file *file, struct acquisition_plan *plan)
{
    const json_t *const labels = json_object_get(file->settings, "labels");
    char *const text = json_object_size(labels) > 0 ? json_dumps(labels, JSON_COMPACT) : NULL;
    if (text && strlen(text) < sizeof plan->labels)
        strcpy(plan->labels, text);
    free(text);
}

static void fill_plan(const struct opened_file *file, struct acquisition_plan *plan)
{
    char *const id = file_read_text(file->recording.entry, "entry_identifier");
    const char *const mode = json_string_value(json_object_get(file->settings, "mode"));
    if (id && *id)
        snprintf(plan->id, sizeof plan->id, "%.36s", id);
    free(id);
    take_labels(file, plan);
    scan_list_unref(plan->scan.list);
    plan->scan = file->recording.storage;
    scan_list_ref(plan->scan.list);
    plan->scan_from_header = plan->find_lines = plan->unending = false;
    plan->active = mode && strcmp(mode, "active") == 0;
    plan->recording.enabled = plan->recording.ask = false;
}

/* ---- frames ---- */

#define WINDOW 65536

/* Columns of /entry/frames beside those of file_frames.h; -1: not in the file. */
struct more_columns {
    hid_t number, timestamp, exposure;
    uint64_t *numbers, *timestamps, *exposures; /* [WINDOW] */
};

static hid_t open_column(hid_t entry, const char *path)
{
    return file_has(entry, path) ? H5Dopen2(entry, path, H5P_DEFAULT) : H5I_INVALID_HID;
}

static int columns_init(struct more_columns *columns, const struct opened_file *file,
                        struct error *error)
{
    const hid_t entry = file->recording.entry;
    *columns = (struct more_columns){
        .number = open_column(entry, "frames/number"),
        .timestamp = open_column(entry, "frames/timestamp_ns"),
        .exposure = open_column(entry, "frames/exposure_ns"),
        .numbers = calloc(WINDOW, sizeof(uint64_t)),
        .timestamps = calloc(WINDOW, sizeof(uint64_t)),
        .exposures = calloc(WINDOW, sizeof(uint64_t)),
    };
    if (columns->numbers && columns->timestamps && columns->exposures)
        return 0;
    return error_set(error, -ENOMEM, "no memory for the frames of %.300s", file->path);
}

static void columns_finish(struct more_columns *columns)
{
    const hid_t ids[] = {columns->number, columns->timestamp, columns->exposure};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (ids[i] >= 0)
            H5Dclose(ids[i]);
    }
    free(columns->numbers);
    free(columns->timestamps);
    free(columns->exposures);
    hdf5_error_forget();
}

static int columns_load(const struct more_columns *columns, uint64_t first, uint64_t n)
{
    if (columns->number >= 0 &&
        file_read_rows(columns->number, H5T_NATIVE_UINT64, first, n, columns->numbers) < 0)
        return -1;
    if (columns->timestamp >= 0 &&
        file_read_rows(columns->timestamp, H5T_NATIVE_UINT64, first, n, columns->timestamps) < 0)
        return -1;
    return columns->exposure >= 0
               ? file_read_rows(columns->exposure, H5T_NATIVE_UINT64, first, n, columns->exposures)
               : 0;
}

/* Marks of how the detector was held up are found anew. */
static void count_frame(struct run_counts *counts, const struct file_frame *frame)
{
    const bool late = frame->status & FRAME_FLAG_LATE;
    const bool placed = frame->position >= 0;
    counter_add(&counts->received, 1);
    counter_add(placed                                     ? &counts->placed
                : frame->position == SCAN_POSITION_SKIPPED ? &counts->skipped
                                                           : &counts->surplus,
                1);
    counter_add(placed ? &counts->recorded : &counts->extra_recorded, 1);
    if (placed)
        counter_add(late ? &counts->not_analysed : &counts->analysed, 1);
    if (frame->status & FRAME_FLAG_DUPLICATE) {
        counter_add(&counts->received, 1);
        counter_add(&counts->duplicate, 1);
    }
    if (placed && (frame->status & FRAME_FLAG_SATURATED))
        counter_add(&counts->saturated, 1);
}

static int take_frame(struct run *run, uint64_t row, const struct file_frame *frame,
                      const struct more_columns *columns)
{
    struct frame_facts *const facts = frame_table_make(run->frames, row);
    const bool late = frame->status & FRAME_FLAG_LATE;
    if (!facts)
        return -ENOMEM;
    facts->number = columns->numbers[row % WINDOW];
    facts->timestamp_ns = columns->timestamps[row % WINDOW];
    facts->exposure_ns = columns->exposures[row % WINDOW];
    facts->position = frame->position;
    facts->settings = 1;
    const uint8_t flags = frame->status & (uint8_t) ~(FRAME_FLAG_STALLED | FRAME_FLAG_DEFERRED);
    atomic_store_explicit(&facts->flags, flags, memory_order_relaxed);
    atomic_store_explicit(&facts->state,
                          frame->position >= 0 && !late ? FRAME_ANALYSED : FRAME_RECEIVED,
                          memory_order_release);
    frame_table_raise_end(run->frames, row / run->n_layers + 1);
    count_frame(&run->counts, frame);
    return 0;
}

static int take_window(struct run *run, struct opened_file *file, struct more_columns *columns,
                       uint64_t first, uint64_t n)
{
    if (columns_load(columns, first, n) < 0)
        return -EIO;
    for (uint64_t row = first; row < first + n; row++) {
        const struct file_frame frame = file_frames_look(&file->recording.frames, row);
        const int r =
            frame.position == FILE_POSITION_NEVER_CAME ? 0 : take_frame(run, row, &frame, columns);
        if (r < 0)
            return r;
    }
    return file->recording.frames.failed ? -EIO : 0;
}

static int take_frames(struct run *run, struct opened_file *file, struct error *error)
{
    struct more_columns columns;
    const uint64_t rows = file->recording.frames.rows;
    int r = columns_init(&columns, file, error);
    for (uint64_t first = 0; r == 0 && first < rows; first += WINDOW) {
        const uint64_t n = rows - first < WINDOW ? rows - first : WINDOW;
        r = take_window(run, file, &columns, first, n);
        if (r == -ENOMEM)
            error_set(error, r, "no memory for the frames of %.300s", file->path);
        else if (r < 0)
            error_set(error, r, "cannot read /entry/frames of %.300s: the file is damaged",
                      file->path);
    }
    columns_finish(&columns);
    return r;
}

/* ---- the rest ---- */

/* What ended it, by its name; a run that a crash ended was as good as shut down. */
static enum run_end read_end(const struct opened_file *file)
{
    const char *const cause = json_string_value(json_object_get(file->statistics, "cause"));
    for (enum run_end end = RUN_END_LAST; cause && end <= RUN_END_SHUTDOWN; end++) {
        if (strcmp(cause, run_end_name(end)) == 0)
            return end;
    }
    return RUN_END_SHUTDOWN;
}

static void take_end(struct run *run, const struct opened_file *file)
{
    const json_t *const recording = json_object_get(file->statistics, "recording");
    run->started_ns = json_time_ns(json_object_get(file->statistics, "started"));
    const uint64_t ended = json_time_ns(json_object_get(file->statistics, "ended"));
    atomic_store(&run->ended_ns, ended ? ended : run->started_ns);
    atomic_store(&run->end, read_end(file));
    atomic_store(&run->phase, RUN_FINISHING);
    run->recording->bytes_raw =
        (uint64_t)json_integer_value(json_object_get(recording, "bytes_raw"));
    run->recording->bytes_written =
        (uint64_t)json_integer_value(json_object_get(recording, "bytes_written"));
    snprintf(run->recording->path, sizeof run->recording->path, "%s", file->path);
}

/* Through which it was seen last; that of storage, where the file cannot tell. */
static int take_view(struct run *run, const struct opened_file *file, struct error *error)
{
    const json_t *const history = file->recording.history;
    struct scan_geometry last = {0};
    struct error ignored = {0};
    if (json_array_size(history) < 2 ||
        file_history_last(history) == file_history_stored(history) ||
        file_geometry_read(&last, file->recording.file,
                           json_array_get(history, file_history_last(history)), &ignored) < 0)
        return 0;
    const int r = run_set_view(run, &last, "request");
    file_geometry_finish(&last);
    return r < 0 ? error_set(error, r, "no memory for the geometry") : 0;
}

int opened_run_create(struct run **out, struct opened_file *file, struct acquisition_plan *plan,
                      unsigned n_workers, struct error *error)
{
    struct run *run = NULL;
    fill_plan(file, plan);
    const struct run_frames frames = {
        .format = &file->format,
        .n_layers = file->recording.n_layers,
        .colour = strcmp(file->recording.layers[0].name, "layer0") == 0,
        .hdr = (const uint8_t *)file->hdr,
        .hdr_size = file->hdr_size,
    };
    int r = run_create(&run, plan, &frames, n_workers, error);
    if (r < 0) {
        opened_file_destroy(file);
        return r;
    }
    run->store = (struct chunk_store){file, read_chunk, destroy_file};
    run->chunk_frames = file->recording.layers[0].images.chunk_frames;
    r = take_frames(run, file, error);
    if (r == 0)
        r = take_view(run, file, error);
    take_end(run, file);
    if (r < 0)
        run_unref(run);
    else
        *out = run;
    return r;
}
