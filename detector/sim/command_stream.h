#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Command messages out of the bytes of one client: pieces are put together, several in a packet are
 * taken apart. As tolerant as a Merlin: NUL, CR and LF between messages, stray bytes before "MPX",
 * lengths without leading zeros.
 */
#define COMMAND_BODY_MAX 4096

struct command_stream {
    char bytes[2 * (COMMAND_BODY_MAX + 16)];
    size_t size;
};

/* Room for the next bytes of the socket; never 0 once every complete message has been taken. */
static inline size_t command_stream_room(const struct command_stream *stream)
{
    return sizeof stream->bytes - stream->size;
}

/*
 * Takes the next complete message: its body without the comma, trimmed of trailing NUL, CR, LF and
 * blanks, as a NUL-terminated string in body[0..COMMAND_BODY_MAX]. False: there is none yet.
 */
bool command_stream_next(struct command_stream *stream, char *body);
