#pragma once

#include "processing/run/run.h"
#include "processing/statistics/found_rate.h"

/*
 * A part of a run that somebody named as glass (bragg_null_test): what is found there is false, so
 * that it tells the run's false-alarm rate, of the classes as they are when somebody asks.
 * Immutable, the newest counts; older ones stay until the run is freed.
 */
struct run_glass_area {
    uint64_t pass;
    uint32_t ny, nx;                     /* positions of a pass */
    uint32_t from_y, from_x, to_y, to_x; /* rows and columns [from, to) */
};

struct run_glass {
    struct scan_geometry scan; /* in which it was named; holds a reference of its list */
    struct run_glass_area area;
    struct run_glass *older;
};

/* Names an area of the run as it is seen now in place of the one before; NULL: none. -ENOMEM.
 * Service thread only. */
int run_name_glass(struct run *run, const struct run_glass_area *area);

/* The newest; NULL: nothing is named. Any thread, as the following. */
const struct run_glass *run_glass(const struct run *run);

/* Of the area's patterns that have a class, in how many a reflection of at least this contrast was
 * found (0: of any); n 0: nothing is named, or nothing of it has a class. */
struct found_rate run_glass_alarms(const struct run *run, double contrast);

/* When the run is freed. */
void run_glass_finish(struct run *run);
