#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/record/file_payloads.h"

/* What holds and what does not in a recording: for verify and recover. */
struct file_check {
    bool bad_header;             /* the HDR is not what its checksum is of */
    uint64_t chunks, bad_chunks; /* of pixels */
    char first_bad_chunk[96];
    bool has_messages; /* false: a merlind that kept no checksums */
    uint64_t messages; /* that are in the file, of `arrived` */
    uint64_t arrived;
    uint64_t proven, lost, spoilt, unreadable;
    uint64_t first_bad; /* arrival of the first that is not proven, when there is one */
};

/* Decodes every chunk of pixels. */
void file_check_chunks(struct file_check *check, const struct file_recording *recording);

/* Holds every message's pixels against its CRC-32C, and tells each. -EIO with a sentence. */
typedef int (*file_check_fn)(void *data, uint64_t arrival, const struct file_message *message,
                             enum file_payload_state state);
int file_check_messages(struct file_check *check, struct file_payloads *payloads,
                        file_check_fn tell, void *data, struct error *error);
