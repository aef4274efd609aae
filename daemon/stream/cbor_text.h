#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CBOR (RFC 8949) as it is written, item after item, into a small buffer. What does not fit is left
 * out, and `overflow` says so. */
struct cbor_text {
    bool overflow;
    size_t size;
    uint8_t bytes[4096];
};

void cbor_put_map(struct cbor_text *text, size_t n_pairs);
void cbor_put_array(struct cbor_text *text, size_t n_items);
void cbor_put_tag(struct cbor_text *text, uint64_t tag);
void cbor_put_string(struct cbor_text *text, const char *string);
void cbor_put_uint(struct cbor_text *text, uint64_t value);
void cbor_put_double(struct cbor_text *text, double value);
void cbor_put_bool(struct cbor_text *text, bool value);
void cbor_put_null(struct cbor_text *text);
/* The beginning of a byte string; its n bytes are to follow. */
void cbor_put_bytes_head(struct cbor_text *text, size_t n);
/* A moment (UNIX time), tag 0. */
void cbor_put_time(struct cbor_text *text, uint64_t ns);
