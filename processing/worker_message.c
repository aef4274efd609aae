#include "processing/worker_message.h"

#include "common/crc32c.h"
#include "detector/encode.h"
#include "processing/run/run_loss.h"

static void collect(struct worker *worker, const struct frame_slot *slot, uint32_t crc)
{
    const struct run *const run = worker->run;
    const struct pixel_format *const format = &run->format;
    const uint8_t *const payload = slot->body + format->data_offset;
    struct message_batch *const batch = &worker->messages;
    struct message_record record = {
        .arrival = slot->arrival,
        .row = slot->frame_index * run->n_layers + slot->layer,
        .crc32c = crc,
        .header_crc32c = worker->crc32c(slot->body, format->data_offset),
    };
    if (!frame_encode_gives_back(payload, format))
        record.payload_kept = message_batch_add_payload(batch, payload, format->payload_size) == 0;
    if (message_batch_add(batch, &record, slot->body, format->data_offset) == 0)
        return;
    batch->n_payloads -= record.payload_kept;
    run_tell_loss(worker->run, 1, "no memory for a frame's header");
}

void worker_note_message(struct worker *worker, const struct frame_slot *slot,
                         struct frame_facts *facts)
{
    const struct run *const run = worker->run;
    if (run->recycle || !worker->sink->wants(worker->sink->data, run))
        return;
    const uint32_t crc =
        worker->crc32c(slot->body + run->format.data_offset, run->format.payload_size);
    collect(worker, slot, crc);
    if (facts) {
        facts->crc32c = crc;
        facts->message = slot->arrival + 1;
    }
}

void worker_hand_over_messages(struct worker *worker, struct compressed_chunk *chunk)
{
    message_batch_exchange(&worker->messages, &chunk->messages);
    message_batch_clear(&worker->messages);
}
