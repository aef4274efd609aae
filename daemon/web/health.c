#include "daemon/web/health.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"

#define OLD_NS (5 * NS_PER_S)

static const char *text_at(const json_t *object, const char *name)
{
    const char *const text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* Why not; "": it is well. */
static void find_fault(const json_t *status, uint64_t age_ns, char why[600])
{
    const char *const state = text_at(status, "state");
    const json_t *const recording = json_object_get(status, "recording");
    *why = '\0';
    if (!status)
        snprintf(why, 600, "the service has not told its state yet");
    else if (age_ns > OLD_NS)
        snprintf(why, 600, "the service has not told its state for %.0f s",
                 (double)age_ns / (double)NS_PER_S);
    else if (strcmp(state, "disconnected") == 0 || strcmp(state, "fault") == 0)
        snprintf(why, 600, "%s: %s", state, text_at(status, "why"));
    else if (strcmp(text_at(recording, "state"), "failed") == 0)
        snprintf(why, 600, "recording has failed: %s", text_at(recording, "error"));
}

char *health_text(const json_t *status, uint64_t status_ns, bool *healthy)
{
    char why[600];
    find_fault(status, clock_monotonic_ns() - status_ns, why);
    *healthy = !*why;
    json_t *const health = json_pack("{s:b, s:s, s:s}", "healthy", *healthy, "state",
                                     text_at(status, "state"), "why", why);
    char *const text = health ? json_dumps(health, JSON_COMPACT) : NULL;
    json_decref(health);
    return text;
}
