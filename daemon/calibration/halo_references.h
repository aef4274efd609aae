#pragma once

#include "common/error.h"
#include "daemon/calibration/kept_store.h"
#include "processing/analysis/halo.h"
#include "processing/run/run.h"

/* Halos that were measured and named, to measure strain against: the references of kind "halo"
 * (references.h). */
struct halo_reference {
    char name[KEPT_NAME_SIZE];
    char run[37]; /* UUID of the run whose sum pattern it was measured in */
    uint64_t time_ns;
    uint32_t height, width; /* of the frames */
    struct halo_settings settings;
    struct halo halo;
    double camera_length; /* mm, NaN: not known; strain needs the same one */
};

#define HALO_KIND "halo"

/* false: there is none of that name, or it cannot be understood. */
bool halo_references_find(const struct kept_store *store, const char *name,
                          struct halo_reference *reference);

/* Keeps it under its name; `run` is the one that it was measured in. As kept_store_put. */
int halo_references_put(struct kept_store *store, const struct halo_reference *reference,
                        const struct run *run, const struct calibration *calibration,
                        struct error *error);
