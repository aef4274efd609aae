#pragma once

#include "processing/run/stall_lines.h"
#include "processing/run/stall_watch.h"

/*
 * The frames that were held up: marked in the frame table and put together to episodes. Of a run
 * whose lines are unknown an odd frame may as well be one of a line: it is held until it has
 * recurred, which finds the lines, or has not for long. Belongs to a stall_watch and is guarded by
 * its mutex; zeroed before use.
 */
#define STALL_EPISODES 1024
#define STALL_HELD 16

struct stall_findings {
    struct stall_episode held[STALL_HELD];
    unsigned n_held;
    struct stall_episode episodes[STALL_EPISODES]; /* number modulo STALL_EPISODES */
    uint64_t n_given;                              /* those that somebody has asked for */
    struct stall_summary summary;                  /* episodes: how many there ever were */
};

/* By how much a frame was held up, ns; 0: it was not. */
void stall_findings_add(struct stall_findings *findings, struct stall_lines *lines, struct run *run,
                        uint64_t frame_index, uint64_t held_up_ns);

/* What is held and is not of a line, as far as these are known now, was held up. */
void stall_findings_release(struct stall_findings *findings, const struct stall_lines *lines,
                            struct run *run);

/* The same where it has been held for long; `next`: the exposure that is looked at next. */
void stall_findings_release_old(struct stall_findings *findings, const struct stall_lines *lines,
                                struct run *run, uint64_t next);

/* stall_watch_episodes. */
size_t stall_findings_give(struct stall_findings *findings, uint64_t *from,
                           struct stall_episode *episodes, size_t n);
