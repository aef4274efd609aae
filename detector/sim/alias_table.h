#pragma once

#include <stdint.h>

#include "detector/sim/random.h"

/* Draws indices with given weights in constant time (Walker's alias method, in Vose's
 * construction). Constant once made. */
struct alias_table {
    uint32_t count;      /* a power of two */
    unsigned shift;      /* 64 - log2(count) */
    uint32_t *threshold; /* [count] of 2^32: below it the column itself */
    uint32_t *alias;     /* [count] else this one */
    double total;        /* sum of the weights */
};

/* `count` is a power of two, at least 2; weights[count] are not negative and not all 0. Returns 0
 * or -ENOMEM. */
int alias_table_init(struct alias_table *table, const double *weights, uint32_t count);
void alias_table_finish(struct alias_table *table);

static inline uint32_t alias_table_draw(const struct alias_table *table,
                                        struct random_stream *stream)
{
    const uint64_t bits = random_bits(stream);
    const uint32_t column = (uint32_t)(bits >> table->shift);
    return (uint32_t)bits < table->threshold[column] ? column : table->alias[column];
}
