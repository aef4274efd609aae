#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "processing/message_batch.h"
#include "processing/run/run.h"

/*
 * /entry/messages: one row per message of the run in the order of arrival, what is needed to give
 * back what the detector sent bit for bit. Headers are nearly the same from frame to frame: blocks
 * of them are compressed (Blosc lz4) when they are full, and as far as they are at each flush.
 * Workers overtake each other, so a few blocks are open at a time; a message for one that was
 * closed brings it back from the file.
 */
#define MESSAGE_BLOCK_ROWS 256
#define MESSAGE_BLOCKS_OPEN 8
/* A row whose message is not (yet) in the file. */
#define MESSAGE_ROW_NONE UINT64_MAX

struct message_block {
    uint64_t index; /* of its first row, in blocks */
    unsigned n;     /* rows that have a message; 0: the block is free */
    bool dirty;
    uint64_t rows[MESSAGE_BLOCK_ROWS];
    uint32_t crcs[MESSAGE_BLOCK_ROWS], header_crcs[MESSAGE_BLOCK_ROWS];
    uint8_t *headers; /* [MESSAGE_BLOCK_ROWS][header_size] */
};

struct message_datasets {
    hid_t row, crc32c, header_crc32c, header, header_type;
    hid_t payload, payload_message; /* of formats that decoding may spoil, else -1 */
    size_t header_size, payload_size;
    uint64_t length;     /* rows in the file */
    uint64_t n_payloads; /* in the file */
    struct message_block blocks[MESSAGE_BLOCKS_OPEN];
    uint8_t *scratch; /* a compressed block */
};

/* All return 0 or a negative number: HDF5 failed or there is no memory; finish is to be called in
 * any case. */
int message_datasets_create(struct message_datasets *messages, hid_t entry, const struct run *run);
int message_datasets_write(struct message_datasets *messages, const struct message_batch *batch);
int message_datasets_update(struct message_datasets *messages);
void message_datasets_finish(struct message_datasets *messages);
