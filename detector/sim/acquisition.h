#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "detector/sim/frame_source.h"
#include "detector/sim/options.h"
#include "detector/sim/parameters.h"
#include "detector/sim/run_plan.h"

/*
 * The acquisition that runs, or none, and the data link; what the command thread sees of them. A
 * thread of its own, the sender, owns the data socket and sends the frames. Every function may be
 * called from the command thread at any time and none waits for the network.
 */
struct acquisition;

/* `data_listener` is watched by the sender; it stays the caller's. `source` and `options` must
 * outlive the acquisition. */
int acquisition_create(struct acquisition **acquisition, const struct frame_source *source,
                       const struct options *options, int data_listener, struct error *error);
void acquisition_destroy(struct acquisition *acquisition);

/*
 * True when nothing runs and no byte of a frame waits to be sent: the source may be made anew, up
 * to the next start. Then acquisition_source_changed makes room for its messages; -ENOMEM: no
 * acquisition may be started.
 */
bool acquisition_quiescent(struct acquisition *acquisition);
int acquisition_source_changed(struct acquisition *acquisition);

/* Starts, and takes over the plan. REPLY_BUSY, with the plan left to the caller, while another one
 * runs. */
enum reply_code acquisition_start(struct acquisition *acquisition, struct run_plan *plan);

/* No further exposures; what is in the buffer is still sent. */
void acquisition_stop(struct acquisition *acquisition);

/* As stop, and the buffer is thrown away. The acquisition is over on return. */
void acquisition_abort(struct acquisition *acquisition);

/* A software trigger. Ignored, as by the detector, when none is awaited. */
void acquisition_trigger(struct acquisition *acquisition);

/* Closes the data link (RESET). */
void acquisition_drop_link(struct acquisition *acquisition);

enum acquisition_state { ACQUISITION_IDLE, ACQUISITION_BUSY, ACQUISITION_ARMED };
enum acquisition_state acquisition_state(struct acquisition *acquisition);

/* A data client is there, or waits to be let in. */
bool acquisition_attached(struct acquisition *acquisition);

/* How an acquisition went. */
struct acquisition_report {
    uint64_t frames; /* sent */
    uint64_t stalls, lengthened;
};

/* True once after each end of an acquisition. acquisition_notify_fd becomes readable then, and when
 * drained. */
bool acquisition_take_report(struct acquisition *acquisition, struct acquisition_report *report);
int acquisition_notify_fd(const struct acquisition *acquisition);

/* Asks to be notified when the data client has everything; acquisition_drained then returns true.
 */
void acquisition_drain(struct acquisition *acquisition);
bool acquisition_drained(struct acquisition *acquisition);
