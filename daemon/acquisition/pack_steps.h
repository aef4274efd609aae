#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/acquisition/acquisition.h"

/*
 * Compression `auto`: packs as closely as there is time for. When the ring fills and the writer is
 * not what is slow, it steps down (zstd 1, lz4 1, none), and back when the ring has been empty for
 * long enough. A step back that does not last makes the next one wait twice as long. Every step is
 * an event and a note in the file. Belongs to the service thread; zeroed for every run.
 */
struct pack_steps {
    uint64_t changed_ns,
        calm_ns;       /* monotonic: last step; since when the ring is empty, 0: it is not */
    double patience_s; /* of calm before a step back, 0: the first */
    bool went_back;    /* the last step was one back */
};

/* The step to take now that `step` (0: closest, last: none) is in force. `fill` of the ring, 0 to
 * 1; `disk_is_slow`: the writer has not kept up with the workers. */
unsigned pack_steps_decide(struct pack_steps *steps, unsigned step, double fill, bool disk_is_slow,
                           uint64_t now_ns);

void pack_steps_look(struct pack_steps *steps, const struct acquisition_observer *observer,
                     struct run *run, double fill, bool disk_is_slow, struct logbook *logbook);
