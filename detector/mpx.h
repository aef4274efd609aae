#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * MPX framing, the envelope of both Merlin sockets (Merlin manual v1.0, "TCP/IP interface"):
 *
 *     "MPX," + length as 10 decimal digits + "," + body          length = 1 + size of the body
 *
 * The number counts the comma that follows it. On the data socket a body begins with "HDR,"
 * (acquisition header) or "MQ1," (frame header and pixels); nothing else tells the two apart,
 * neither order nor size.
 */
#define MPX_PREFIX_SIZE 15

enum mpx_kind {
    MPX_KIND_HDR,   /* body is the text of an acquisition header */
    MPX_KIND_FRAME, /* body is an MQ1 header followed by pixels */
    MPX_KIND_OTHER, /* a well-framed body of another kind (12B, 24B, PR1, a command's reply) */
};

struct mpx_message {
    enum mpx_kind kind;
    const uint8_t *body;
    size_t body_size;
    uint64_t
        offset; /* of the "M" of MPX since the parser was initialised, for messages to people */
};

/*
 * Finds message borders in a byte stream that lies in memory. Owned by one thread, never allocates.
 *
 * Where a message should begin and no valid prefix stands, the parser looks for the next "MPX," +
 * 10 digits + "," +
 * ("HDR,"|"MQ1,") and counts what it passes over. Between messages it passes over NUL, CR and LF
 * without counting, as Merlin clients and servers may send them.
 */
struct mpx_parser {
    uint64_t offset;         /* bytes consumed so far */
    size_t max_message_size; /* a longer announced length is treated as garbage */
    uint64_t skipped_bytes;  /* garbage passed over since init */
    uint64_t resyncs;    /* how many times the parser lost the border and looked for a new one */
    bool lost;           /* now looking for a border */
    size_t refused_size; /* of the newest message that was passed over for its announced length; 0:
                            none */
};

enum mpx_result {
    MPX_MESSAGE, /* *message is set; its bytes are the `*consumed` first ones of the buffer, less
                    what was skipped */
    MPX_MORE, /* the buffer ends inside a message or before one; `*wanted` more bytes complete it as
                 far as known */
};

void mpx_parser_init(struct mpx_parser *parser, size_t max_message_size);

/*
 * Takes the next message from bytes[0..size). `*consumed` (also with MPX_MORE: garbage and filler
 * passed over) is how far the caller must advance. With MPX_MORE `*wanted` is the number of bytes
 * still missing for the current message, at least 1.
 */
enum mpx_result mpx_parser_next(struct mpx_parser *parser, const uint8_t *bytes, size_t size,
                                struct mpx_message *message, size_t *consumed, size_t *wanted);

/*
 * Parses a prefix. Returns true and the body's size when bytes[0..MPX_PREFIX_SIZE) is one ("MPX,",
 * 10 digits, ","). `bytes` must hold MPX_PREFIX_SIZE bytes.
 */
bool mpx_parse_prefix(const uint8_t *bytes, size_t *body_size);

/* Writes the 15 bytes of a prefix for a body of `body_size` bytes. */
void mpx_write_prefix(char prefix[MPX_PREFIX_SIZE], size_t body_size);
