#include "daemon/web/refusals.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

#define LOG_PERIOD_NS (5 * NS_PER_S)

const char *refusal_name(enum refusal refusal)
{
    static const char *const names[N_REFUSALS] = {
        [REFUSAL_HOST] = "host",     [REFUSAL_ORIGIN] = "origin",
        [REFUSAL_TOKEN] = "token",   [REFUSAL_REQUEST] = "request",
        [REFUSAL_PATH] = "path",     [REFUSAL_MESSAGE] = "message",
        [REFUSAL_FULL] = "full",     [REFUSAL_FORBIDDEN] = "forbidden",
        [REFUSAL_SILENT] = "silent", [REFUSAL_HALF] = "half",
    };
    return names[refusal];
}

void refuse(struct refusals *refusals, enum refusal refusal, const char *format, ...)
{
    const uint64_t now = clock_monotonic_ns();
    uint64_t *const logged = &refusals->logged_ns[refusal];
    refusals->counts[refusal]++;
    if (*logged && now < *logged + LOG_PERIOD_NS) {
        refusals->unlogged[refusal]++;
        return;
    }
    char text[400], more[80] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (refusals->unlogged[refusal])
        snprintf(more, sizeof more, " (and %" PRIu64 " more such since the last line)",
                 refusals->unlogged[refusal]);
    log_warning("web", "%s%s", text, more);
    *logged = now;
    refusals->unlogged[refusal] = 0;
}
