#pragma once

#include <jansson.h>

#include "common/error.h"
#include "processing/bragg/bragg_reference.h"

/*
 * A reference of Bragg reflections as JSON: everything but its arrays (template, mask). Numbers
 * are written so that they read back as the same ones.
 */

/* New reference; NAN is null. */
json_t *bragg_settings_json(const struct bragg_settings *settings);
json_t *bragg_reference_json(const struct bragg_reference *reference);

/* The values back from bragg_reference_json; the arrays are NULL. -EINVAL with a sentence:
 * something is missing. */
int bragg_reference_from_json(struct bragg_reference_values *values, const json_t *json,
                              struct error *error);
