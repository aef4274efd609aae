#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/record/message_datasets.h"

/*
 * /entry/messages of a recording: the messages as they came, but for their pixels. Read in windows,
 * so whoever goes through them in order reads each once.
 */
struct file_messages {
    hid_t row, crc32c, header_crc32c, header, header_type;
    hid_t payload; /* -1: no payload is kept */
    uint64_t n;
    size_t header_size, payload_size;
    uint32_t gap; /* columns and rows between chips that decoding put in */
    uint64_t n_payloads;
    uint64_t *kept; /* [n_payloads]: which messages' payloads */
    uint64_t first; /* of the window */
    uint64_t rows[MESSAGE_BLOCK_ROWS];
    uint32_t crcs[MESSAGE_BLOCK_ROWS], header_crcs[MESSAGE_BLOCK_ROWS];
    uint8_t *headers;
    uint64_t in_window;
};

struct file_message {
    uint64_t row; /* MESSAGE_ROW_NONE: it was not recorded */
    uint32_t crc32c, header_crc32c;
    const uint8_t *header; /* header_size bytes, until the next look */
};

/* -ENOTSUP: a file of a merlind that kept no messages. -EBADMSG: they cannot be read. */
int file_messages_open(struct file_messages *messages, hid_t entry, struct error *error);
void file_messages_finish(struct file_messages *messages);

/* -EIO: HDF5 failed. */
int file_messages_look(struct file_messages *messages, uint64_t arrival,
                       struct file_message *message);

/* The payload of a message that was kept as it came: 1; 0: it was not kept; -EIO. */
int file_messages_payload(const struct file_messages *messages, uint64_t arrival, void *payload);
