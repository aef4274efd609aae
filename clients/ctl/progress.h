#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "clients/ctl/summary.h"

/*
 * The progress of a run on stderr: on a terminal one line that is drawn over, elsewhere a line a
 * second when it differs from the last one. Never touches stdout.
 */
struct progress {
    bool shown;
    bool terminal;
    uint64_t drawn_ns; /* when the last line was drawn, monotonic */
    char line[256];    /* the last one */
};

/* Draws on a terminal only, unless `always`. */
void progress_init(struct progress *progress, bool always);

/* `ring_fill` is 0..1, negative when not known. */
void progress_draw(struct progress *progress, const struct summary *summary, double ring_fill);

/* Removes the line. */
void progress_finish(struct progress *progress);
