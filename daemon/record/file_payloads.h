#pragma once

#include "common/crc32c.h"
#include "daemon/record/file_messages.h"
#include "daemon/record/file_recording.h"
#include "detector/pixel_format.h"

/*
 * The messages of a recording as the detector sent them: pixels are encoded again from the stored
 * images, and the CRC-32C of header and pixels as received prove each. So nothing is given out that
 * was not sent.
 */
struct file_payload_cache {
    const struct image_store *store; /* NULL: empty */
    uint64_t first;                  /* place of the first image */
    uint32_t n;
    uint8_t *images;
    size_t size;
};

struct file_payloads {
    struct file_recording *recording;
    struct file_messages messages;
    struct pixel_format format;
    crc32c_fn crc32c;
    uint8_t *payload;                                     /* of the message in hand */
    struct file_payload_cache caches[RUN_MAX_LAYERS + 1]; /* a chunk of each layer, and of extra */
};

enum file_payload_state {
    FILE_PAYLOAD_PROVEN,       /* payloads->payload is what was sent */
    FILE_PAYLOAD_NOT_RECORDED, /* nothing of the message is in the file */
    FILE_PAYLOAD_LOST,         /* its pixels are not in the file */
    FILE_PAYLOAD_SPOILT,       /* what is there of its header or pixels has another CRC */
    FILE_PAYLOAD_UNREADABLE,   /* the chunk with its pixels cannot be read */
};

/* -ENOTSUP, -EBADMSG, -ENOMEM with a sentence; finish is to be called in any case. */
int file_payloads_open(struct file_payloads *payloads, struct file_recording *recording,
                       struct error *error);
void file_payloads_finish(struct file_payloads *payloads);

/* The message that came as number `arrival` (from 0). Sets *message also where its pixels are not
 * proven. -EIO: /entry/messages cannot be read. */
int file_payloads_get(struct file_payloads *payloads, uint64_t arrival,
                      struct file_message *message, enum file_payload_state *state);
