#pragma once

#include "clients/ctl/output.h"
#include "common/class_colours.h"

/* What the classes that count are called in JSON, in the order of their numbers. For a person:
 * class_words. */
extern const char *const bragg_class_members[CLASSES_THAT_COUNT];

/* The name of a drawn area, or its number. */
struct text bragg_area_name(const json_t *area);
