#pragma once

#include <stdint.h>

#include "common/error.h"
#include "detector/sim/glass_map.h"
#include "detector/sim/glass_pattern.h"
#include "detector/sim/wire_format.h"

/*
 * Patterns made and encoded before the first one is sent. Each exposure has one message, two where
 * both counters are read (counter 1 first), four or eight in colour; messages lie one after the
 * other in the order in which they are sent.
 */
struct pattern_bank {
    const struct glass_map *map;
    const struct glass_pattern *pattern;
    struct wire_format format;
    bool both_counters;
    uint64_t count; /* exposures */
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

/* Writes the images, made anew and never encoded, as numpy array [messages][height][width]. */
int pattern_bank_dump(const struct pattern_bank *bank, const char *path, struct error *error);
