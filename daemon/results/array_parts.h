#pragma once

#include <jansson.h>

#include "processing/run/run.h"

/*
 * Maps, patterns and profiles as arrays for the wire: what a published message and the reply to a
 * request have in common. The header objects have the members that schemas/protocol.md gives them;
 * the arrays are described by their `parts`. Service thread.
 */
/* More cannot be sent in one message: a map of that many positions is 1 GiB. */
#define MAP_VALUES_MAX (UINT64_C(1) << 27)

struct map_rows {
    json_t *header;    /* owned */
    void *values;      /* [n_rows][nx], value_size bytes each */
    uint8_t *measured; /* [n_rows][nx] */
    size_t n_values, value_size;
};

/* Rows [first, first + count) of a map as it is seen now; the rows of all passes are counted one
 * after the other. -ENOMEM; -EFBIG: more than MAP_VALUES_MAX. */
int map_rows_init(struct map_rows *rows, const struct run *run, const struct product *product,
                  unsigned map, uint64_t first, uint64_t count);

/* All of them, the array in the shape of the map: [ny, nx], with repeats [passes, ny, nx]. */
int map_whole_init(struct map_rows *rows, const struct run *run, const struct product *product,
                   unsigned map);
void map_rows_finish(struct map_rows *rows);

/* Where the values of a given map come from (given_maps.h), new reference; null: they are computed
 * of the frames. */
json_t *map_provenance_json(const struct product *product);

struct array_values {
    json_t *header; /* owned */
    void *values;   /* a pattern [height][width] or a profile [n] */
    size_t size;    /* bytes */
};

/*
 * A pattern or a profile by its name, LAYER/NAME included. "latest" and "LAYER/latest" are the
 * newest pattern of a layer. -ENOENT: there is none of this name, or nothing was measured yet.
 * -ENOMEM.
 */
int pattern_init(struct array_values *pattern, struct run *run, const char *name);
int profile_init(struct array_values *profile, struct run *run, const char *name);

/* Where rings of that width (pixels) are: {name, units, step}, new reference. Ring i is from i to
 * i + 1 times `step`, in nm^-1 (k = 1/d) where the run knows the size of a pixel, else in pixels.
 */
json_t *ring_axis_json(const struct run *run, double ring_width);

void array_values_finish(struct array_values *array);
