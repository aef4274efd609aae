#include "detector/mpx.h"

#include <string.h>

#include "detector/text.h"

#define LENGTH_DIGITS 10
#define KIND_SIZE 4

void mpx_parser_init(struct mpx_parser *parser, size_t max_message_size)
{
    *parser = (struct mpx_parser){.max_message_size = max_message_size};
}

/* Whether the first bytes of a prefix, as many as there are (at most 15), are right. */
static bool prefix_possible(const uint8_t *bytes, size_t size)
{
    static const char pattern[] = "MPX,##########,";
    for (size_t i = 0; i < size && i < MPX_PREFIX_SIZE; i++) {
        if (pattern[i] == '#' ? !text_is_digit(bytes[i]) : bytes[i] != (uint8_t)pattern[i])
            return false;
    }
    return true;
}

bool mpx_parse_prefix(const uint8_t *bytes, size_t *body_size)
{
    if (!prefix_possible(bytes, MPX_PREFIX_SIZE))
        return false;
    uint64_t length = 0;
    text_leading_number((struct text){bytes + KIND_SIZE, LENGTH_DIGITS}, &length);
    if (length == 0 || length - 1 > SIZE_MAX)
        return false;
    *body_size = (size_t)(length - 1);
    return true;
}

void mpx_write_prefix(char prefix[MPX_PREFIX_SIZE], size_t body_size)
{
    static const char magic[KIND_SIZE] = {'M', 'P', 'X', ','};
    uint64_t length = (uint64_t)body_size + 1;
    memcpy(prefix, magic, sizeof magic);
    for (size_t i = KIND_SIZE + LENGTH_DIGITS; i-- > KIND_SIZE;) {
        prefix[i] = (char)('0' + length % 10);
        length /= 10;
    }
    prefix[MPX_PREFIX_SIZE - 1] = ',';
}

static enum mpx_kind kind_of_body(const uint8_t *body, size_t size)
{
    const struct text text = {body, size};
    if (text_begins(text, "HDR,"))
        return MPX_KIND_HDR;
    if (text_begins(text, "MQ1,"))
        return MPX_KIND_FRAME;
    return MPX_KIND_OTHER;
}

static bool kind_possible(const uint8_t *body, size_t size)
{
    const size_t n = size < KIND_SIZE ? size : KIND_SIZE;
    return memcmp(body, "HDR,", n) == 0 || memcmp(body, "MQ1,", n) == 0;
}

/* A prefix whose message is one that this parser may take. */
static bool prefix_acceptable(const struct mpx_parser *parser, const uint8_t *bytes,
                              size_t *body_size)
{
    return mpx_parse_prefix(bytes, body_size) && parser->max_message_size >= MPX_PREFIX_SIZE &&
           *body_size <= parser->max_message_size - MPX_PREFIX_SIZE;
}

/* Whether a border may begin here: what there is of 19 bytes is right. */
static bool border_possible(const struct mpx_parser *parser, const uint8_t *bytes, size_t size)
{
    size_t body_size;
    if (size < MPX_PREFIX_SIZE)
        return prefix_possible(bytes, size);
    return prefix_acceptable(parser, bytes, &body_size) && body_size >= KIND_SIZE &&
           kind_possible(bytes + MPX_PREFIX_SIZE, size - MPX_PREFIX_SIZE);
}

/*
 * How many of the bytes surely belong to no border; what follows is a border, the beginning of one,
 * or nothing.
 */
static size_t garbage_before_border(const struct mpx_parser *parser, const uint8_t *bytes,
                                    size_t size)
{
    size_t at = 0;
    while (at < size) {
        const uint8_t *const candidate = memchr(bytes + at, 'M', size - at);
        if (!candidate)
            return size;
        at = (size_t)(candidate - bytes);
        if (border_possible(parser, candidate, size - at))
            return at;
        at++;
    }
    return size;
}

static size_t filler_before_message(const uint8_t *bytes, size_t size)
{
    size_t n = 0;
    while (n < size && (bytes[n] == '\0' || bytes[n] == '\r' || bytes[n] == '\n'))
        n++;
    return n;
}

/* The border was lost. Was it for a prefix that is one, but of a message too long to take? */
static void note_refusal(struct mpx_parser *parser, const uint8_t *bytes, size_t size)
{
    size_t body_size;
    if (size >= MPX_PREFIX_SIZE && mpx_parse_prefix(bytes, &body_size))
        parser->refused_size = body_size;
}

/* Moves *at to where a message begins. Returns how many bytes are missing until that is sure. */
static size_t find_message(struct mpx_parser *parser, const uint8_t *bytes, size_t size, size_t *at,
                           size_t *body_size)
{
    if (!parser->lost) {
        *at = filler_before_message(bytes, size);
        if (size - *at < MPX_PREFIX_SIZE && prefix_possible(bytes + *at, size - *at))
            return MPX_PREFIX_SIZE - (size - *at);
        if (size - *at >= MPX_PREFIX_SIZE && prefix_acceptable(parser, bytes + *at, body_size))
            return 0;
        note_refusal(parser, bytes + *at, size - *at);
        parser->lost = true;
        parser->resyncs++;
    }
    const size_t garbage = garbage_before_border(parser, bytes + *at, size - *at);
    *at += garbage;
    parser->skipped_bytes += garbage;
    if (size - *at < MPX_PREFIX_SIZE + KIND_SIZE)
        return MPX_PREFIX_SIZE + KIND_SIZE - (size - *at);
    parser->lost = false;
    mpx_parse_prefix(bytes + *at, body_size);
    return 0;
}

enum mpx_result mpx_parser_next(struct mpx_parser *parser, const uint8_t *bytes, size_t size,
                                struct mpx_message *message, size_t *consumed, size_t *wanted)
{
    size_t at = 0;
    size_t body_size = 0;
    size_t missing = find_message(parser, bytes, size, &at, &body_size);
    if (missing == 0 && size - at - MPX_PREFIX_SIZE < body_size)
        missing = body_size - (size - at - MPX_PREFIX_SIZE);
    if (missing > 0) {
        parser->offset += at;
        *consumed = at;
        *wanted = missing;
        return MPX_MORE;
    }
    const uint8_t *const body = bytes + at + MPX_PREFIX_SIZE;
    *message = (struct mpx_message){
        .kind = kind_of_body(body, body_size),
        .body = body,
        .body_size = body_size,
        .offset = parser->offset + at,
    };
    *consumed = at + MPX_PREFIX_SIZE + body_size;
    parser->offset += *consumed;
    return MPX_MESSAGE;
}
