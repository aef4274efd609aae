#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run;

/*
 * Finds where the detector was held up. A Merlin that is read too slowly pauses without telling:
 * the frame numbers go on, but with continuous readout one exposure is lengthened and otherwise the
 * time between two frames is; external triggers during the pause are lost, and every later frame of
 * the scan is then at a wrong position. The only signs in the stream are the times and exposures of
 * MQ1A (Merlin manual 8.16).
 *
 * Off the frame's path: the service thread looks now and then, and once more when the run is over
 * and before its file is completed. All functions may be called from any thread.
 */
struct stall_watch;

struct stall_episode {
    uint64_t first, last; /* frame indices that were held up */
    uint64_t held_up_ns;  /* beyond what is usual for that place of the scan */
};

struct stall_summary {
    uint64_t episodes;
    uint64_t held_up_ns;
    bool shifted;          /* triggers can have been lost */
    uint64_t shifted_from; /* frame index from which positions may be wrong */
};

/* NULL: no memory. */
struct stall_watch *stall_watch_create(void);
/* NULL does nothing. */
void stall_watch_destroy(struct stall_watch *watch);

void stall_watch_summary(struct stall_watch *watch, struct stall_summary *summary);

/* The episodes from number `from` on (0: the first of the run), at most n; returns how many. Only
 * the newest 1024 are kept; *from is raised past those that are not there any more. */
size_t stall_watch_episodes(struct stall_watch *watch, uint64_t *from,
                            struct stall_episode *episodes, size_t n);
