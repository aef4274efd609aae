#include "daemon/record/file_recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/record/file_geometry.h"
#include "daemon/record/hdf5_error.h"

/* 24 bytes of memory each. */
#define EXTRA_MAX ((uint64_t)1 << 28)

#define READ_ATTEMPTS 24

/* ---- the file ---- */

/* The sentence of the system is better than that of HDF5. */
static int check_readable(const char *path, struct error *error)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return error_set(error, -errno, "cannot read %.300s: %s", path, strerror(errno));
    close(descriptor);
    return 0;
}

static hid_t open_hdf5(const char *path, unsigned flags)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file = -1;
    /* A reader that meets a writer tries again, after a time that doubles each time: 2^24 ns at
     * most. By itself the library would try a hundred times. */
    if (access >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
        H5Pset_metadata_read_attempts(access, READ_ATTEMPTS) >= 0)
        file = H5Fopen(path, flags, access);
    if (access >= 0)
        H5Pclose(access);
    return file;
}

static int open_file(struct file_recording *recording, struct error *error)
{
    const char *const path = recording->path;
    const int r = check_readable(path, error);
    if (r < 0)
        return r;
    recording->file = open_hdf5(path, H5F_ACC_RDONLY);
    if (recording->file < 0) {
        recording->file = open_hdf5(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ);
        recording->growing = recording->file >= 0;
    }
    hdf5_error_forget();
    if (recording->file < 0)
        return error_set(error, -EBADMSG,
                         "%.300s is no HDF5 file, or one that was left before anything was "
                         "recorded: merlin-file reads the .h5 files that merlind records",
                         path);
    recording->entry = H5Gopen2(recording->file, "entry", H5P_DEFAULT);
    hdf5_error_forget();
    return 0;
}

/* ---- layers ---- */

static int open_layer(struct file_recording *recording, const char *group, const char *name,
                      struct error *error)
{
    char path[80];
    if (recording->n_layers == RUN_MAX_LAYERS)
        return error_set(error, -EBADMSG, "%.300s has more layers than any detector",
                         recording->path);
    struct file_layer *const layer = &recording->layers[recording->n_layers];
    snprintf(layer->name, sizeof layer->name, "%s", name);
    snprintf(layer->group, sizeof layer->group, "%s", group);
    snprintf(path, sizeof path, "%s/data", layer->group);
    const hid_t dataset = H5Dopen2(recording->entry, path, H5P_DEFAULT);
    const int r = image_store_open(&layer->images, dataset, path, error);
    if (r < 0)
        return r;
    recording->n_layers++;
    const struct image_store *const one = &recording->layers[0].images, *const other =
                                                                            &layer->images;
    if (one->rank != other->rank ||
        memcmp(one->extent, other->extent, one->rank * sizeof *one->extent) != 0 ||
        H5Tequal(one->type, other->type) <= 0)
        return error_set(error, -EBADMSG, "%.300s: /entry/%s does not fit /entry/data",
                         recording->path, group);
    return 0;
}

struct layer_search {
    struct file_recording *recording;
    struct error *error;
    int result;
};

/* The groups data_LAYER come by name, which is the order of layers. */
static int find_layer(hid_t entry, const char *name, H5L_type_t type, void *data)
{
    struct layer_search *const search = data;
    char path[80];
    if (type != H5L_TYPE_HARD || strncmp(name, "data_", 5) != 0 || strlen(name) > 40)
        return 0;
    snprintf(path, sizeof path, "%s/data", name);
    if (!file_has(entry, path))
        return 0;
    search->result = open_layer(search->recording, name, name + 5, search->error);
    return search->result;
}

static int open_layers(struct file_recording *recording, struct error *error)
{
    struct layer_search search = {recording, error, 0};
    const hid_t first = H5Gopen2(recording->entry, "data", H5P_DEFAULT);
    char *const name = first < 0 ? NULL : file_read_attribute(first, "layer");
    if (first >= 0)
        H5Gclose(first);
    int r = open_layer(recording, "data", name ? name : "", error);
    if (r == 0 && name && file_each_member(recording->entry, find_layer, &search) < 0)
        r = search.result < 0 ? search.result
                              : error_set(error, -EIO, "cannot read %.300s", recording->path);
    free(name);
    return r;
}

/* ---- extra frames ---- */

static int by_row(const void *a, const void *b)
{
    const struct file_extra *const one = a, *const other = b;
    if (one->row != other->row)
        return one->row < other->row ? -1 : 1;
    return one->place < other->place ? -1 : one->place > other->place;
}

static void index_extra(struct file_recording *recording, const uint64_t *rows,
                        const uint8_t *reasons)
{
    for (uint64_t i = 0; i < recording->n_extra; i++)
        recording->by_row[i] = (struct file_extra){rows[i], i, reasons[i]};
    qsort(recording->by_row, recording->n_extra, sizeof *recording->by_row, by_row);
}

static int read_column(const struct file_recording *recording, const char *path, hid_t type,
                       void *values)
{
    if (recording->n_extra == 0)
        return 0;
    const hid_t dataset = H5Dopen2(recording->entry, path, H5P_DEFAULT);
    if (dataset < 0)
        return -1;
    const int r = file_read_rows(dataset, type, 0, recording->n_extra, values);
    H5Dclose(dataset);
    return r;
}

static uint64_t column_length(const struct file_recording *recording, const char *path)
{
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX] = {0};
    const hid_t dataset = file_has(recording->entry, path)
                              ? H5Dopen2(recording->entry, path, H5P_DEFAULT)
                              : H5I_INVALID_HID;
    if (dataset < 0 || !file_extent(dataset, &rank, extent) || rank != 1)
        extent[0] = 0;
    if (dataset >= 0)
        H5Dclose(dataset);
    return extent[0];
}

static int read_extra(struct file_recording *recording, struct error *error)
{
    const uint64_t n = recording->n_extra;
    uint64_t *const rows = n < EXTRA_MAX ? malloc((n + 1) * sizeof *rows) : NULL;
    uint8_t *const reasons = n < EXTRA_MAX ? malloc(n + 1) : NULL;
    recording->by_row = n < EXTRA_MAX ? malloc((n + 1) * sizeof *recording->by_row) : NULL;
    int r = 0;
    if (!rows || !reasons || !recording->by_row)
        r = error_set(error, -ENOMEM, "no memory for the list of /entry/extra");
    else if (read_column(recording, "extra/frame", H5T_NATIVE_UINT64, rows) < 0 ||
             read_column(recording, "extra/reason", H5T_NATIVE_UINT8, reasons) < 0)
        r = error_set(error, -EBADMSG, "%.300s: /entry/extra cannot be read", recording->path);
    else
        index_extra(recording, rows, reasons);
    free(reasons);
    free(rows);
    return r;
}

static bool same_frames(const struct image_store *a, const struct image_store *b)
{
    return a->frame_size == b->frame_size && H5Tequal(a->type, b->type) > 0 &&
           a->extent[a->rank - 1] == b->extent[b->rank - 1];
}

static int open_extra(struct file_recording *recording, struct error *error)
{
    recording->extra = (struct image_store){.id = -1, .type = -1};
    if (!file_has(recording->entry, "extra/data"))
        return 0;
    const hid_t dataset = H5Dopen2(recording->entry, "extra/data", H5P_DEFAULT);
    int r = image_store_open(&recording->extra, dataset, "/entry/extra/data", error);
    if (r < 0)
        return r;
    if (recording->extra.rank != 3 || !same_frames(&recording->extra, &recording->layers[0].images))
        return error_set(error, -EBADMSG, "%.300s: /entry/extra does not fit /entry/data",
                         recording->path);
    const uint64_t with_frame = column_length(recording, "extra/frame");
    const uint64_t with_reason = column_length(recording, "extra/reason");
    recording->n_extra = image_store_places(&recording->extra);
    if (with_frame < recording->n_extra)
        recording->n_extra = with_frame;
    if (with_reason < recording->n_extra)
        recording->n_extra = with_reason;
    return read_extra(recording, error);
}

/* ---- all ---- */

int file_recording_open_file(struct file_recording *recording, const char *path,
                             struct error *error)
{
    *recording = (struct file_recording){.path = path, .file = -1, .entry = -1};
    recording->frames = (struct file_frames){.position = -1, .status = -1};
    recording->extra = (struct image_store){.id = -1, .type = -1};
    return open_file(recording, error);
}

int file_recording_look(struct file_recording *recording, struct error *error)
{
    if (!file_has(recording->file, "entry/data/data"))
        return error_set(error, -EBADMSG,
                         "%.300s has no /entry/data/data: it is no recording of merlind",
                         recording->path);
    if (recording->entry < 0)
        return error_set(error, -EBADMSG, "%.300s: /entry is no group", recording->path);
    int r = open_layers(recording, error);
    if (r == 0)
        r = file_frames_open(&recording->frames, recording->entry, error);
    if (r == 0)
        r = open_extra(recording, error);
    if (r == 0)
        r = file_recording_read_geometry(recording, error);
    return r;
}

int file_recording_open(struct file_recording *recording, const char *path, struct error *error)
{
    const int r = file_recording_open_file(recording, path, error);
    return r < 0 ? r : file_recording_look(recording, error);
}

void file_recording_close(struct file_recording *recording)
{
    file_geometry_finish(&recording->storage);
    json_decref(recording->history);
    free(recording->by_row);
    image_store_finish(&recording->extra);
    file_frames_finish(&recording->frames);
    while (recording->n_layers > 0)
        image_store_finish(&recording->layers[--recording->n_layers].images);
    if (recording->entry >= 0)
        H5Gclose(recording->entry);
    if (recording->file >= 0)
        H5Fclose(recording->file);
    *recording = (struct file_recording){.file = -1, .entry = -1};
}

int file_recording_check(const struct file_recording *recording, struct error *error)
{
    if (!recording->frames.failed)
        return 0;
    struct error reason = {0};
    hdf5_error_take(&reason, "read", recording->path);
    return error_set(error, -EIO, "cannot read /entry/frames of %.300s: the file is damaged",
                     recording->path);
}

uint64_t file_recording_frames(const struct file_recording *recording)
{
    const unsigned n = recording->n_layers;
    return (recording->frames.rows + n - 1) / n;
}

/* ---- where the pixels are ---- */

uint64_t file_recording_first_extra(const struct file_recording *recording, uint64_t row)
{
    uint64_t low = 0, high = recording->n_extra;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (recording->by_row[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Not a duplicate. */
static const struct file_extra *find_extra(const struct file_recording *recording, uint64_t row)
{
    uint64_t i = file_recording_first_extra(recording, row);
    for (; i < recording->n_extra && recording->by_row[i].row == row; i++) {
        if (!(recording->by_row[i].reason & FRAME_FLAG_DUPLICATE))
            return &recording->by_row[i];
    }
    return NULL;
}

/* Of a list the place in the order of the list, else the position itself. */
static int64_t place_of(const struct file_recording *recording, uint64_t row,
                        const struct file_frame *frame)
{
    if (recording->storage.order != SCAN_ORDER_LIST || recording->storage.ny == 0)
        return frame->position;
    const uint64_t index = row / recording->n_layers;
    if (scan_geometry_position(&recording->storage, index) < 0)
        return -1;
    return scan_geometry_place(&recording->storage, index);
}

struct image_source file_recording_source(const struct file_recording *recording, unsigned layer,
                                          uint64_t row, const struct file_frame *frame)
{
    const struct image_source none = {0};
    if (frame->position == FILE_POSITION_NEVER_CAME)
        return none;
    if (frame->position < 0 || (frame->status & FRAME_FLAG_LATE)) {
        const struct file_extra *const extra = find_extra(recording, row);
        return extra ? (struct image_source){&recording->extra, extra->place} : none;
    }
    const struct image_store *const images = &recording->layers[layer].images;
    const int64_t place = place_of(recording, row, frame);
    if (place < 0 || (uint64_t)place >= image_store_places(images))
        return none;
    return (struct image_source){images, (uint64_t)place};
}

bool file_recording_place_used(struct file_recording *recording, const struct image_source *source,
                               unsigned layer)
{
    if (source->store == &recording->extra)
        return true;
    const int64_t index = scan_geometry_frame_at_place(&recording->storage, source->place);
    if (index < 0)
        return false;
    const uint64_t row = (uint64_t)index * recording->n_layers + layer;
    const struct file_frame frame = file_frames_look(&recording->frames, row);
    return file_recording_source(recording, layer, row, &frame).store == source->store;
}
