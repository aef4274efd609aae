#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/jobs.h"

struct run;

/*
 * How far the specimen has moved from one scan of a series to the next: a map of the scan before is
 * kept, because the daemon keeps only the newest run's. Computed as a job; a scan that ends while
 * the one before is still at it is not compared. Belongs to the service thread.
 */
struct scan_drift {
    struct jobs *jobs;
    char map[64]; /* "": no drift is wanted */
    bool busy;
    uint32_t ny, nx;
    double *before; /* [ny][nx] of the last scan; NULL: none. Owned */
};

void scan_drift_init(struct scan_drift *drift, struct jobs *jobs);
void scan_drift_finish(struct scan_drift *drift);

/* Another series: `map` (NULL: none) is the name of what is compared. */
void scan_drift_begin(struct scan_drift *drift, const char *map);

/* A scan is over. `found` gets its row (borrowed) and {drift: [dy, dx], error, quality, found,
 * detail}, which it takes over, when there was a scan before. */
void scan_drift_look(struct scan_drift *drift, struct run *run, json_t *row,
                     void (*found)(void *data, json_t *row, json_t *drift), void *data);
