#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Faults at work on the data socket of one acquisition. Part of struct acquisition: `run` and
 * `active` are set under its lock when an acquisition begins, the rest is the sender's.
 */
struct acquisition;

/* A frame that others overtake. */
struct held_frame {
    uint64_t index, start_ns, exposure_ns;
    uint64_t after; /* index of the frame it follows */
    bool waits;
};

struct disturbance {
    uint64_t run;         /* ordinal of the acquisition, from 1 */
    bool active;          /* some fault touches what is sent */
    bool batched;         /* messages stay as they are: many may be written together */
    bool close_when_sent; /* the link closes once the outbox is empty */
    struct held_frame held;
    uint64_t slow_until_ns; /* nothing more is queued before: the link carries no more */
    uint8_t *garbage;       /* what the outbox has of it */
};

/* For a new acquisition; the plan may end earlier and the model stall. Under the lock, by the
 * command thread. */
void disturbance_begin(struct acquisition *acquisition);
void disturbance_finish(struct disturbance *disturbance);

/* Is the acquisition header sent at the start? */
bool disturbance_sends_hdr_first(const struct acquisition *acquisition);

/* Puts what comes before the acquisition header into the outbox. */
void disturbance_before_hdr(struct acquisition *acquisition);

/* The number that frame `index` (from 0) bears. */
uint64_t disturbance_number(const struct acquisition *acquisition, uint64_t index);

/* Fills the empty outbox with the next frame and what the faults make of it, or with nothing. */
void disturbance_queue(struct acquisition *acquisition, uint64_t now_ns);
