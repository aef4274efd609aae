#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "common/error.h"
#include "detector/command_client.h"

/*
 * Brings a detector that is busy without a run of ours, or in its error state, back to idle. Busy:
 * STOPACQUISITION and, if it is still busy after a second, ABORT. Error (DETECTORSTATUS 3): ABORT,
 * and CLEARERROR 3 s later, which is what works in the field (merlin-protocol notes 1.2). An idle
 * detector is left alone. Lives on the service thread; `done` is called exactly once.
 */
struct recovery;

struct recovery_outcome {
    int status; /* 0, or why the detector did not answer: -ETIMEDOUT, -ENOTCONN, -ECANCELED */
    long detector_status;  /* the newest DETECTORSTATUS, -1: never known */
    const json_t *actions; /* commands that were sent, in order; borrowed */
};

/* Whether the detector is idle again. */
bool recovery_succeeded(const struct recovery_outcome *outcome);

/* The sentence for one that did not come back. */
void recovery_explain(const struct recovery_outcome *outcome, struct error *error);

typedef void (*recovery_done_fn)(void *data, const struct recovery_outcome *outcome);

/* 0, -ENOMEM, or as command_client_send; `done` is not called from within. */
int recovery_begin(struct recovery **recovery, uv_loop_t *loop, struct command_client *client,
                   recovery_done_fn done, void *data);

/* Ends it now with -ECANCELED. NULL does nothing. */
void recovery_cancel(struct recovery *recovery);
