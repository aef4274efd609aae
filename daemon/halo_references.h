#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/analysis/halo.h"

/* Halos that were measured and named, to measure strain against. Kept in memory until the daemon
 * ends. Belongs to the service thread. */
struct halo_reference {
    char name[48];
    char run[37]; /* UUID of the run whose sum pattern it was measured in */
    uint64_t time_ns;
    uint32_t height, width; /* of the frames */
    struct halo_settings settings;
    struct halo halo;
    double camera_length; /* mm, NaN: not known; strain needs the same one */
};

struct halo_references {
    size_t n;
    struct halo_reference *list;
};

#define HALO_REFERENCES_MAX 64

void halo_references_finish(struct halo_references *references);

/* NULL: there is none of that name. */
const struct halo_reference *halo_references_find(const struct halo_references *references,
                                                  const char *name);

/* Adds it, or puts it in the place of the one with its name. -ENOMEM or -ENOSPC with a sentence. */
int halo_references_put(struct halo_references *references, const struct halo_reference *reference,
                        struct error *error);

/* [{name, run, time, radius_px}, ...], new reference. */
json_t *halo_references_json(const struct halo_references *references);
