#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is sent to viewers: one WebSocket message, shared by all who get it. Belongs to the web
 * thread, so that counting its references needs no order.
 */
struct message {
    unsigned refs;
    bool is_text;
    size_t size;
    uint8_t bytes[];
};

/* A part of a binary message, borrowed. */
struct message_part {
    const void *bytes;
    size_t size;
};

/* A copy of `text`. NULL: no memory. */
struct message *message_text(const char *text, size_t size);

/*
 * The form of schemas/page.md: u32 number of parts, u32 bytes of each, little-endian, zeros up to a
 * multiple of 8; then the parts, each with zeros up to a multiple of 8. NULL: no memory, or a part
 * of 4 GiB or more.
 */
struct message *message_binary(const struct message_part *parts, unsigned n_parts);

struct message *message_ref(struct message *message);
/* NULL does nothing. */
void message_unref(struct message *message);
