#include "daemon/acquisition/pack_steps.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "common/counter.h"
#include "daemon/event.h"
#include "processing/stored/chunk_codec.h"

/* Of the ring: from here on compression is too slow, and below this it has time. */
#define CROWDED 0.1
#define CALM 0.01
/* A step shows in the ring after some chunks. */
#define SETTLING_NS (NS_PER_S / 2)
#define PATIENCE_S 10.0
#define PATIENCE_MAX_S 600.0

static unsigned step_down(struct pack_steps *steps, unsigned step, uint64_t now_ns)
{
    if (steps->went_back && steps->patience_s < PATIENCE_MAX_S)
        steps->patience_s *= 2;
    steps->went_back = false;
    steps->changed_ns = now_ns;
    return step + 1;
}

unsigned pack_steps_decide(struct pack_steps *steps, unsigned step, double fill, bool disk_is_slow,
                           uint64_t now_ns)
{
    if (steps->patience_s <= 0)
        steps->patience_s = PATIENCE_S;
    if (fill >= CALM)
        steps->calm_ns = 0;
    else if (steps->calm_ns == 0)
        steps->calm_ns = now_ns;
    const bool settled = now_ns >= steps->changed_ns + SETTLING_NS;
    if (fill >= CROWDED && !disk_is_slow && settled && step + 1 < CHUNK_CODEC_STEPS)
        return step_down(steps, step, now_ns);
    const uint64_t patience_ns = (uint64_t)(steps->patience_s * (double)NS_PER_S);
    if (step > 0 && steps->calm_ns && now_ns >= steps->calm_ns + patience_ns) {
        steps->went_back = true;
        steps->changed_ns = steps->calm_ns = now_ns;
        return step - 1;
    }
    return step;
}

static void tell(const struct acquisition_observer *observer, struct run *run, unsigned before,
                 unsigned step, struct logbook *logbook)
{
    char text[200];
    snprintf(text, sizeof text, "compression is %s from now on, after %s: %s; frame %" PRIu64,
             chunk_codec_step_name(step), chunk_codec_step_name(before),
             step > before ? "it was slower than the detector" : "there is time for it again",
             counter_read(&run->counts.received));
    (void)logbook_add_note(logbook, clock_realtime_ns(), "merlind", text, NULL);
    event_publish(observer, "compression", run,
                  json_pack("{s:s, s:I}", "compression", chunk_codec_step_name(step), "step",
                            (json_int_t)step),
                  "%s", text);
}

void pack_steps_look(struct pack_steps *steps, const struct acquisition_observer *observer,
                     struct run *run, double fill, bool disk_is_slow, struct logbook *logbook)
{
    const struct recording_settings *const settings = &run->plan->recording;
    if (!settings->enabled || settings->codec != RECORDING_CODEC_AUTO ||
        chunk_codec_takes_planes(run))
        return;
    const unsigned before = atomic_load_explicit(&run->pack_step, memory_order_relaxed);
    const unsigned step =
        pack_steps_decide(steps, before, fill, disk_is_slow, clock_monotonic_ns());
    if (step == before)
        return;
    atomic_store_explicit(&run->pack_step, step, memory_order_relaxed);
    atomic_fetch_add_explicit(&run->pack_changes, 1, memory_order_relaxed);
    tell(observer, run, before, step, logbook);
}
