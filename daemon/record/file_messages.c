#include "daemon/record/file_messages.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/record/file_read.h"
#include "daemon/record/hdf5_error.h"
#include "detector/frame_header.h"

#define PAYLOAD_MAX ((uint64_t)FRAME_HEADER_MAX_SIDE * FRAME_HEADER_MAX_SIDE * 8)

static hid_t open_column(hid_t group, const char *name, uint64_t *length)
{
    unsigned rank = 0;
    hsize_t extent[FILE_RANK_MAX] = {0};
    const hid_t dataset =
        file_has(group, name) ? H5Dopen2(group, name, H5P_DEFAULT) : H5I_INVALID_HID;
    if (dataset >= 0 && !file_extent(dataset, &rank, extent))
        extent[0] = 0;
    if (extent[0] < *length)
        *length = extent[0];
    return dataset;
}

static int read_kept(struct file_messages *messages, hid_t group)
{
    uint64_t n = UINT64_MAX;
    messages->payload = open_column(group, "payload", &n);
    if (messages->payload < 0)
        return 0;
    const hid_t column = open_column(group, "payload_message", &n);
    if (column < 0)
        return -1;
    messages->kept = n < SIZE_MAX / 16 ? malloc((n + 1) * sizeof *messages->kept) : NULL;
    const int r = !messages->kept ? -1
                  : n == 0        ? 0
                                  : file_read_rows(column, H5T_NATIVE_UINT64, 0, n, messages->kept);
    messages->n_payloads = n;
    H5Dclose(column);
    return r;
}

static int open_columns(struct file_messages *messages, hid_t group)
{
    uint64_t payload_size = 0, gap = 0;
    messages->n = UINT64_MAX;
    messages->row = open_column(group, "row", &messages->n);
    messages->crc32c = open_column(group, "crc32c", &messages->n);
    messages->header_crc32c = open_column(group, "header_crc32c", &messages->n);
    messages->header = open_column(group, "header", &messages->n);
    if (messages->row < 0 || messages->crc32c < 0 || messages->header_crc32c < 0 ||
        messages->header < 0 || !file_read_number(group, "payload_size", &payload_size) ||
        !file_read_number(group, "detector_gap", &gap) || payload_size > PAYLOAD_MAX)
        return -1;
    messages->payload_size = payload_size;
    messages->gap = (uint32_t)gap;
    messages->header_type = H5Dget_type(messages->header);
    if (messages->header_type < 0 || H5Tget_class(messages->header_type) != H5T_STRING ||
        H5Tis_variable_str(messages->header_type) != 0)
        return -1;
    messages->header_size = H5Tget_size(messages->header_type);
    if (messages->header_size > FRAME_HEADER_MAX_DATA_OFFSET)
        return -1;
    messages->headers = malloc(MESSAGE_BLOCK_ROWS * messages->header_size);
    return messages->headers ? read_kept(messages, group) : -1;
}

int file_messages_open(struct file_messages *messages, hid_t entry, struct error *error)
{
    *messages = (struct file_messages){-1, -1, -1, -1, -1, .payload = -1};
    if (!file_has(entry, "messages"))
        return error_set(error, -ENOTSUP,
                         "there is no /entry/messages: the file is of a merlind that did not keep "
                         "the headers of frames");
    const hid_t group = H5Gopen2(entry, "messages", H5P_DEFAULT);
    const int r = group < 0 ? -1 : open_columns(messages, group);
    if (group >= 0)
        H5Gclose(group);
    hdf5_error_forget();
    return r < 0 ? error_set(error, -EBADMSG, "/entry/messages cannot be read: it is damaged") : 0;
}

void file_messages_finish(struct file_messages *messages)
{
    const hid_t datasets[] = {messages->row, messages->crc32c, messages->header_crc32c,
                              messages->header, messages->payload};
    for (size_t i = 0; i < sizeof datasets / sizeof *datasets; i++) {
        if (datasets[i] >= 0)
            H5Dclose(datasets[i]);
    }
    if (messages->header_type >= 0)
        H5Tclose(messages->header_type);
    free(messages->headers);
    free(messages->kept);
    *messages = (struct file_messages){-1, -1, -1, -1, -1, .payload = -1};
}

static int load_window(struct file_messages *messages, uint64_t arrival)
{
    const uint64_t first = arrival - arrival % MESSAGE_BLOCK_ROWS;
    const uint64_t there = messages->n - first;
    const uint64_t n = there < MESSAGE_BLOCK_ROWS ? there : MESSAGE_BLOCK_ROWS;
    messages->in_window = 0;
    if (file_read_rows(messages->row, H5T_NATIVE_UINT64, first, n, messages->rows) < 0 ||
        file_read_rows(messages->crc32c, H5T_NATIVE_UINT32, first, n, messages->crcs) < 0 ||
        file_read_rows(messages->header_crc32c, H5T_NATIVE_UINT32, first, n,
                       messages->header_crcs) < 0 ||
        file_read_rows(messages->header, messages->header_type, first, n, messages->headers) < 0)
        return -EIO;
    messages->first = first;
    messages->in_window = n;
    return 0;
}

int file_messages_look(struct file_messages *messages, uint64_t arrival,
                       struct file_message *message)
{
    *message = (struct file_message){.row = MESSAGE_ROW_NONE};
    if (arrival >= messages->n)
        return 0;
    if (arrival < messages->first || arrival >= messages->first + messages->in_window) {
        const int r = load_window(messages, arrival);
        if (r < 0)
            return r;
    }
    const uint64_t at = arrival - messages->first;
    *message = (struct file_message){
        .row = messages->rows[at],
        .crc32c = messages->crcs[at],
        .header_crc32c = messages->header_crcs[at],
        .header = messages->headers + at * messages->header_size,
    };
    return 0;
}

int file_messages_payload(const struct file_messages *messages, uint64_t arrival, void *payload)
{
    uint64_t i = 0;
    while (i < messages->n_payloads && messages->kept[i] != arrival)
        i++;
    if (i == messages->n_payloads)
        return 0;
    const hsize_t corner[] = {i, 0};
    uint32_t mask;
    return H5Dread_chunk(messages->payload, H5P_DEFAULT, corner, &mask, payload) < 0 ? -EIO : 1;
}
