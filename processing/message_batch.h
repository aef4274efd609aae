#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a recording keeps of messages beside their pixels: who they were, the CRC-32C of payload and
 * header as received, the header itself; and the payload itself where the decoded image would not
 * give it back. A worker collects it while the messages lie in the ring and hands it to the sink
 * with the compressed chunk, by exchanging the batches: nothing is copied twice, and memory is only
 * asked for until both have seen their largest chunk.
 */
struct message_record {
    uint64_t arrival;               /* message of the run, from 0, in the order of arrival */
    uint64_t row;                   /* of the image: exposure * layers + layer */
    uint32_t crc32c, header_crc32c; /* of the pixels and of the header, as received */
    bool payload_kept;              /* the next one of `payloads` is its */
};

struct message_batch {
    size_t n, capacity; /* records */
    struct message_record *records;
    size_t header_size;
    uint8_t *headers; /* [n][header_size] */
    size_t n_payloads, payload_capacity, payload_size;
    uint8_t *payloads; /* [n_payloads][payload_size] */
};

/* All sizes are those of one run: a batch is empty when they change. -ENOMEM: nothing was added. */
int message_batch_add(struct message_batch *batch, const struct message_record *record,
                      const void *header, size_t header_size);
int message_batch_add_payload(struct message_batch *batch, const void *payload,
                              size_t payload_size);

/* Empties it and keeps the memory. */
void message_batch_clear(struct message_batch *batch);

void message_batch_exchange(struct message_batch *a, struct message_batch *b);

/* Frees the memory. */
void message_batch_finish(struct message_batch *batch);
