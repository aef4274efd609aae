#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * When each frame was exposed, for frames that are taken but not yet sent. Frames follow each other
 * at the period, except where a burst begins or the detector was paused; only those places are
 * kept, as segments. Owned by whoever owns the detector model.
 */
struct timeline_segment {
    uint64_t first;      /* index of its first frame, from 0 */
    uint64_t start_ns;   /* when the shutter opened for that frame, monotonic clock */
    uint64_t stretch_ns; /* how much longer than nominal that one frame was exposed */
};

struct timeline {
    struct timeline_segment *segments; /* [head, head + count) in use */
    size_t head, count, capacity;
};

void timeline_init(struct timeline *timeline);
void timeline_finish(struct timeline *timeline);

/* Segments are added in the order of their frames. Returns 0 or -ENOMEM. */
int timeline_add(struct timeline *timeline, struct timeline_segment segment);

/* Start and stretch of frame `index`. Frames are asked for in order: earlier segments are dropped.
 */
void timeline_frame(struct timeline *timeline, uint64_t index, uint64_t period_ns,
                    uint64_t *start_ns, uint64_t *stretch_ns);
