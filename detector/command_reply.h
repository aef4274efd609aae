#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detector/command_client.h"
#include "detector/text.h"

/*
 * A reply on the command socket: "GET,NAME,value,code", "SET,NAME,code" or "CMD,NAME,code" in an
 * MPX envelope. The code is what follows the last comma, the value what lies between the name and
 * it, since values (versions, DAC lists, file names) have commas. The texts point into the bytes
 * that were parsed.
 */
struct command_reply_text {
    enum command_type type;
    struct text name;
    struct text value;
    int code; /* -1: the reply is well framed, but what should be its code is no number */
};

enum command_reply_result {
    COMMAND_REPLY_TAKEN,
    COMMAND_REPLY_MORE,   /* the bytes end before a reply does */
    COMMAND_REPLY_REFUSED /* a well-framed message that is no reply was passed over */
};

/* No reply is longer than this; an announced length beyond it is garbage. */
#define COMMAND_REPLY_MAX_SIZE 65536

/*
 * Looks for the next reply in bytes[0..size). `*consumed` (whatever the result) is how many bytes
 * the caller drops, `*stray` how many of them belonged to no message; NUL, CR and LF between
 * messages do not count. Tolerated: stray bytes before "MPX", NULs within the prefix, lengths of
 * fewer than ten digits, and a length that is one short, as from servers that do not count the
 * comma.
 */
enum command_reply_result command_reply_next(const uint8_t *bytes, size_t size,
                                             struct command_reply_text *reply, size_t *consumed,
                                             size_t *stray);

/* "GET", "SET" or "CMD". */
const char *command_type_name(enum command_type type);
