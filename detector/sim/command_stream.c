#include "detector/sim/command_stream.h"

#include <string.h>

static const char mark[] = "MPX,";
#define MARK_SIZE 4
#define DIGITS_MAX 10

static void drop(struct command_stream *stream, size_t size)
{
    stream->size -= size;
    memmove(stream->bytes, stream->bytes + size, stream->size);
}

/* Drops whatever stands before the next "MPX,", keeping an end that may be the start of one. */
static void find_mark(struct command_stream *stream)
{
    size_t at = 0;
    for (; at < stream->size; at++) {
        const size_t left = stream->size - at;
        if (memcmp(stream->bytes + at, mark, left < MARK_SIZE ? left : MARK_SIZE) == 0)
            break;
    }
    if (at > 0)
        drop(stream, at);
}

enum prefix { PREFIX_COMPLETE, PREFIX_SHORT, PREFIX_BAD };

/* Reads "MPX," digits ",". The number counts the comma and the body. */
static enum prefix read_prefix(const struct command_stream *stream, size_t *body_at,
                               size_t *body_size)
{
    size_t at = MARK_SIZE, length = 0;
    while (at < stream->size && at < MARK_SIZE + DIGITS_MAX && stream->bytes[at] >= '0' &&
           stream->bytes[at] <= '9')
        length = 10 * length + (size_t)(stream->bytes[at++] - '0');
    if (at >= stream->size)
        return PREFIX_SHORT;
    if (at == MARK_SIZE || stream->bytes[at] != ',' || length == 0 || length > COMMAND_BODY_MAX)
        return PREFIX_BAD;
    *body_at = at + 1;
    *body_size = length - 1;
    return PREFIX_COMPLETE;
}

static void copy_trimmed(char *body, const char *bytes, size_t size)
{
    while (size > 0 && (bytes[size - 1] == '\0' || strchr("\r\n ", bytes[size - 1])))
        size--;
    memcpy(body, bytes, size);
    body[size] = '\0';
}

bool command_stream_next(struct command_stream *stream, char *body)
{
    for (;;) {
        find_mark(stream);
        size_t at, size;
        const enum prefix prefix =
            stream->size < MARK_SIZE ? PREFIX_SHORT : read_prefix(stream, &at, &size);
        if (prefix == PREFIX_SHORT)
            return false;
        if (prefix == PREFIX_BAD) {
            drop(stream, MARK_SIZE);
            continue;
        }
        if (stream->size < at + size)
            return false;
        copy_trimmed(body, stream->bytes + at, size);
        drop(stream, at + size);
        return true;
    }
}
