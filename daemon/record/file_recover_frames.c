#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_recover.h"
#include "daemon/record/grown_dataset.h"
#include "detector/frame_header.h"
#include "processing/tables/frame_table.h"

#define WINDOW GROWN_DATASET_CHUNK
#define N_COLUMNS 8

struct rows {
    uint64_t number[WINDOW];
    int64_t position[WINDOW];
    uint64_t timestamp[WINDOW], exposure[WINDOW];
    uint8_t status[WINDOW];
    uint32_t crc32c[WINDOW];
    int64_t message[WINDOW];
    uint8_t layer[WINDOW];
};

struct column {
    const char *path;
    hid_t type;
    void *values;
    hid_t dataset; /* -1: the file has none */
};

static void list_columns(struct column columns[N_COLUMNS], struct rows *rows)
{
    const struct column list[N_COLUMNS] = {
        {"frames/number", H5T_NATIVE_UINT64, rows->number, -1},
        {"frames/position", H5T_NATIVE_INT64, rows->position, -1},
        {"frames/timestamp_ns", H5T_NATIVE_UINT64, rows->timestamp, -1},
        {"frames/exposure_ns", H5T_NATIVE_UINT64, rows->exposure, -1},
        {"frames/status", H5T_NATIVE_UINT8, rows->status, -1},
        {"frames/crc32c", H5T_NATIVE_UINT32, rows->crc32c, -1},
        {"frames/message", H5T_NATIVE_INT64, rows->message, -1},
        {"frames/layer", H5T_NATIVE_UINT8, rows->layer, -1},
    };
    memcpy(columns, list, sizeof list);
}

/* ---- rows ---- */

/* A row that the table did not have yet, from its message. */
static void make_row(struct recover *recover, struct rows *rows, size_t at,
                     const struct recovered_frame *frame)
{
    const unsigned n_layers = recover->old.n_layers;
    struct file_message message;
    size_t geometry_at;
    if (file_messages_look(&recover->payloads.messages, frame->arrival, &message) < 0 ||
        !message.header)
        return;
    const size_t size = recover->payloads.messages.header_size;
    (void)frame_header_number(message.header, size, &rows->number[at], &geometry_at);
    frame_header_parse_time(message.header, size, &rows->timestamp[at], &rows->exposure[at]);
    rows->position[at] = scan_geometry_position(&recover->old.storage, frame->row / n_layers);
    rows->status[at] = rows->position[at] == SCAN_POSITION_SKIPPED   ? FRAME_FLAG_SKIPPED
                       : rows->position[at] == SCAN_POSITION_SURPLUS ? FRAME_FLAG_SURPLUS
                                                                     : 0;
    rows->crc32c[at] = frame->crc32c;
    rows->message[at] = (int64_t)frame->arrival;
    rows->layer[at] = (uint8_t)(frame->row % n_layers);
    recover->counts.rows_added++;
}

static bool row_came(const struct rows *rows, size_t at)
{
    return rows->position[at] != FILE_POSITION_NEVER_CAME;
}

/* `next` is the first proven frame at or after the window. Returns whether anything changed. */
static bool mend_rows(struct recover *recover, struct rows *rows, uint64_t first, uint64_t n,
                      size_t *next)
{
    bool changed = false;
    for (size_t at = 0; at < n; at++) {
        const uint64_t row = first + at;
        while (*next < recover->n_frames && recover->frames[*next].row < row)
            ++*next;
        const bool proven = *next < recover->n_frames && recover->frames[*next].row == row;
        if (proven == row_came(rows, at))
            continue;
        changed = true;
        if (proven) {
            make_row(recover, rows, at, &recover->frames[*next]);
            continue;
        }
        rows->position[at] = FILE_POSITION_NEVER_CAME;
        rows->status[at] |= FRAME_FLAG_MISSING;
        recover->counts.frames_left_out++;
    }
    return changed;
}

/* ---- the table ---- */

static int move_rows(const struct column columns[N_COLUMNS], uint64_t first, uint64_t n, bool write)
{
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        const struct column *const column = &columns[i];
        if (column->dataset < 0)
            continue;
        const herr_t r =
            write ? grown_dataset_write(column->dataset, column->type, first, n, column->values)
                  : grown_dataset_read(column->dataset, column->type, first, n, column->values);
        if (r < 0)
            return -1;
    }
    return 0;
}

static int mend_table(struct recover *recover, const struct column columns[N_COLUMNS],
                      struct rows *rows, uint64_t length)
{
    size_t next = 0;
    for (uint64_t first = 0, n; first < length; first += n) {
        n = length - first < WINDOW ? length - first : WINDOW;
        if (move_rows(columns, first, n, false) < 0)
            return -1;
        if (mend_rows(recover, rows, first, n, &next) && move_rows(columns, first, n, true) < 0)
            return -1;
    }
    return 0;
}

static int open_columns(struct column columns[N_COLUMNS], hid_t entry, uint64_t length)
{
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        struct column *const column = &columns[i];
        if (!file_has(entry, column->path))
            continue;
        column->dataset = H5Dopen2(entry, column->path, H5P_DEFAULT);
        if (column->dataset < 0 || grown_dataset_extend(column->dataset, length) < 0)
            return -1;
    }
    return 0;
}

int recover_frames(struct recover *recover, hid_t entry)
{
    struct rows *const rows = malloc(sizeof *rows);
    struct column columns[N_COLUMNS];
    uint64_t length = recover->old.frames.rows;
    if (!rows)
        return -1;
    if (recover->n_frames > 0 && recover->frames[recover->n_frames - 1].row >= length)
        length = recover->frames[recover->n_frames - 1].row + 1;
    list_columns(columns, rows);
    int r = open_columns(columns, entry, length);
    if (r == 0)
        r = mend_table(recover, columns, rows, length);
    for (unsigned i = 0; i < N_COLUMNS; i++) {
        if (columns[i].dataset >= 0)
            H5Dclose(columns[i].dataset);
    }
    free(rows);
    return r;
}
