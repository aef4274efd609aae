#pragma once

#include <stdint.h>

/* Writes the last `width` decimal digits of `value`, zero padded, without a terminating NUL. */
static inline void write_digits(char *at, uint64_t value, unsigned width)
{
    while (width-- > 0) {
        at[width] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* How many decimal digits `value` has. */
static inline unsigned count_digits(uint64_t value)
{
    unsigned digits = 1;
    while (value >= 10) {
        value /= 10;
        digits++;
    }
    return digits;
}
