#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/mpx.h"
#include "processing/ring.h"
#include "processing/tables/frame_set.h"

/* Puts the frames of a run into chunks of the ring and counts them. Belongs to the ingest thread.
 */
struct placement {
    struct ring *ring;
    struct run *run;
    uint64_t next_index; /* one more than the highest frame index so far */
    struct frame_set seen;
    bool forgets;        /* there was no memory for `seen`, which is told once */
    struct chunk *open;  /* takes placed frames; NULL: none */
    uint64_t open_order; /* of the open chunk, see scan_geometry_chunk */
    uint64_t next_order; /* chunks before this one were opened */
    bool open_dirty;     /* holds frames that workers were not shown yet */
};

/* A frame of the run. */
struct arrival {
    const struct mpx_message *message;
    uint64_t number; /* as sent */
    uint64_t index;  /* of the exposure, in the run */
    unsigned layer;
    int64_t position; /* filled in by placement_store */
};

/* A run begins. */
void placement_begin(struct placement *placement, struct run *run);

/* Stores a frame whose message lies at the ring's unconsumed bytes. false: no room; offer it again.
 */
bool placement_store(struct placement *placement, struct arrival *arrival);

/* Shows the workers what they got. */
void placement_flush(struct placement *placement);

/* No frame of the run will come any more. */
void placement_close(struct placement *placement);

void placement_finish(struct placement *placement);
