#include "daemon/web/message.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static struct message *create(bool is_text, size_t size)
{
    struct message *const message = malloc(sizeof *message + size);
    if (message)
        *message = (struct message){.refs = 1, .is_text = is_text, .size = size};
    return message;
}

struct message *message_text(const char *text, size_t size)
{
    struct message *const message = create(true, size);
    if (message)
        memcpy(message->bytes, text, size);
    return message;
}

static uint8_t *put_u32(uint8_t *at, size_t value)
{
    const uint32_t little = htole32((uint32_t)value);
    memcpy(at, &little, sizeof little);
    return at + sizeof little;
}

static uint8_t *put_padded(uint8_t *at, const void *bytes, size_t size)
{
    const size_t room = padded(size);
    if (size > 0)
        memcpy(at, bytes, size);
    memset(at + size, 0, room - size);
    return at + room;
}

struct message *message_binary(const struct message_part *parts, unsigned n_parts)
{
    const size_t head = 4 + 4 * (size_t)n_parts;
    size_t size = padded(head);
    for (unsigned i = 0; i < n_parts; i++) {
        if (parts[i].size > UINT32_MAX)
            return NULL;
        size += padded(parts[i].size);
    }
    struct message *const message = create(false, size);
    if (!message)
        return NULL;
    uint8_t *at = put_u32(message->bytes, n_parts);
    for (unsigned i = 0; i < n_parts; i++)
        at = put_u32(at, parts[i].size);
    memset(at, 0, padded(head) - head);
    at = message->bytes + padded(head);
    for (unsigned i = 0; i < n_parts; i++)
        at = put_padded(at, parts[i].bytes, parts[i].size);
    return message;
}

struct message *message_ref(struct message *message)
{
    message->refs++;
    return message;
}

void message_unref(struct message *message)
{
    if (message && --message->refs == 0)
        free(message);
}
