#include "processing/assembler_run.h"

#include <errno.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/probe.h"

/* ---- the end ---- */

static void want_no_end(struct assembler *assembler)
{
    assembler->quiet_end = RUN_END_NONE;
    assembler->end_asked = false;
}

static void end_run(struct assembler *assembler, enum run_end end)
{
    struct run *const run = assembler->run;
    if (!run)
        return;
    placement_close(&assembler->placement);
    if (!assembler->end_asked || !assembler->next_plan)
        want_no_end(assembler);
    atomic_store_explicit(&run->ended_ns, clock_realtime_ns(), memory_order_relaxed);
    atomic_store_explicit(&run->end, end, memory_order_release);
    PROBE3(scan_ended, run->plan->id, run_end_name(end), counter_read(&run->counts.received));
    int acquiring = RUN_ACQUIRING;
    atomic_compare_exchange_strong_explicit(&run->phase, &acquiring, RUN_FINISHING,
                                            memory_order_release, memory_order_relaxed);
    assembler->events.run_ended(assembler->events.data, run);
    ring_nudge(assembler->placement.ring);
    assembler->run = NULL;
    run_drop_pending(run, &assembler->sink);
    run_unref(run);
}

void assembler_end_run_when_quiet(struct assembler *assembler, enum run_end end, uint64_t quiet_ns)
{
    assembler->quiet_end = end;
    assembler->quiet_ns = quiet_ns;
}

static void forget_passes(struct assembler *assembler)
{
    acquisition_plan_unref(assembler->pass_plan);
    acquisition_plan_unref(assembler->unending_plan);
    assembler->pass_plan = assembler->unending_plan = NULL;
}

void assembler_end_run(struct assembler *assembler, enum run_end end)
{
    forget_passes(assembler);
    end_run(assembler, end);
}

/* Frames of a plan that begin to come before the link is quiet make a run, which ends then. */
static void drop_next_plan(struct assembler *assembler)
{
    const enum run_end end = assembler->quiet_end;
    assembler_expect_nothing(assembler);
    assembler->events.plan_dropped(assembler->events.data, end);
}

void assembler_end_as_asked(struct assembler *assembler)
{
    if (assembler->run)
        end_run(assembler, assembler->quiet_end);
    else
        drop_next_plan(assembler);
}

/* A detector that was stopped goes idle, or fails, too: that is not the reason then. */
static bool somebody_stops(const struct assembler *assembler)
{
    return assembler->end_asked &&
           (assembler->quiet_end == RUN_END_STOPPED || assembler->quiet_end == RUN_END_SHUTDOWN);
}

void assembler_end_when_quiet(struct assembler *assembler, enum run_end end, uint64_t quiet_ns)
{
    forget_passes(assembler);
    if (!assembler->run && !assembler->next_plan)
        return;
    if (!somebody_stops(assembler))
        assembler_end_run_when_quiet(assembler, end, quiet_ns);
    assembler->end_asked = true;
    if (quiet_ns == 0)
        assembler_end_as_asked(assembler);
}

/* ---- the beginning ---- */

static struct acquisition_plan *take_plan(struct assembler *assembler)
{
    struct acquisition_plan *const plan = assembler->next_plan;
    assembler->next_plan = NULL;
    assembler->draining = false;
    return plan ? plan : acquisition_plan_copy(assembler->default_plan);
}

/* Takes the reference of the plan. */
static int begin_run(struct assembler *assembler, struct acquisition_plan *plan,
                     const struct run_frames *frames, struct error *error)
{
    const int r = plan ? run_create(&assembler->run, plan, frames, assembler->n_workers, error)
                       : error_set(error, -ENOMEM, "no memory for a run");
    acquisition_plan_unref(plan);
    if (r < 0)
        return r;
    placement_begin(&assembler->placement, assembler->run);
    assembler->sink.begin(assembler->sink.data, assembler->run);
    assembler->events.run_began(assembler->events.data, assembler->run);
    return 0;
}

int assembler_begin_run(struct assembler *assembler, const struct run_frames *frames,
                        struct error *error)
{
    return begin_run(assembler, take_plan(assembler), frames, error);
}

const struct acquisition_plan *assembler_plan(const struct assembler *assembler)
{
    return assembler->run         ? assembler->run->plan
           : assembler->next_plan ? assembler->next_plan
                                  : assembler->default_plan;
}

/* ---- passes of an unending scan ---- */

/* Another run goes on with the frames of the same acquisition, `exposures` later than the one
 * before, which ends. Takes the reference of the plan. */
static int go_on_with(struct assembler *assembler, struct acquisition_plan *plan, enum run_end end,
                      uint64_t exposures)
{
    struct error error = {0};
    struct run *const before = run_ref(assembler->run);
    const struct run_frames frames = {
        .format = &before->format,
        .n_layers = before->n_layers,
        .colour = before->colour,
        .hdr = (const uint8_t *)before->hdr,
        .hdr_size = before->hdr_size,
    };
    end_run(assembler, end);
    assembler->base += exposures;
    const int r = begin_run(assembler, plan, &frames, &error);
    if (r < 0)
        assembler->events.run_refused(assembler->events.data, &error);
    run_unref(before);
    return r;
}

void assembler_end_at_last(struct assembler *assembler)
{
    struct acquisition_plan *const unending = assembler->unending_plan;
    if (!unending || !assembler->run->plan->one_pass) {
        end_run(assembler, RUN_END_LAST);
        return;
    }
    assembler->unending_plan = NULL;
    (void)go_on_with(assembler, acquisition_plan_copy(unending), RUN_END_LAST,
                     assembler->run->frames_to_come);
    acquisition_plan_unref(unending);
}

bool assembler_change_run_at_pass(struct assembler *assembler, uint64_t index)
{
    const struct run *const run = assembler->run;
    if (run->plan->one_pass && index >= run->frames_to_come) {
        assembler_end_at_last(assembler);
        return assembler->run;
    }
    if (!run->recycle || !assembler->pass_plan || !scan_geometry_begins_pass(run_scan(run), index))
        return true;
    struct acquisition_plan *const plan = assembler->pass_plan;
    assembler->pass_plan = NULL;
    acquisition_plan_unref(assembler->unending_plan);
    assembler->unending_plan = acquisition_plan_ref(run->plan);
    return go_on_with(assembler, plan, RUN_END_PASS, index) == 0;
}

/* ---- plans ---- */

void assembler_expect(struct assembler *assembler, struct acquisition_plan *plan, bool drain,
                      bool link_is_busy)
{
    assembler_expect_nothing(assembler);
    assembler->next_plan = plan;
    assembler->draining = drain && link_is_busy;
    if (drain)
        assembler->hdr_fresh = false;
}

void assembler_expect_nothing(struct assembler *assembler)
{
    acquisition_plan_unref(assembler->next_plan);
    assembler->next_plan = NULL;
    assembler->draining = false;
    if (!assembler->run)
        want_no_end(assembler);
}

void assembler_record_pass(struct assembler *assembler, struct acquisition_plan *plan)
{
    acquisition_plan_unref(assembler->pass_plan);
    assembler->pass_plan = plan;
    if (!assembler->run || !assembler->run->recycle)
        forget_passes(assembler);
}
