#include <errno.h>
#include <inttypes.h>

#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/event.h"
#include "processing/stored/frame_sums.h"

/* What reads the frames of a run again for a request: one at a time, with events. */

int acquisition_sweep_begin(struct acquisition *acquisition, struct run *run, const char *what,
                            struct frame_sums_progress *progress)
{
    if (acquisition->sweep)
        return -EBUSY;
    acquisition->sweep = progress;
    acquisition->sweep_what = what;
    acquisition->sweep_run = run_ref(run);
    acquisition->sweep_told = 0;
    return 0;
}

static void tell(const struct acquisition *acquisition, bool finished, const char *error)
{
    const struct frame_sums_progress *const progress = acquisition->sweep;
    const uint64_t done = atomic_load_explicit(&progress->done, memory_order_relaxed);
    const uint64_t total = atomic_load_explicit(&progress->total, memory_order_relaxed);
    event_publish(&acquisition->observer, "sweep", acquisition->sweep_run,
                  json_pack("{s:{s:s, s:I, s:I, s:b, s:s}}", "sweep", "what",
                            acquisition->sweep_what, "done", (json_int_t)done, "total",
                            (json_int_t)total, "finished", finished, "error", error),
                  finished ? "%s: %" PRIu64 " of %" PRIu64 " steps%s%s, finished"
                           : "%s: %" PRIu64 " of %" PRIu64 " steps%s%s",
                  acquisition->sweep_what, done, total, *error ? ", but " : "", error);
}

void acquisition_sweep_watch(struct acquisition *acquisition)
{
    if (!acquisition->sweep)
        return;
    const uint64_t done = atomic_load_explicit(&acquisition->sweep->done, memory_order_relaxed);
    if (done == acquisition->sweep_told)
        return;
    acquisition->sweep_told = done;
    tell(acquisition, false, "");
}

static void forget(struct acquisition *acquisition)
{
    run_unref(acquisition->sweep_run);
    acquisition->sweep_run = NULL;
    acquisition->sweep = NULL;
}

void acquisition_sweep_end(struct acquisition *acquisition, const char *error)
{
    if (!acquisition->sweep)
        return;
    tell(acquisition, true, error);
    forget(acquisition);
}

void acquisition_sweep_stop(struct acquisition *acquisition)
{
    if (!acquisition->sweep)
        return;
    atomic_store_explicit(&acquisition->sweep->stop, true, memory_order_relaxed);
    forget(acquisition);
}
