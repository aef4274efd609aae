#include "detector/sim/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void timeline_init(struct timeline *timeline)
{
    memset(timeline, 0, sizeof *timeline);
}

void timeline_finish(struct timeline *timeline)
{
    free(timeline->segments);
    memset(timeline, 0, sizeof *timeline);
}

static int make_room(struct timeline *timeline)
{
    if (timeline->head > 0) {
        memmove(timeline->segments, timeline->segments + timeline->head,
                timeline->count * sizeof *timeline->segments);
        timeline->head = 0;
    }
    if (timeline->count < timeline->capacity)
        return 0;
    const size_t capacity = timeline->capacity ? 2 * timeline->capacity : 64;
    struct timeline_segment *segments =
        realloc(timeline->segments, capacity * sizeof *timeline->segments);
    if (!segments)
        return -ENOMEM;
    timeline->segments = segments;
    timeline->capacity = capacity;
    return 0;
}

int timeline_add(struct timeline *timeline, struct timeline_segment segment)
{
    if (timeline->head + timeline->count == timeline->capacity) {
        const int error = make_room(timeline);
        if (error)
            return error;
    }
    timeline->segments[timeline->head + timeline->count++] = segment;
    return 0;
}

void timeline_frame(struct timeline *timeline, uint64_t index, uint64_t period_ns,
                    uint64_t *start_ns, uint64_t *stretch_ns)
{
    *start_ns = *stretch_ns = 0;
    while (timeline->count > 1 && timeline->segments[timeline->head + 1].first <= index) {
        timeline->head++;
        timeline->count--;
    }
    if (timeline->count == 0)
        return;
    const struct timeline_segment *segment = &timeline->segments[timeline->head];
    *start_ns = segment->start_ns + (index - segment->first) * period_ns;
    if (index == segment->first)
        *stretch_ns = segment->stretch_ns;
    else
        *start_ns += segment->stretch_ns;
}
