#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether it is worth putting off analysis when the ring fills. A chunk that is put off is kept
 * (compressed, written) at once and read, unpacked and analysed later, which costs more than
 * keeping it did (docs/decisions.md). That is paid back only where analysis takes much longer than
 * keeping: then the ring empties several times as fast in the meantime.
 *
 * One worker's, from its own chunks of late.
 */
struct worker_time {
    double mean_ns; /* of a frame, 0: not known yet */
    bool begun;
};

struct worker_pace {
    struct worker_time analysis, keeping;
    unsigned n_deferred; /* chunks that were put off in a row */
};

/* Analysis has to take so many times as long as keeping. */
#define WORKER_PACE_DEFER 2
/* What a chunk counts for in the mean. */
#define WORKER_PACE_SHARE (1.0 / 8)
/* One of so many chunks is analysed all the same: what is put off tells nothing of its time. */
#define WORKER_PACE_LOOK 16

/* The first chunk is left out, since memory is touched with it for the first time; later ones for
 * which that happens, or which had to wait for a processor, raise the mean by an eighth at most. */
static inline void worker_time_note(struct worker_time *time, uint64_t ns, uint64_t n_frames)
{
    const double mean = n_frames ? (double)ns / (double)n_frames : time->mean_ns;
    if (!time->begun)
        time->begun = true;
    else if (time->mean_ns == 0)
        time->mean_ns = mean;
    else if (mean > 2 * time->mean_ns)
        time->mean_ns += WORKER_PACE_SHARE * time->mean_ns;
    else
        time->mean_ns += WORKER_PACE_SHARE * (mean - time->mean_ns);
}

/* Whether the next chunk is to be put off, while the ring is full. What keeping takes is not known
 * of frames that are not recorded, before some of them were put off: then it is tried. */
static inline bool worker_pace_defers(struct worker_pace *pace)
{
    if (pace->analysis.mean_ns <= WORKER_PACE_DEFER * pace->keeping.mean_ns)
        return false;
    return ++pace->n_deferred % WORKER_PACE_LOOK != 0;
}
