#include "daemon/record/file_frames.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/record/file_read.h"
#include "processing/tables/frame_table.h"

static hid_t open_column(hid_t entry, const char *path, uint64_t *rows)
{
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX];
    if (!file_has(entry, path))
        return H5I_INVALID_HID;
    const hid_t dataset = H5Dopen2(entry, path, H5P_DEFAULT);
    if (dataset >= 0 && file_extent(dataset, &rank, extent) && rank == 1) {
        *rows = extent[0];
        return dataset;
    }
    if (dataset >= 0)
        H5Dclose(dataset);
    return H5I_INVALID_HID;
}

int file_frames_open(struct file_frames *frames, hid_t entry, struct error *error)
{
    uint64_t with_status = 0;
    *frames = (struct file_frames){.position = -1, .status = -1};
    frames->position = open_column(entry, "frames/position", &frames->rows);
    frames->status = open_column(entry, "frames/status", &with_status);
    frames->positions = malloc(FILE_FRAMES_WINDOW * sizeof *frames->positions);
    frames->statuses = malloc(FILE_FRAMES_WINDOW);
    if (!frames->positions || !frames->statuses)
        return error_set(error, -ENOMEM, "no memory for the table of frames");
    if (frames->position < 0)
        return error_set(error, -EBADMSG,
                         "there is no /entry/frames/position: this is no recording of merlind");
    if (with_status < frames->rows && frames->status >= 0)
        frames->rows = with_status;
    if (frames->rows > FRAME_TABLE_MAX_FRAMES)
        return error_set(error, -EBADMSG, "/entry/frames is longer than any run can be");
    return 0;
}

void file_frames_finish(struct file_frames *frames)
{
    if (frames->position >= 0)
        H5Dclose(frames->position);
    if (frames->status >= 0)
        H5Dclose(frames->status);
    free(frames->positions);
    free(frames->statuses);
    *frames = (struct file_frames){.position = -1, .status = -1};
}

static int load_window(struct file_frames *frames, uint64_t row)
{
    const uint64_t first = row - row % FILE_FRAMES_WINDOW;
    const uint64_t there = frames->rows - first;
    const uint64_t n = there < FILE_FRAMES_WINDOW ? there : FILE_FRAMES_WINDOW;
    frames->n = 0;
    if (file_read_rows(frames->position, H5T_NATIVE_INT64, first, n, frames->positions) < 0)
        return -1;
    for (uint64_t i = 0; frames->status < 0 && i < n; i++)
        frames->statuses[i] = frames->positions[i] < -2 ? FRAME_FLAG_MISSING : 0;
    if (frames->status >= 0 &&
        file_read_rows(frames->status, H5T_NATIVE_UINT8, first, n, frames->statuses) < 0)
        return -1;
    frames->first = first;
    frames->n = n;
    return 0;
}

struct file_frame file_frames_look(struct file_frames *frames, uint64_t row)
{
    static const struct file_frame never_came = {FILE_POSITION_NEVER_CAME, FRAME_FLAG_MISSING};
    if (row >= frames->rows || frames->failed)
        return never_came;
    if ((row < frames->first || row >= frames->first + frames->n) && load_window(frames, row) < 0) {
        frames->failed = true;
        return never_came;
    }
    const struct file_frame frame = {
        .position = frames->positions[row - frames->first],
        .status = frames->statuses[row - frames->first],
    };
    return frame.position < SCAN_POSITION_SURPLUS ? never_came : frame;
}
