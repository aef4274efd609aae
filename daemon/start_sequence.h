#pragma once

#include <jansson.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/trigger.h"
#include "detector/command_client.h"

/*
 * Sets the detector up for a scan and arms it, one command after the other in the order that works (Merlin manual v1.0 and
 * merlin-protocol notes 1.4): is it idle; switches; mode parameters of the caller; triggers and counts; read back; then `ready_to_arm` is asked, and
 * CMD STARTACQUISITION is sent. Lives on the service thread; `done` is called exactly once.
 */
struct start_sequence;

struct start_settings {
    struct scan_geometry scan;
    enum trigger trigger;
    const json_t *parameters; /* object NAME: text or number, may be NULL; sent in its order */
};

struct start_outcome {
    const char *code; /* NULL: armed; else the protocol's error code */
    struct error error;
    uint64_t frame_period_ns; /* what the detector says its period is, 0 unknown */
};

typedef void (*start_ready_fn)(void *data, uint64_t frame_period_ns);
typedef void (*start_done_fn)(void *data, const struct start_outcome *outcome);

/* -ENOMEM, or -EINVAL with a sentence when a parameter is neither text nor number. */
int start_sequence_begin(struct start_sequence **sequence, struct command_client *client,
                         const struct start_settings *settings, start_ready_fn ready_to_arm,
                         start_done_fn done, void *data, struct error *error);

/* Forgets the callbacks: nobody waits any more. It frees itself when its outstanding command comes back. NULL does nothing. */
void start_sequence_abandon(struct start_sequence *sequence);
