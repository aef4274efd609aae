#pragma once

#include "clients/ctl/output.h"

/* The classes that count, in the order of their numbers, and those that do not. */
#define BRAGG_CLASSES 5

struct bragg_class_name {
    const char *member, *words; /* in JSON, for a person */
};

extern const struct bragg_class_name bragg_classes[BRAGG_CLASSES];

/* The name of a drawn area, or its number. */
struct text bragg_area_name(const json_t *area);
