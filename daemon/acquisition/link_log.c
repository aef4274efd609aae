#include "daemon/acquisition/link_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/message_id.h"

/* What ended sooner was no link. */
#define LASTING_NS NS_PER_S
#define TELL_SHORT_LINKS 2

static void tell_up(struct link_log *log)
{
    log->told = true;
    log_info("detector", "%s to %s:%" PRIu64 " is up", log->name, log->host, log->port);
}

void link_log_up(struct link_log *log, uint64_t now_ns)
{
    log->up_ns = now_ns;
    log->told = false;
    if (log->short_links == 0)
        tell_up(log);
}

/* Whether the peer hung up at once, before or after we saw that we were connected. */
static bool was_closed_at_once(const struct link_log *log, uint64_t now_ns, int code)
{
    return log->up_ns > 0 ? now_ns - log->up_ns < LASTING_NS : code == -ECONNRESET;
}

void link_log_down(struct link_log *log, uint64_t now_ns, struct error *error)
{
    const bool at_once = was_closed_at_once(log, now_ns, error->code);
    const size_t length = strlen(error->text);
    if (at_once)
        log->short_links++;
    else if (log->up_ns > 0)
        log->short_links = 0;
    log->up_ns = 0;
    if (at_once)
        snprintf(error->text + length, sizeof error->text - length,
                 "; it was closed at once: is another client connected to the detector?");
    if (at_once && link_log_is_quiet(log))
        log_debug("detector", "%s to %s:%" PRIu64 " is down: %s", log->name, log->host, log->port,
                  error->text);
    else
        log_write(LOG_ABOUT(WARNING, .message_id = MESSAGE_LINK_DOWN), "detector",
                  "%s to %s:%" PRIu64 " is down: %s%s", log->name, log->host, log->port,
                  error->text,
                  at_once && log->short_links == TELL_SHORT_LINKS
                      ? " It is tried again, and told again when a link lasts"
                      : "");
}

void link_log_look(struct link_log *log, uint64_t now_ns)
{
    if (log->up_ns == 0 || now_ns - log->up_ns < LASTING_NS)
        return;
    log->short_links = 0;
    if (!log->told)
        tell_up(log);
}

bool link_log_is_quiet(const struct link_log *log)
{
    return log->short_links > TELL_SHORT_LINKS;
}
