#pragma once

#include <jansson.h>

#include "processing/run/run.h"

/*
 * What results a run has, by name, as its summary tells them. Arrays of text, the caller's; NULL:
 * no memory. Any thread.
 */
json_t *result_list_maps(const struct run *run);
json_t *result_list_patterns(const struct run *run);
json_t *result_list_profiles(const struct run *run);

/* The name of a layer's newest pattern: "latest" in a run of one layer, else "LAYER/latest". */
void latest_pattern_name(const struct run *run, unsigned layer, char name[PRODUCT_NAME_SIZE]);

/* "a, b, c" for a sentence, as many of the names as there is room for, "..." for the rest; "none"
 * of an empty list. Takes `names` over. */
void result_list_tell(json_t *names, char *text, size_t size);
