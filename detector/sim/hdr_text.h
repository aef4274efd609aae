#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detector/sim/mq1_header.h"

/*
 * The text of an acquisition header (HDR): lines `key:<TAB>value<CR><LF>` from "HDR," to
 * "End<TAB>", blanks up to 2048 bytes. While it is edited it is a NUL-terminated string without the
 * blanks.
 */
#define HDR_BODY_SIZE 2048

/* A header for frames that came without one. Returns allocated text, NULL when there is no memory.
 */
char *hdr_text_create(const struct mq1_facts *facts);

/* A header read from a file: cut after "End". Returns allocated text, NULL when there is no memory.
 */
char *hdr_text_copy(const char *text, size_t size);

/*
 * Gives the line with this key (the part before " (" or ":") a new value, or adds such a line
 * before the end. `*text` is reallocated. Returns 0 or -ENOMEM.
 */
int hdr_text_set(char **text, const char *key, const char *value);
int hdr_text_set_number(char **text, const char *key, uint64_t value);

/* The value of a line, copied to value[0..room); empty when there is none. */
void hdr_text_get(const char *text, const char *key, char *value, size_t room);

/* Bytes of the body on the wire: 2048, or more when the text is longer. */
size_t hdr_text_body_size(const char *text);

/* Writes the body, padded with blanks. */
void hdr_text_write(uint8_t *body, const char *text);
