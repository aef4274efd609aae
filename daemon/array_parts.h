#pragma once

#include <jansson.h>

#include "processing/run.h"

/*
 * Maps and patterns as arrays for the wire: what a published message and the reply to a request
 * have in common. The header object has the members that schemas/protocol.md gives them; the arrays
 * are described by its `parts`.
 */
struct map_rows {
    json_t *header;    /* owned */
    void *values;      /* [n_rows][nx], 8 bytes each */
    uint8_t *measured; /* [n_rows][nx] */
    size_t n_values;
};

/* Rows [first, first + count) of a map. -ENOMEM. */
int map_rows_init(struct map_rows *rows, const struct run *run, const struct product *product,
                  unsigned map, uint64_t first, uint64_t count);
void map_rows_finish(struct map_rows *rows);

struct pattern_image {
    json_t *header; /* owned */
    void *image;    /* [height][width] */
    size_t size;    /* bytes */
};

/* "sum" (or another product's image) or "latest". -ENOENT: no such pattern, or nothing was measured
 * yet. -ENOMEM. */
int pattern_image_init(struct pattern_image *pattern, struct run *run, const char *name);
void pattern_image_finish(struct pattern_image *pattern);
