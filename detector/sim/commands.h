#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "detector/sim/acquisition.h"
#include "detector/sim/frame_source.h"
#include "detector/sim/options.h"
#include "detector/sim/parameters.h"

/* What commands act on. Owned by the command server's thread. */
struct command_context {
    const struct options *options;
    struct frame_source *source;
    struct acquisition *acquisition;
    struct parameters parameters;
    struct source_mode mode;      /* that the source was made for */
    uint64_t starts;              /* acquisitions begun */
    bool mode_due;                /* after RESET: the source is made anew as soon as it may be */
    uint64_t refused[FAULTS_MAX]; /* how often each fault has refused something */
    bool error_after;             /* this acquisition ends, or has ended, with DETECTORSTATUS 3 */
    bool standby;
    bool reset; /* a RESET was executed: the server drops the clients and clears this */
    bool over;  /* --once: no further acquisition */
};

#define COMMAND_REPLY_MAX 8192

void command_context_init(struct command_context *context, const struct options *options,
                          struct frame_source *source, struct acquisition *acquisition);

/* The fault of this kind that is in force in the acquisition that runs or comes next, or NULL. */
const struct fault *command_fault(const struct command_context *context, enum fault_kind kind);

/* Executes the body of one message ("SET,NAME,VALUE") and writes the body of its reply. */
void command_execute(struct command_context *context, const char *body, char *reply, size_t room);

/* Prints the `done` line of an acquisition that is over, once. Returns whether it did. */
bool command_report_end(struct command_context *context);
