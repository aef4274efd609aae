#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What is served from memory: files that scripts/embed.py has put into the program, each as it is
 * and packed by gzip.
 */
struct asset {
    const char *path; /* "/", "/app.js", "/schema/run.json" */
    const char *type; /* Content-Type */
    const char *etag; /* with its quotes; of the packed form the same with "-gz" inside */
    const char *etag_packed;
    const uint8_t *bytes;
    size_t size;
    const uint8_t *packed; /* NULL: packing gains nothing */
    size_t packed_size;
};

/* Ended by a NULL path. */
extern const struct asset page_assets[];
extern const struct asset schema_assets[];

/* The asset of exactly this path; NULL: there is none. */
const struct asset *asset_find(const struct asset *assets, const char *path);
