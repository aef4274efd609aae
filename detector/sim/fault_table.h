#pragma once

#include <stdbool.h>

#include "detector/sim/fault.h"

struct fault_description {
    const char *name;
    const char *arguments; /* as shown */
    const char *amount;    /* key of `amount`; NULL: the kind takes none */
    double amount_default, amount_low, amount_high;
    bool takes_frames, needs_frames;
    bool takes_probability;
    bool disturbs_data;
    const char *what;     /* what happens */
    const char *expected; /* what a receiver should make of it */
};

extern const struct fault_description fault_table[FAULT_KINDS];
