#pragma once

#include <stdint.h>

#include "common/error.h"
#include "detector/sim/glass_map.h"
#include "detector/sim/glass_pattern.h"
#include "detector/sim/wire_format.h"

/*
 * Patterns made and encoded before the first one is sent. Each exposure has one message, two where
 * both counters are read (counter 1 first), four or eight in colour; messages lie one after the
 * other in the order in which they are sent. A bank with flyback has one exposure more at its end,
 * for all frames that show no position: each of its pixels counts 1, in every layer.
 */

/* Counts of the sensor that stay drawn, for the banks of further modes. Each exposure belongs to
 * the one thread that makes it. */
struct drawn_counts {
    uint64_t count; /* exposures there is room for, the first ones; 0: none */
    bool *drawn;
    uint32_t *counts; /* [count][side][side] */
};

/* Room for up to `count` exposures of side x side pixels, and for none where that is too much. */
void drawn_counts_init(struct drawn_counts *drawn, uint64_t count, uint32_t side);
void drawn_counts_finish(struct drawn_counts *drawn);

struct pattern_bank {
    const struct glass_map *map;
    const struct glass_pattern *pattern;
    struct drawn_counts *drawn; /* NULL: nothing is kept */
    struct wire_format format;
    bool both_counters;
    bool flyback;
    uint64_t count; /* exposures, without that of flyback */
    uint8_t *bytes;
    size_t size; /* bytes mapped */
};

/* Messages of one exposure. */
static inline unsigned pattern_bank_layers(const struct pattern_bank *bank)
{
    return (bank->format.colour ? 4 : 1) * (bank->both_counters ? 2 : 1);
}

/* Field 11 of the header of message `layer`: the counter, or the layer of colour. */
static inline unsigned pattern_bank_counter(const struct pattern_bank *bank, unsigned layer)
{
    return bank->both_counters && !bank->format.colour ? 1 - layer : layer;
}

/* The fields up to `count` are the caller's; makes `bytes`. On failure there is nothing to finish.
 */
int pattern_bank_fill(struct pattern_bank *bank, struct error *error);
void pattern_bank_finish(struct pattern_bank *bank);

/* Writes the images (not that of flyback), made anew and never encoded, as numpy array
 * [messages][height][width]. */
int pattern_bank_dump(const struct pattern_bank *bank, const char *path, struct error *error);
