#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/run/run.h"

/*
 * A map that a client has: a script's result, an image of another detector in the shape of the
 * scan, values of each frame. It becomes a map of the run like any other (given_maps.h). Service
 * thread.
 */
#define PUT_MAP_MAX_BYTES ((size_t)1 << 26)
#define PUT_MAP_ALL_PASSES (-1)

struct put_map {
    const char *name, *units, *description;
    const char *dtype; /* of numpy, little-endian: f4, f8, i1 to i8, u1 to u8, b1 */
    unsigned rank;     /* 1: [n], by exposure; 2: [ny, nx]; 3: [passes, ny, nx] */
    uint64_t shape[3];
    int64_t pass; /* of rank 2 */
    const void *bytes;
    size_t size;
    const char *provenance; /* a JSON object */
};

/* What became of it. */
struct put_result {
    uint64_t values;   /* that were taken over: floats that are not NaN, and all integers */
    uint64_t without;  /* positions to which the geometry gives no frame */
    bool replaced;     /* a map that was put before under this name */
    const char *dtype; /* as it is kept: "<u8" or "<f8" */
};

/*
 * Unsigned integers and b1 are kept as uint64_t, others as double (NaN: no value). A map that was
 * put under the same name is replaced as a whole. On failure *field is the member of args at fault,
 * or NULL: -EINVAL dtype or size, -ERANGE shape, -EEXIST name, -ENOMEM, -ENOSPC.
 */
int put_map(struct run *run, const struct put_map *map, struct put_result *result,
            const char **field, struct error *error);

/* Its numbers, the caller's to free; NaN stays. *field and errors as above: -EINVAL dtype or size,
 * -ENOMEM. */
int put_map_numbers(double **values, const struct put_map *map, const char **field,
                    struct error *error);
