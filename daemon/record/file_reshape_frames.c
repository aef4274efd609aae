#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_reshape.h"
#include "daemon/record/grown_dataset.h"
#include "processing/tables/frame_table.h"

/* A shape that needs more rows than this gets none for frames that cannot have come. */
#define ROWS_MAX_MADE (UINT64_C(1) << 26)

/* Position and status of a frame that came, as the new geometry has them. */
static void judge(const struct reshape *reshape, uint64_t row, struct file_frame *frame)
{
    const unsigned of_place = FRAME_FLAG_SKIPPED | FRAME_FLAG_SURPLUS | FRAME_FLAG_LATE;
    if (frame->position == FILE_POSITION_NEVER_CAME)
        return;
    frame->position = reshape_position(reshape, row);
    frame->status = (uint8_t)(frame->status & ~of_place);
    if (frame->position == SCAN_POSITION_SKIPPED)
        frame->status |= FRAME_FLAG_SKIPPED;
    else if (frame->position == SCAN_POSITION_SURPLUS)
        frame->status |= FRAME_FLAG_SURPLUS;
}

struct columns {
    hid_t position, status; /* -1: there is none */
    int64_t positions[GROWN_DATASET_CHUNK];
    uint8_t statuses[GROWN_DATASET_CHUNK];
};

/* Returns how many of the n rows are frames that came. */
static uint64_t judge_rows(struct columns *columns, struct reshape *reshape, uint64_t first,
                           uint64_t n)
{
    uint64_t came = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct file_frame frame = file_frames_look(&reshape->old.frames, first + i);
        judge(reshape, first + i, &frame);
        columns->positions[i] = frame.position;
        columns->statuses[i] = frame.status;
        came += frame.position != FILE_POSITION_NEVER_CAME;
    }
    return came;
}

static int rewrite_rows(struct columns *columns, struct reshape *reshape)
{
    const uint64_t end = reshape->old.frames.rows;
    for (uint64_t first = 0, n; first < end; first += n) {
        n = end - first < GROWN_DATASET_CHUNK ? end - first : GROWN_DATASET_CHUNK;
        /* Stretches where nothing came are as they were. */
        if (judge_rows(columns, reshape, first, n) == 0)
            continue;
        if (grown_dataset_write(columns->position, H5T_NATIVE_INT64, first, n, columns->positions) <
            0)
            return -1;
        if (columns->status >= 0 &&
            grown_dataset_write(columns->status, H5T_NATIVE_UINT8, first, n, columns->statuses) < 0)
            return -1;
    }
    return reshape->old.frames.failed ? -1 : 0;
}

static int rewrite_table(struct reshape *reshape, hid_t group)
{
    struct columns *const columns = malloc(sizeof *columns);
    if (!columns)
        return -1;
    const bool has_status = reshape->old.frames.status >= 0;
    columns->position = H5Dopen2(group, "position", H5P_DEFAULT);
    columns->status = has_status ? H5Dopen2(group, "status", H5P_DEFAULT) : H5I_INVALID_HID;
    int r = -1;
    if (columns->position >= 0 && (!has_status || columns->status >= 0))
        r = rewrite_rows(columns, reshape);
    if (columns->status >= 0)
        H5Dclose(columns->status);
    if (columns->position >= 0)
        H5Dclose(columns->position);
    free(columns);
    return r;
}

/* Rows to the last frame that the new geometry expects. */
static uint64_t rows_expected(const struct reshape *reshape)
{
    const struct scan_geometry *const geometry = &reshape->geometry;
    if (reshape->length == 0)
        return 0;
    int64_t last = scan_geometry_frame_at_place(geometry, reshape->length - 1);
    /* A line that goes backwards ends at its first place. */
    if (geometry->order == SCAN_ORDER_SERPENTINE && geometry->ny > 0) {
        const int64_t other =
            scan_geometry_frame_at_place(geometry, reshape->length - geometry->nx);
        last = other > last ? other : last;
    }
    return last < 0 ? 0 : ((uint64_t)last + 1) * reshape->old.n_layers;
}

struct extension {
    uint64_t from, to;
    bool refused;
};

/* Whether new rows of a dataset would say what is true of a frame that never came. */
static bool fills_rightly(hid_t dataset, const char *name)
{
    const hid_t properties = H5Dget_create_plist(dataset);
    int64_t value = 0;
    const bool read =
        properties >= 0 && H5Pget_fill_value(properties, H5T_NATIVE_INT64, &value) >= 0;
    if (properties >= 0)
        H5Pclose(properties);
    if (strcmp(name, "position") == 0)
        return read && value == FILE_POSITION_NEVER_CAME;
    if (strcmp(name, "status") == 0)
        return read && value == FRAME_FLAG_MISSING;
    return read;
}

static hid_t open_row_column(hid_t group, const char *name, uint64_t rows)
{
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX];
    const hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
    if (dataset >= 0 && file_extent(dataset, &rank, extent) && rank == 1 && extent[0] == rows)
        return dataset;
    if (dataset >= 0)
        H5Dclose(dataset);
    return H5I_INVALID_HID;
}

static bool can_grow(hid_t dataset)
{
    hsize_t extent, limit = 0;
    const hid_t space = H5Dget_space(dataset);
    if (space < 0)
        return false;
    H5Sget_simple_extent_dims(space, &extent, &limit);
    H5Sclose(space);
    return limit == H5S_UNLIMITED;
}

static int look_at_column(hid_t group, const char *name, H5L_type_t type, void *data)
{
    struct extension *const extension = data;
    const hid_t dataset = open_row_column(group, name, extension->from);
    if (dataset < 0)
        return 0;
    if (!can_grow(dataset) || !fills_rightly(dataset, name))
        extension->refused = true;
    H5Dclose(dataset);
    return 0;
}

static int extend_column(hid_t group, const char *name, H5L_type_t type, void *data)
{
    const struct extension *const extension = data;
    const hid_t dataset = open_row_column(group, name, extension->from);
    if (dataset < 0)
        return 0;
    const hsize_t extent = extension->to;
    const herr_t r = H5Dset_extent(dataset, &extent);
    H5Dclose(dataset);
    return r < 0 ? -1 : 0;
}

/* The table reaches to the last frame that came or is expected (merlind-file(5)), where its columns
 * can grow; all of them or none. */
static int extend_table(const struct reshape *reshape, hid_t group)
{
    struct extension extension = {reshape->old.frames.rows, rows_expected(reshape), false};
    if (extension.to <= extension.from || extension.to > ROWS_MAX_MADE)
        return 0;
    if (file_each_member(group, look_at_column, &extension) < 0)
        return -1;
    return extension.refused ? 0 : file_each_member(group, extend_column, &extension);
}

int reshape_frames(struct reshape *reshape)
{
    if (file_copy_member(&reshape->copier, reshape->old.entry, "frames", reshape->entry) < 0)
        return -1;
    const hid_t group = H5Gopen2(reshape->entry, "frames", H5P_DEFAULT);
    if (group < 0)
        return -1;
    int r = rewrite_table(reshape, group);
    if (r == 0)
        r = extend_table(reshape, group);
    H5Gclose(group);
    return r;
}
