#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * What the log says of a link to the detector. A detector whose other client holds the link accepts
 * and hangs up at once, at every try, for a day perhaps: that is told twice and then no more until
 * a link lasts. `now_ns` is monotonic. Service thread.
 */
struct link_log {
    const char *name; /* "data link", "command link" */
    const char *host; /* as long as the acquisition */
    uint64_t port;
    uint64_t up_ns;       /* since when it is up; 0: it is down */
    unsigned short_links; /* one after the other that ended at once */
    bool told;            /* the log has that it is up */
};

void link_log_up(struct link_log *log, uint64_t now_ns);

/* Why it is down, or a try failed. What a link that ended at once tells is added to `error`. */
void link_log_down(struct link_log *log, uint64_t now_ns, struct error *error);

/* Some times a second: has the link lasted, and is that to be told? */
void link_log_look(struct link_log *log, uint64_t now_ns);

/* It comes and goes, and that was told. */
bool link_log_is_quiet(const struct link_log *log);
