#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/sim/timeline.h"

/*
 * The detector in front of the server: triggers release frames, frames are taken one after the
 * other at the period, wait in the server's buffer, and leave it through the socket. When `buffer`
 * frames wait, the detector is paused until only a tenth of them are left (protocol notes 2.9); the
 * time it lost lengthens one exposure (continuous read-write) or one gap.
 *
 * Nothing here runs by itself: the sender tells the time and what it sent, and the model works out
 * what must have happened in between. That is exact, because between two sends frames only arrive.
 * Not thread safe; the acquisition's lock guards it.
 *
 * 0 <= sent <= taken <= produced <= released <= total.
 */
struct detector_timing {
    uint64_t period_ns;   /* start to start */
    uint64_t exposure_ns; /* nominal */
    bool continuous;      /* CONTINUOUSRW: a pause lengthens an exposure and not a gap */
    bool paced;           /* false: every released frame is there at once (--fps max) */
};

struct detector_model {
    struct detector_timing timing;
    uint64_t buffer;        /* frames that may wait; 0: any number */
    uint64_t total;         /* UINT64_MAX: until stopped */
    uint64_t released;      /* by triggers */
    uint64_t produced;      /* taken by the detector, in the buffer or gone */
    uint64_t taken;         /* out of the buffer, on their way into the socket */
    uint64_t sent;          /* accepted by the socket, or thrown away */
    uint64_t release_at_ns; /* when a train of triggers begins; UINT64_MAX: none will */
    uint64_t next_start_ns; /* when the shutter opens for frame `produced` */
    uint64_t next_stretch_ns;
    uint64_t paused_at_ns;
    uint64_t stall_at, stall_ns; /* a pause on demand before frame `stall_at`; stall_ns 0: none */
    bool paused;
    bool failed;         /* no memory for the times of frames: the acquisition has to be stopped */
    uint64_t stalls;     /* pauses begun */
    uint64_t lengthened; /* frames taken with a lengthened exposure */
    struct timeline timeline;
};

#define DETECTOR_ENDLESS UINT64_MAX
#define DETECTOR_NEVER UINT64_MAX

/* All times are of the monotonic clock, in ns. */
void detector_model_init(struct detector_model *model, const struct detector_timing *timing,
                         uint64_t total, uint64_t buffer);
void detector_model_finish(struct detector_model *model);

/* Before it takes frame `index` (from 0) the detector will pause for so long, whatever the buffer
 * does. Asked for before the first frame is taken. */
void detector_model_stall(struct detector_model *model, uint64_t index, uint64_t ns);

/* A trigger: `frames` more frames may be taken. Triggers that come while frames are taken add up.
 */
void detector_model_release(struct detector_model *model, uint64_t now_ns, uint64_t frames);

/* Takes the frames that are complete at `now_ns`. */
void detector_model_advance(struct detector_model *model, uint64_t now_ns);

/* The socket has accepted (or nobody wanted) `frames` more frames. May end a pause. */
void detector_model_sent(struct detector_model *model, uint64_t now_ns, uint64_t frames);

/* Takes the next frame out of the buffer: its index, start of exposure and exposure. False: none
 * waits. */
bool detector_model_take(struct detector_model *model, uint64_t *index, uint64_t *start_ns,
                         uint64_t *exposure_ns);

/* When advance will next have something to do; DETECTOR_NEVER when only a trigger or a send can
 * change anything. */
uint64_t detector_model_next_due(const struct detector_model *model);

/* No further exposure: what has been taken is still sent (STOPACQUISITION), or not even that
 * (ABORT). */
void detector_model_stop(struct detector_model *model);
void detector_model_abort(struct detector_model *model);

bool detector_model_finished(const struct detector_model *model);

/* Waits for a trigger and has nothing left to send. */
bool detector_model_armed(const struct detector_model *model);
