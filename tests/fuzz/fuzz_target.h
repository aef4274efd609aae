#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What libFuzzer and replay_main.c call. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* An expectation that must hold for all input, whatever the build flags are. */
static inline void fuzz_require(int condition)
{
    if (!condition)
        abort();
}

/* A copy on the heap of exactly its size, so that the address sanitizer sees a read beyond a piece
 * of the input. */
static inline uint8_t *fuzz_copy(const uint8_t *bytes, size_t size)
{
    uint8_t *const copy = malloc(size > 0 ? size : 1);
    fuzz_require(copy != NULL);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}
