#include "detector/command_reply.h"

#include <string.h>

#define LENGTH_DIGITS 10

/* What stands at a place where a message may begin. */
enum envelope {
    ENVELOPE_NONE,    /* surely no prefix */
    ENVELOPE_PARTIAL, /* the beginning of one */
    ENVELOPE_WHOLE,
};

const char *command_type_name(enum command_type type)
{
    switch (type) {
    case COMMAND_GET:
        return "GET";
    case COMMAND_SET:
        return "SET";
    case COMMAND_CMD:
        break;
    }
    return "CMD";
}

/* The next byte that is not NUL, or -1 at the end. */
static int next_byte(struct text *rest)
{
    while (rest->size > 0) {
        const uint8_t byte = rest->at[0];
        *rest = (struct text){rest->at + 1, rest->size - 1};
        if (byte != '\0')
            return byte;
    }
    return -1;
}

/* Parses "MPX,", digits and a comma at the beginning of *rest and leaves *rest behind them. */
static enum envelope parse_prefix(struct text *rest, size_t *body_size)
{
    for (const char *wanted = "MPX,"; *wanted; wanted++) {
        const int byte = next_byte(rest);
        if (byte != *wanted)
            return byte < 0 ? ENVELOPE_PARTIAL : ENVELOPE_NONE;
    }
    uint64_t length = 0;
    for (int n = 0; n <= LENGTH_DIGITS; n++) {
        const int byte = next_byte(rest);
        if (byte < 0)
            return ENVELOPE_PARTIAL;
        if (byte == ',' && length > 0 && length - 1 <= COMMAND_REPLY_MAX_SIZE) {
            *body_size = (size_t)length - 1;
            return ENVELOPE_WHOLE;
        }
        if (!text_is_digit((uint8_t)byte))
            break;
        length = length * 10 + (uint64_t)(byte - '0');
    }
    return ENVELOPE_NONE;
}

/*
 * The body, one byte longer than announced where a server did not count the comma before it: such a
 * body ends with a comma where its code should be. false: more bytes are needed.
 */
static bool take_body(struct text rest, size_t body_size, struct text *body)
{
    if (rest.size < body_size)
        return false;
    if (body_size > 0 && rest.at[body_size - 1] == ',') {
        if (rest.size == body_size)
            return false;
        if (text_is_digit(rest.at[body_size]))
            body_size++;
    }
    *body = (struct text){rest.at, body_size};
    return true;
}

static bool parse_type(struct text text, enum command_type *type)
{
    for (unsigned i = COMMAND_GET; i <= COMMAND_CMD; i++) {
        if (text_equals(text, command_type_name((enum command_type)i))) {
            *type = (enum command_type)i;
            return true;
        }
    }
    return false;
}

/* Cuts what stands before the first comma off *rest. */
static bool cut_field(struct text *rest, struct text *field)
{
    const uint8_t *const comma = rest->size > 0 ? memchr(rest->at, ',', rest->size) : NULL;
    if (!comma)
        return false;
    const size_t n = (size_t)(comma - rest->at);
    *field = (struct text){rest->at, n};
    *rest = (struct text){comma + 1, rest->size - n - 1};
    return true;
}

static int parse_code(struct text text)
{
    uint64_t code;
    return text_number(text_trim(text), &code) && code <= INT16_MAX ? (int)code : -1;
}

static bool parse_body(struct text body, struct command_reply_text *reply)
{
    struct text type;
    if (!cut_field(&body, &type) || !parse_type(text_trim(type), &reply->type) ||
        !cut_field(&body, &reply->name))
        return false;
    reply->name = text_trim(reply->name);
    const uint8_t *const last = body.size > 0 ? memrchr(body.at, ',', body.size) : NULL;
    const size_t value_size = last ? (size_t)(last - body.at) : 0;
    const size_t code_at = last ? value_size + 1 : 0;
    reply->value = (struct text){body.at, value_size};
    reply->code = parse_code((struct text){body.at + code_at, body.size - code_at});
    return true;
}

/*
 * Passes over what cannot begin a message. Returns what is found there; *body_size and *rest are
 * set for a whole prefix.
 */
static enum envelope find_prefix(const uint8_t *bytes, size_t size, size_t *at, size_t *stray,
                                 struct text *rest, size_t *body_size)
{
    for (; *at < size; (*at)++) {
        const uint8_t byte = bytes[*at];
        *rest = (struct text){bytes + *at, size - *at};
        const enum envelope found = byte == 'M' ? parse_prefix(rest, body_size) : ENVELOPE_NONE;
        if (found != ENVELOPE_NONE)
            return found;
        if (byte != '\0' && byte != '\r' && byte != '\n')
            (*stray)++;
    }
    return ENVELOPE_NONE;
}

enum command_reply_result command_reply_next(const uint8_t *bytes, size_t size,
                                             struct command_reply_text *reply, size_t *consumed,
                                             size_t *stray)
{
    struct text rest, body;
    size_t body_size = 0;
    *consumed = 0;
    *stray = 0;
    if (find_prefix(bytes, size, consumed, stray, &rest, &body_size) != ENVELOPE_WHOLE ||
        !take_body(rest, body_size, &body))
        return COMMAND_REPLY_MORE;
    *consumed = (size_t)(body.at - bytes) + body.size;
    return parse_body(body, reply) ? COMMAND_REPLY_TAKEN : COMMAND_REPLY_REFUSED;
}
