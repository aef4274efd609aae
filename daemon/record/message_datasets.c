#include "daemon/record/message_datasets.h"

#include <blosc.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/blosc_filter.h"
#include "daemon/record/grown_dataset.h"
#include "daemon/record/nexus.h"

static const struct recording_settings header_compression = {
    .codec = RECORDING_CODEC_LZ4,
    .shuffle = RECORDING_SHUFFLE_NONE,
    .level = 1,
};

/* ---- making ---- */

static hid_t create_chunked(hid_t group, const char *name, hid_t type, const hsize_t *chunk,
                            int rank, const struct recording_settings *compression)
{
    const hsize_t extent[] = {0, chunk[rank - 1]};
    const hsize_t limit[] = {H5S_UNLIMITED, chunk[rank - 1]};
    const hid_t space = H5Screate_simple(rank, extent, limit);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (space >= 0 && properties >= 0 && H5Pset_chunk(properties, rank, chunk) >= 0 &&
        (!compression ||
         blosc_filter_add(properties, compression, 1, chunk[0] * H5Tget_size(type)) >= 0))
        dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
}

/* Text of the header's size, padding included. */
static hid_t header_type(size_t size)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, size) < 0 || H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static int create_payload(struct message_datasets *messages, hid_t group)
{
    static const uint64_t none = MESSAGE_ROW_NONE;
    const hsize_t chunk[] = {1, messages->payload_size};
    messages->payload = create_chunked(group, "payload", H5T_STD_U8LE, chunk, 2, NULL);
    messages->payload_message =
        grown_dataset_create(group, "payload_message", H5T_STD_U64LE, H5T_NATIVE_UINT64, &none);
    return messages->payload < 0 || messages->payload_message < 0 ? -1 : 0;
}

static int create_datasets(struct message_datasets *messages, hid_t group, const struct run *run)
{
    static const uint64_t none = MESSAGE_ROW_NONE;
    static const uint32_t zero = 0;
    const hsize_t block = MESSAGE_BLOCK_ROWS;
    messages->row = grown_dataset_create(group, "row", H5T_STD_U64LE, H5T_NATIVE_UINT64, &none);
    messages->crc32c =
        grown_dataset_create(group, "crc32c", H5T_STD_U32LE, H5T_NATIVE_UINT32, &zero);
    messages->header_crc32c =
        grown_dataset_create(group, "header_crc32c", H5T_STD_U32LE, H5T_NATIVE_UINT32, &zero);
    messages->header_type = header_type(messages->header_size);
    if (messages->header_type >= 0)
        messages->header =
            create_chunked(group, "header", messages->header_type, &block, 1, &header_compression);
    if (messages->row < 0 || messages->crc32c < 0 || messages->header_crc32c < 0 ||
        messages->header < 0)
        return -1;
    if (nexus_attribute(messages->row, "description",
                        "row of the image in /entry/frames; 18446744073709551615: not recorded") <
            0 ||
        nexus_attribute(messages->crc32c, "description",
                        "CRC-32C of the message's pixels as received") < 0 ||
        nexus_attribute(messages->header_crc32c, "description",
                        "CRC-32C of its header as received") < 0 ||
        nexus_attribute(messages->header, "description",
                        "the message from \"MQ1\" to its pixels, as received") < 0)
        return -1;
    if (nexus_number(group, "payload_size", (uint32_t)run->format.payload_size) < 0 ||
        nexus_number(group, "detector_gap", run->format.gap) < 0)
        return -1;
    return run->format.packing == PACKING_RAW_24 ? create_payload(messages, group) : 0;
}

static int make_blocks(struct message_datasets *messages)
{
    const size_t size = MESSAGE_BLOCK_ROWS * messages->header_size;
    messages->scratch = malloc(size + BLOSC_MAX_OVERHEAD);
    if (!messages->scratch)
        return -1;
    for (unsigned i = 0; i < MESSAGE_BLOCKS_OPEN; i++) {
        messages->blocks[i].headers = malloc(size);
        if (!messages->blocks[i].headers)
            return -1;
    }
    return 0;
}

int message_datasets_create(struct message_datasets *messages, hid_t entry, const struct run *run)
{
    *messages = (struct message_datasets){
        .row = -1,
        .crc32c = -1,
        .header_crc32c = -1,
        .header = -1,
        .header_type = -1,
        .payload = -1,
        .payload_message = -1,
        .header_size = run->format.data_offset,
        .payload_size = run->format.payload_size,
    };
    if (messages->header_size == 0)
        messages->header_size = 1;
    const hid_t group = nexus_group(entry, "messages", "NXcollection");
    if (group < 0)
        return -1;
    const int r = make_blocks(messages) < 0 ? -1 : create_datasets(messages, group, run);
    H5Gclose(group);
    return r;
}

void message_datasets_finish(struct message_datasets *messages)
{
    for (unsigned i = 0; i < MESSAGE_BLOCKS_OPEN; i++) {
        free(messages->blocks[i].headers);
        messages->blocks[i].headers = NULL;
    }
    free(messages->scratch);
    messages->scratch = NULL;
    if (messages->header_type > 0)
        H5Tclose(messages->header_type);
    messages->header_type = -1;
}

/* ---- blocks ---- */

static int extend(struct message_datasets *messages, uint64_t length)
{
    if (length <= messages->length)
        return 0;
    if (grown_dataset_extend(messages->row, length) < 0 ||
        grown_dataset_extend(messages->crc32c, length) < 0 ||
        grown_dataset_extend(messages->header_crc32c, length) < 0 ||
        grown_dataset_extend(messages->header, length) < 0)
        return -1;
    messages->length = length;
    return 0;
}

/* Rows of the block that the datasets have. */
static uint64_t rows_there(const struct message_datasets *messages, uint64_t first)
{
    const uint64_t there = messages->length > first ? messages->length - first : 0;
    return there < MESSAGE_BLOCK_ROWS ? there : MESSAGE_BLOCK_ROWS;
}

/* Up to the last row that has a message. */
static uint64_t block_end(const struct message_block *block)
{
    uint64_t n = MESSAGE_BLOCK_ROWS;
    while (n > 0 && block->rows[n - 1] == MESSAGE_ROW_NONE)
        n--;
    return block->index * MESSAGE_BLOCK_ROWS + n;
}

static int write_headers(struct message_datasets *messages, const struct message_block *block)
{
    const hsize_t corner = block->index * MESSAGE_BLOCK_ROWS;
    const size_t size = MESSAGE_BLOCK_ROWS * messages->header_size;
    const int bytes =
        blosc_compress_ctx(header_compression.level, BLOSC_NOSHUFFLE, 1, size, block->headers,
                           messages->scratch, size + BLOSC_MAX_OVERHEAD, BLOSC_LZ4_COMPNAME, 0, 1);
    if (bytes <= 0)
        return -1;
    const herr_t r =
        H5Dwrite_chunk(messages->header, H5P_DEFAULT, 0, &corner, (size_t)bytes, messages->scratch);
    return r < 0 ? -1 : 0;
}

static int write_block(struct message_datasets *messages, struct message_block *block)
{
    const uint64_t first = block->index * MESSAGE_BLOCK_ROWS;
    if (!block->dirty)
        return 0;
    if (extend(messages, block_end(block)) < 0 || write_headers(messages, block) < 0)
        return -1;
    const uint64_t n = rows_there(messages, first);
    if (grown_dataset_write(messages->row, H5T_NATIVE_UINT64, first, n, block->rows) < 0 ||
        grown_dataset_write(messages->crc32c, H5T_NATIVE_UINT32, first, n, block->crcs) < 0 ||
        grown_dataset_write(messages->header_crc32c, H5T_NATIVE_UINT32, first, n,
                            block->header_crcs) < 0)
        return -1;
    block->dirty = false;
    return 0;
}

/* What the file has of a block, if anything. */
static int load_block(struct message_datasets *messages, struct message_block *block,
                      uint64_t index)
{
    const uint64_t first = index * MESSAGE_BLOCK_ROWS, n = rows_there(messages, first);
    memset(block->rows, 0xff, sizeof block->rows);
    memset(block->crcs, 0, sizeof block->crcs);
    memset(block->header_crcs, 0, sizeof block->header_crcs);
    memset(block->headers, 0, MESSAGE_BLOCK_ROWS * messages->header_size);
    block->index = index;
    block->n = 0;
    block->dirty = false;
    if (n == 0)
        return 0;
    if (grown_dataset_read(messages->row, H5T_NATIVE_UINT64, first, n, block->rows) < 0 ||
        grown_dataset_read(messages->crc32c, H5T_NATIVE_UINT32, first, n, block->crcs) < 0 ||
        grown_dataset_read(messages->header_crc32c, H5T_NATIVE_UINT32, first, n,
                           block->header_crcs) < 0 ||
        grown_dataset_read(messages->header, messages->header_type, first, n, block->headers) < 0)
        return -1;
    for (unsigned i = 0; i < MESSAGE_BLOCK_ROWS; i++)
        block->n += block->rows[i] != MESSAGE_ROW_NONE;
    return 0;
}

/* The open block of this index; else a free one, or the oldest, which is written. NULL: failed. */
static struct message_block *open_block(struct message_datasets *messages, uint64_t index)
{
    struct message_block *chosen = &messages->blocks[0];
    for (unsigned i = 0; i < MESSAGE_BLOCKS_OPEN; i++) {
        struct message_block *const block = &messages->blocks[i];
        if (block->n > 0 && block->index == index)
            return block;
        if (chosen->n > 0 && (block->n == 0 || block->index < chosen->index))
            chosen = block;
    }
    if (chosen->n > 0 && write_block(messages, chosen) < 0)
        return NULL;
    return load_block(messages, chosen, index) < 0 ? NULL : chosen;
}

static int put(struct message_datasets *messages, const struct message_record *record,
               const uint8_t *header)
{
    struct message_block *const block = open_block(messages, record->arrival / MESSAGE_BLOCK_ROWS);
    const size_t at = record->arrival % MESSAGE_BLOCK_ROWS;
    if (!block)
        return -1;
    block->n += block->rows[at] == MESSAGE_ROW_NONE;
    block->rows[at] = record->row;
    block->crcs[at] = record->crc32c;
    block->header_crcs[at] = record->header_crc32c;
    memcpy(block->headers + at * messages->header_size, header, messages->header_size);
    block->dirty = true;
    if (block->n < MESSAGE_BLOCK_ROWS)
        return 0;
    block->n = 0;
    return write_block(messages, block);
}

/* ---- payloads ---- */

static int put_payload(struct message_datasets *messages, const struct message_record *record,
                       const uint8_t *payload)
{
    const uint64_t at = messages->n_payloads;
    const hsize_t extent[] = {at + 1, messages->payload_size}, corner[] = {at, 0};
    if (messages->payload < 0)
        return 0;
    if (H5Dset_extent(messages->payload, extent) < 0 ||
        grown_dataset_extend(messages->payload_message, at + 1) < 0 ||
        H5Dwrite_chunk(messages->payload, H5P_DEFAULT, 0, corner, messages->payload_size, payload) <
            0 ||
        grown_dataset_write(messages->payload_message, H5T_NATIVE_UINT64, at, 1, &record->arrival) <
            0)
        return -1;
    messages->n_payloads++;
    return 0;
}

/* ---- all ---- */

int message_datasets_write(struct message_datasets *messages, const struct message_batch *batch)
{
    size_t payload = 0;
    for (size_t i = 0; i < batch->n; i++) {
        const struct message_record *const record = &batch->records[i];
        if (put(messages, record, batch->headers + i * batch->header_size) < 0)
            return -1;
        if (record->payload_kept &&
            put_payload(messages, record, batch->payloads + payload++ * batch->payload_size) < 0)
            return -1;
    }
    return 0;
}

int message_datasets_update(struct message_datasets *messages)
{
    for (unsigned i = 0; i < MESSAGE_BLOCKS_OPEN; i++) {
        if (messages->blocks[i].n > 0 && write_block(messages, &messages->blocks[i]) < 0)
            return -1;
    }
    return 0;
}
