#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The headers printed in the notes on the protocol, and what tests make of them. */

#define EXAMPLE_DACS                                                                               \
    "3RX,011,511,000,000,000,000,000,000,175,010,125,125,100,100,082,100,087,030,128,004,255,128," \
    "128,190,193,511,511,511,"
#define EXAMPLE_THRESHOLDS                                                                         \
    "2.000000E+0,5.110000E+2,0.000000E+0,0.000000E+0,0.000000E+0,0.000000E+0,0.000000E+0,"         \
    "0.000000E+0,"

/* Server 0.77 (2021), one chip. */
#define EXAMPLE_HEADER_2021                                                                        \
    "MQ1,000001,00384,01,0256,0256,R64,   1x1,01,2021-04-15 "                                      \
    "14:43:00.835428,0.001000,0,0,0," EXAMPLE_THRESHOLDS EXAMPLE_DACS                              \
    "MQ1A,2021-04-15T13:43:00.835428351Z,1000000ns,1,"

/* Server 0.67 and older: no thresholds, no DACs. */
#define EXAMPLE_HEADER_2020                                                                        \
    "MQ1,000001,00384,01,0256,0256,R64,   1x1,01,2020-05-25 17:48:56.475280,0.001000,0,0,0,,"      \
    "MQ1A,2020-05-25T15:48:56.475280991Z,1000000ns,6,"

/* A quad in processed 12-bit format. */
#define EXAMPLE_HEADER_QUAD                                                                        \
    "MQ1,000017,00768,04,0514,0514,U16,  2x2G,0F,2024-06-14 "                                      \
    "11:31:21.000001,0.000309,1,1,2," EXAMPLE_THRESHOLDS EXAMPLE_DACS EXAMPLE_DACS EXAMPLE_DACS    \
        EXAMPLE_DACS "MQ1A,2024-06-14T10:31:21.000001999Z,309200nS,12,"

/* Bytes on the heap of exactly their size, so that the address sanitizer sees every step beyond
 * them. */
struct example {
    uint8_t *bytes;
    size_t size;
};

static inline struct example example_bytes(const void *bytes, size_t size)
{
    struct example example = {malloc(size > 0 ? size : 1), size};
    assert_non_null(example.bytes);
    memcpy(example.bytes, bytes, size);
    return example;
}

/* Text padded with NULs to `size` bytes. */
static inline struct example example_padded(const char *text, size_t size)
{
    struct example example = {calloc(1, size), size};
    assert_non_null(example.bytes);
    assert_true(strlen(text) <= size);
    memcpy(example.bytes, text, strlen(text));
    return example;
}

/* Replaces the first `from` in `text` by `to`; the caller frees. */
static inline char *example_replace(const char *text, const char *from, const char *to)
{
    const char *const at = strstr(text, from);
    assert_non_null(at);
    char *const changed = calloc(1, strlen(text) + strlen(to) + 1);
    assert_non_null(changed);
    memcpy(changed, text, (size_t)(at - text));
    strcat(changed, to);
    strcat(changed, at + strlen(from));
    return changed;
}

/* For threads beside the test's own, from which cmocka's assertions cannot jump. */
static inline void example_require(bool condition)
{
    if (!condition)
        abort();
}

/* A generator of repeatable odd numbers for tests (xorshift). */
static inline uint32_t example_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}
