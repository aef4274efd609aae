#include "detector/sim/alias_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t to_threshold(double part)
{
    return part >= 1 ? UINT32_MAX : (uint32_t)(part * 0x1p32);
}

/* Pairs columns that have too little with such that have too much. parts[] has mean 1; stack[]
 * holds both lists. */
static void pair_columns(struct alias_table *table, double *parts, uint32_t *stack)
{
    uint32_t small = 0, large = table->count; /* stack[0, small) and stack[large, count) */
    for (uint32_t i = 0; i < table->count; i++) {
        table->alias[i] = i;
        if (parts[i] < 1)
            stack[small++] = i;
        else
            stack[--large] = i;
    }
    while (small > 0 && large < table->count) {
        const uint32_t poor = stack[--small];
        const uint32_t rich = stack[large];
        table->threshold[poor] = to_threshold(parts[poor]);
        table->alias[poor] = rich;
        parts[rich] -= 1 - parts[poor];
        if (parts[rich] < 1) {
            large++;
            stack[small++] = rich;
        }
    }
    while (small > 0)
        table->threshold[stack[--small]] = UINT32_MAX;
    while (large < table->count)
        table->threshold[stack[large++]] = UINT32_MAX;
}

int alias_table_init(struct alias_table *table, const double *weights, uint32_t count)
{
    memset(table, 0, sizeof *table);
    table->count = count;
    table->shift = 64 - (unsigned)__builtin_ctz(count);
    table->threshold = calloc(count, sizeof *table->threshold);
    table->alias = calloc(count, sizeof *table->alias);
    double *parts = calloc(count, sizeof *parts);
    uint32_t *stack = calloc(count, sizeof *stack);
    int result = 0;
    if (!table->threshold || !table->alias || !parts || !stack) {
        alias_table_finish(table);
        result = -ENOMEM;
    } else {
        for (uint32_t i = 0; i < count; i++)
            table->total += weights[i];
        for (uint32_t i = 0; i < count; i++)
            parts[i] = weights[i] * count / table->total;
        pair_columns(table, parts, stack);
    }
    free(parts);
    free(stack);
    return result;
}

void alias_table_finish(struct alias_table *table)
{
    free(table->threshold);
    free(table->alias);
    memset(table, 0, sizeof *table);
}
