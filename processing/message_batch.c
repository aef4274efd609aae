#include "processing/message_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_AT_FIRST 64

static bool grow(void **memory, size_t bytes)
{
    void *const grown = realloc(*memory, bytes);
    if (!grown)
        return false;
    *memory = grown;
    return true;
}

static int make_room(struct message_batch *batch, size_t header_size)
{
    if (batch->n < batch->capacity && batch->header_size == header_size)
        return 0;
    const size_t capacity = batch->n < batch->capacity ? batch->capacity
                            : batch->capacity > 0      ? 2 * batch->capacity
                                                       : RECORDS_AT_FIRST;
    if (!grow((void **)&batch->records, capacity * sizeof *batch->records) ||
        !grow((void **)&batch->headers, capacity * header_size))
        return -ENOMEM;
    batch->capacity = capacity;
    batch->header_size = header_size;
    return 0;
}

int message_batch_add(struct message_batch *batch, const struct message_record *record,
                      const void *header, size_t header_size)
{
    if (make_room(batch, header_size) < 0)
        return -ENOMEM;
    memcpy(batch->headers + batch->n * header_size, header, header_size);
    batch->records[batch->n++] = *record;
    return 0;
}

int message_batch_add_payload(struct message_batch *batch, const void *payload, size_t payload_size)
{
    if (batch->n_payloads == batch->payload_capacity || batch->payload_size != payload_size) {
        const size_t capacity = 2 * batch->n_payloads + 1;
        if (!grow((void **)&batch->payloads, capacity * payload_size))
            return -ENOMEM;
        batch->payload_capacity = capacity;
        batch->payload_size = payload_size;
    }
    memcpy(batch->payloads + batch->n_payloads * payload_size, payload, payload_size);
    batch->n_payloads++;
    return 0;
}

void message_batch_clear(struct message_batch *batch)
{
    batch->n = 0;
    batch->n_payloads = 0;
}

void message_batch_exchange(struct message_batch *a, struct message_batch *b)
{
    const struct message_batch other = *a;
    *a = *b;
    *b = other;
}

void message_batch_finish(struct message_batch *batch)
{
    free(batch->records);
    free(batch->headers);
    free(batch->payloads);
    *batch = (struct message_batch){0};
}
