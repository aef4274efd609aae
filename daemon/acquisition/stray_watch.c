#include "daemon/acquisition/stray_watch.h"

#include <inttypes.h>

#include "common/clock.h"
#include "daemon/event.h"

#define TELL_AGAIN_NS (10 * NS_PER_S)
#define QUIET_NS NS_PER_S

static const char not_seen_begin[] =
    "their acquisition began before merlind was there, or its run was over";

void stray_watch_refused(struct stray_watch *watch, const struct error *error)
{
    watch->why = *error;
}

static void tell(struct stray_watch *watch, const struct acquisition_observer *observer, bool over)
{
    const bool refused = watch->why.code != 0, one = watch->came == 1;
    event_publish(observer, "stray", NULL,
                  json_pack("{s:I, s:b}", "frames", (json_int_t)watch->came, "over", over),
                  "%" PRIu64 " frame%s came that belong%s to no run and %s in no file: %s%s",
                  watch->came, one ? "" : "s", one ? "s" : "", one ? "is" : "are",
                  refused ? "their run could not begin, " : "",
                  refused ? watch->why.text : not_seen_begin);
    watch->told_ns = watch->grew_ns;
}

void stray_watch_look(struct stray_watch *watch, const struct acquisition_observer *observer,
                      uint64_t frames, bool end)
{
    const uint64_t now = clock_monotonic_ns();
    if (frames > watch->seen) {
        if (watch->came == 0)
            watch->told_ns = now;
        watch->came += frames - watch->seen;
        watch->seen = frames;
        watch->grew_ns = now;
    }
    if (watch->came == 0)
        return;
    if (end || now >= watch->grew_ns + QUIET_NS) {
        tell(watch, observer, true);
        watch->came = 0;
        watch->why = (struct error){0};
    } else if (now >= watch->told_ns + TELL_AGAIN_NS) {
        tell(watch, observer, false);
    }
}
