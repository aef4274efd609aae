#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether it is worth putting off analysis when the ring fills. A chunk that is put off is kept
 * (compressed, written) at once and unpacked again later; that is paid back only where analysis is
 * what takes long. Where keeping takes longer, as with the default products, putting analysis off
 * hardly frees a worker and costs an unpacking (docs/decisions.md).
 *
 * One worker's, from its own chunks of late.
 */
struct worker_time {
    uint64_t ns, frames;
};

struct worker_pace {
    struct worker_time analysis, keeping;
};

/* Frames after which half is forgotten. */
#define WORKER_PACE_FRAMES 2048

static inline void worker_time_note(struct worker_time *time, uint64_t ns, uint64_t n_frames)
{
    time->ns += ns;
    time->frames += n_frames;
    if (time->frames >= WORKER_PACE_FRAMES) {
        time->ns /= 2;
        time->frames /= 2;
    }
}

/* Nanoseconds per frame, 0: not known yet. */
static inline double worker_time_mean(const struct worker_time *time)
{
    return time->frames ? (double)time->ns / (double)time->frames : 0;
}

static inline bool worker_pace_deferring_pays(const struct worker_pace *pace)
{
    return worker_time_mean(&pace->analysis) > worker_time_mean(&pace->keeping);
}
