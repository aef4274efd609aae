#pragma once

#include <stdint.h>

#include "daemon/acquisition/start_parameters.h"
#include "detector/command_client.h"

/*
 * Sets the detector up for a scan and arms it, one command after the other in the order that works
 * (Merlin manual v1.0 and merlin-protocol notes 1.4): is it idle; modes, times, triggers, the rest;
 * read back what it may have changed; then `ready_to_arm` is asked, and CMD STARTACQUISITION is
 * sent. Lives on the service thread; `done` is called exactly once.
 *
 * Only what differs from `known`, the values that this connection has sent or read, is sent, and
 * `known` is kept up to date. When a value that was not sent turns out to be another one (somebody
 * else has set it), everything is sent once more.
 */
struct start_sequence;

struct start_outcome {
    struct start_refusal refusal; /* its code is NULL: armed */
    uint64_t frame_period_ns;     /* what the detector says its period is, 0 unknown */
    uint32_t gap_pixels; /* between the chips of a quad, as far as IMAGEX tells; 0 unknown */
    const struct detector_settings *told; /* values that the detector has told meanwhile */
};

/* The outcome as far as it is known: period and gap. */
typedef void (*start_ready_fn)(void *data, const struct start_outcome *outcome);
typedef void (*start_done_fn)(void *data, const struct start_outcome *outcome);

/*
 * `known` must outlive the sequence. false, with a code, field and sentence in `refusal`: a
 * parameter is wrong or does not go with another, or no memory.
 */
bool start_sequence_begin(struct start_sequence **sequence, struct command_client *client,
                          const struct start_settings *settings, struct detector_settings *known,
                          start_ready_fn ready_to_arm, start_done_fn done, void *data,
                          struct start_refusal *refusal);
