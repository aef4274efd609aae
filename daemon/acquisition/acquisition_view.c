#include <errno.h>
#include <string.h>

#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/acquisition/disk_start.h"

/* View mode: an unending scan, and the pass of it that is recorded. */

/* One pass of the scan as it is seen now, from its first frame on. */
static struct acquisition_plan *plan_pass(const struct acquisition *acquisition)
{
    const struct run *const run = acquisition->run;
    struct acquisition_plan *const plan = acquisition_make_plan(acquisition);
    if (!plan)
        return NULL;
    plan->active = run->plan->active;
    plan->layers = run->plan->layers;
    plan->detector_gap = run->plan->detector_gap;
    plan->frame_period_ns = run->plan->frame_period_ns;
    scan_list_unref(plan->scan.list);
    plan->scan = *run_scan(run);
    scan_list_ref(plan->scan.list);
    plan->scan.repeats = 1;
    plan->scan.skip_start = 0;
    plan->scan.shift = 0;
    plan->scan_from_header = false;
    plan->one_pass = true;
    plan->recording.enabled = true;
    return plan;
}

static const char *refuse_pass(const struct acquisition *acquisition, struct error *error)
{
    if (acquisition->state != ACQUISITION_ACQUIRING) {
        error_set(error, -ENOENT,
                  "no view is going on whose next pass could be recorded: start one, with mode "
                  "\"view\" (merlinctl view)");
        return "no_data";
    }
    if (!acquisition_run_goes_on(acquisition) || acquisition->run->plan->one_pass) {
        error_set(error, -EBUSY, "a pass is being recorded: ask again when the view goes on");
        return "busy";
    }
    if (!acquisition->run->plan->unending) {
        error_set(error, -EBUSY,
                  "the run that is going on is not a view: its recording is decided at start");
        return "busy";
    }
    if (acquisition->plan) {
        error_set(error, -EBUSY, "the next pass is to be recorded already, as run %s",
                  acquisition->plan->id);
        return "busy";
    }
    return NULL;
}

void acquisition_record_pass(struct acquisition *acquisition, acquisition_answer_fn answer,
                             void *data)
{
    struct error error = {0};
    struct acquisition_plan *plan = NULL;
    const char *code = refuse_pass(acquisition, &error);
    if (code)
        goto refused;
    code = "internal";
    plan = plan_pass(acquisition);
    if (!plan) {
        error_set(&error, -ENOMEM, "no memory");
        goto refused;
    }
    code = "recording";
    if (disk_check_start(acquisition, plan, NULL, &error) < 0)
        goto refused;
    code = "internal";
    if (ingest_record_pass(pipeline_ingest(acquisition->pipeline), plan) < 0) {
        error_set(&error, -ENOBUFS, "the ingest thread does not listen: try again");
        goto refused;
    }
    acquisition->plan = plan;
    acquisition_remember_plan(acquisition, "armed");
    acquisition->observer.run_event(acquisition->observer.data, "armed",
                                    run_history_find(&acquisition->history, plan->id));
    answer(data, json_pack("{s:s, s:s}", "id", plan->id, "state", "armed"), NULL, NULL, NULL);
    return;

refused:
    acquisition_plan_unref(plan);
    answer(data, NULL, code, strcmp(code, "recording") == 0 ? "recording.directory" : NULL, &error);
}

bool acquisition_view_goes_on(const struct run *run)
{
    const int end = atomic_load_explicit(&run->end, memory_order_acquire);
    return end == RUN_END_PASS || (run->plan->one_pass && end == RUN_END_LAST);
}

void acquisition_view_ended(struct acquisition *acquisition, const struct run *run)
{
    if (!run->plan->unending ||
        atomic_load_explicit(&run->end, memory_order_acquire) == RUN_END_PASS)
        return;
    if (!acquisition->plan || !acquisition->plan->one_pass)
        return;
    if (acquisition->plan_is_stopping)
        acquisition_end_plan(acquisition, RUN_END_STOPPED);
    else
        acquisition_give_up_plan(acquisition, "short", run_end_name((enum run_end)run->end),
                                 "the view ended before the pass that was to be recorded");
}
