#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/ring.h"
#include "processing/run/chunk_sink.h"

/*
 * The ingest thread: reads the detector's data socket into the ring on a uv loop of its own, finds
 * messages, begins and ends runs, and places frames into chunks. It never waits for anybody and
 * allocates nothing for a single frame.
 *
 * A run begins with the first frame after an HDR (or, from a detector that sends none, with frame
 * number 1), under the plan given by ingest_expect, else under a copy of the default plan. It ends
 * at its last frame, when a new HDR's frames come, when the link breaks, or when the service asks.
 * Frames outside a run are stray: counted and dropped.
 *
 * All functions below but create and destroy may be called from any thread and return at once; the
 * callbacks come on the ingest thread and must not block.
 */
struct ingest;

struct ingest_events {
    void *data;
    void (*link)(void *data, bool connected, const struct error *error);
    /* An HDR came: the detector is armed or about to send. Not called for one that turns out to be
     * a stray repetition. */
    void (*header)(void *data);
    void (*run_began)(void *data, struct run *run);
    /* No more frames will be taken for it. */
    void (*run_ended)(void *data, struct run *run);
    /* A run could not begin; its frames are dropped. */
    void (*run_refused)(void *data, const struct error *error);
    /* The run that was expected was to end, and no frame of it has come: none is expected any more.
     */
    void (*plan_dropped)(void *data, enum run_end end);
};

struct ingest_settings {
    const char *host;
    uint16_t port;
    uint64_t ring_size; /* bytes */
    unsigned n_workers;
    struct acquisition_plan *default_plan; /* a reference is taken */
    struct chunk_sink sink;
    struct ingest_events events;
};

/* Makes the ring (pre-faulted) and starts the thread, which connects by itself. */
int ingest_create(struct ingest **ingest, const struct ingest_settings *settings,
                  struct error *error);
/* Ends a run that is going on (RUN_END_SHUTDOWN), closes the link and joins. The ring must still
 * have its workers. NULL does nothing. */
void ingest_stop(struct ingest *ingest);
/* After ingest_stop and after the workers have gone. NULL does nothing. */
void ingest_destroy(struct ingest *ingest);

struct ring *ingest_ring(struct ingest *ingest);

/*
 * The next run has this plan. `drain`: what comes before the next HDR is stray, because it was sent
 * before the detector was set up; otherwise an HDR that came already, or a frame number 1, begins
 * the run too. Takes a reference.
 */
int ingest_expect(struct ingest *ingest, struct acquisition_plan *plan, bool drain);
/* Takes ingest_expect back. */
int ingest_expect_nothing(struct ingest *ingest);
/* Runs that nobody expects have copies of this plan from now on. Takes a reference. */
int ingest_set_default_plan(struct ingest *ingest, struct acquisition_plan *plan);
/* The unending scan that is going on (if it is) gives its next pass to a run with this plan, and
 * goes on afterwards under a copy of its own plan. Takes a reference. */
int ingest_record_pass(struct ingest *ingest, struct acquisition_plan *plan);
/*
 * Ends the run that is going on or expected, once no byte has come for quiet_ns (0: now) since this
 * was asked. Frames of an expected run that come before that make a run, which ends then; if none
 * come, plan_dropped is called.
 */
int ingest_end_run(struct ingest *ingest, enum run_end end, uint64_t quiet_ns);

/* How often its loop has turned because somebody asked, and asks for another turn; not after
 * ingest_stop. What has come to the socket by one turn is read by the next but one. */
uint64_t ingest_turns(struct ingest *ingest);

struct ingest_figures {
    uint64_t stray_frames, stray_bytes; /* outside a run */
    uint64_t skipped_bytes, resyncs;    /* bytes that were no MPX message, and how often */
    uint64_t repeated_headers;          /* HDRs in the middle of a run that changed nothing */
};
void ingest_figures(const struct ingest *ingest, struct ingest_figures *figures);
