#pragma once

#include "daemon/calibration/kept_store.h"
#include "processing/bragg/bragg_reference.h"

/*
 * Named references of Bragg reflections as they are kept on disk (kept_store.h, kind
 * "bragg.reference"): the document is that of bragg_reference_json.h with `run` and `area`, the
 * arrays are `template` (sums of counts) and `bad`. A reference that is read is the one that was
 * kept, to the last bit. Service thread.
 */
#define BRAGG_REFERENCES_KIND "bragg.reference"

/* `origin` is an object that goes into the document too; taken over. Errors as kept_store_put;
 * -ERANGE: a sum above 2^53, which the file cannot hold. */
int bragg_references_put(struct kept_store *store, const char *name,
                         const struct bragg_reference *reference, json_t *origin,
                         struct error *error);

/* -ENOENT with a sentence: there is none of that name; or what kept it from being read. */
int bragg_references_load(const struct kept_store *store, const char *name,
                          struct bragg_reference **reference, struct error *error);

/* [{name, saved, settings, shape, frames, run, area, ...}], new reference. */
json_t *bragg_references_list(const struct kept_store *store);
