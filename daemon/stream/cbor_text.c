#include "daemon/stream/cbor_text.h"

#include <cbor.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

static uint8_t *end_of(struct cbor_text *text)
{
    return text->bytes + text->size;
}

static size_t room_of(const struct cbor_text *text)
{
    return sizeof text->bytes - text->size;
}

/* libcbor tells how many bytes it wrote, 0 when they do not fit. */
static void wrote(struct cbor_text *text, size_t n)
{
    text->overflow |= n == 0;
    text->size += n;
}

void cbor_put_map(struct cbor_text *text, size_t n_pairs)
{
    wrote(text, cbor_encode_map_start(n_pairs, end_of(text), room_of(text)));
}

void cbor_put_array(struct cbor_text *text, size_t n_items)
{
    wrote(text, cbor_encode_array_start(n_items, end_of(text), room_of(text)));
}

void cbor_put_tag(struct cbor_text *text, uint64_t tag)
{
    wrote(text, cbor_encode_tag(tag, end_of(text), room_of(text)));
}

void cbor_put_string(struct cbor_text *text, const char *string)
{
    const size_t length = strlen(string);
    wrote(text, cbor_encode_string_start(length, end_of(text), room_of(text)));
    if (length > room_of(text)) {
        text->overflow = true;
        return;
    }
    memcpy(end_of(text), string, length);
    text->size += length;
}

void cbor_put_uint(struct cbor_text *text, uint64_t value)
{
    wrote(text, cbor_encode_uint(value, end_of(text), room_of(text)));
}

void cbor_put_double(struct cbor_text *text, double value)
{
    wrote(text, cbor_encode_double(value, end_of(text), room_of(text)));
}

void cbor_put_bool(struct cbor_text *text, bool value)
{
    wrote(text, cbor_encode_bool(value, end_of(text), room_of(text)));
}

void cbor_put_null(struct cbor_text *text)
{
    wrote(text, cbor_encode_null(end_of(text), room_of(text)));
}

void cbor_put_bytes_head(struct cbor_text *text, size_t n)
{
    wrote(text, cbor_encode_bytestring_start(n, end_of(text), room_of(text)));
}

void cbor_put_time(struct cbor_text *text, uint64_t ns)
{
    char date[32], string[64];
    struct tm utc;
    const time_t seconds = (time_t)(ns / NS_PER_S);
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(string, sizeof string, "%s.%09" PRIu64 "Z", date, ns % NS_PER_S);
    cbor_put_tag(text, 0);
    cbor_put_string(text, string);
}
