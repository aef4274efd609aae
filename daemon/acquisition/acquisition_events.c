#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/message_id.h"
#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/acquisition/run_summary.h"
#include "daemon/calibration/plan_warnings.h"
#include "processing/run/run_loss.h"

/* What the acquisition hears of the pipeline and of the command link, and what becomes of its state
 * by that. */

/* ---- the data link and its runs ---- */

void acquisition_check_drained(struct acquisition *acquisition)
{
    if (!acquisition->drained || acquisition->plan || acquisition_run_goes_on(acquisition) ||
        acquisition_stops_refused(acquisition))
        return;
    void (*const drained)(void *) = acquisition->drained;
    acquisition->drained = NULL;
    uv_timer_stop(&acquisition->shut_down_timer);
    drained(acquisition->drained_data);
}

static void on_data_link(struct acquisition *acquisition, const struct pipeline_event *event)
{
    acquisition->data_connected = event->connected;
    acquisition->doubted_ns = 0;
    acquisition->data_error = event->error;
    if (event->connected) {
        link_log_up(&acquisition->data_log, clock_monotonic_ns());
    } else {
        link_log_down(&acquisition->data_log, clock_monotonic_ns(), &acquisition->data_error);
        if (acquisition->state == ACQUISITION_ARMED)
            acquisition_give_up_plan(acquisition, "short", "link",
                                     "the data link broke before the first frame");
    }
    if (acquisition->state == ACQUISITION_DISCONNECTED || acquisition->state == ACQUISITION_IDLE ||
        acquisition->state == ACQUISITION_ARMED)
        acquisition_set_idle(acquisition);
    acquisition_links_changed(acquisition);
}

/* Settings that are not those of its references. */
static void log_warnings(const struct run *run)
{
    json_t *const warnings = plan_warnings(run->plan, run);
    for (size_t i = 0; i < json_array_size(warnings); i++)
        log_warning("acquisition", "run %s: %s", run->plan->id,
                    json_string_value(json_array_get(warnings, i)));
    json_decref(warnings);
}

static void on_run_began(struct acquisition *acquisition, struct run *run)
{
    run_unref(acquisition->run);
    acquisition->run = run_ref(run);
    acquisition_watch_new_run(acquisition);
    acquisition_renew_detectors(acquisition);
    if (acquisition->plan && strcmp(acquisition->plan->id, run->plan->id) == 0) {
        acquisition_plan_unref(acquisition->plan);
        acquisition->plan = NULL;
    }
    json_t *const summary = run_summary(run, 0);
    if (summary) {
        acquisition->observer.run_event(acquisition->observer.data, "started", summary);
        run_history_put(&acquisition->history, summary);
        run_history_keep(&acquisition->history, run);
    }
    log_warnings(run);
    log_write(LOG_ABOUT(NOTICE, .message_id = MESSAGE_RUN_BEGAN, .run = run->plan->id),
              "acquisition", "run %s began: %ux%u %s frames, %" PRIu64 " expected", run->plan->id,
              run->format.height, run->format.width, pixel_type_name(run->format.pixel_type),
              run->expected);
    acquisition_set_state(acquisition, ACQUISITION_ACQUIRING, "%s", "");
    if (!acquisition->plan)
        acquisition_plan_stopped(acquisition);
}

static void on_run_ended(struct acquisition *acquisition, struct run *run)
{
    if (run == acquisition->run)
        acquisition_find_lines(acquisition);
    json_t *const summary = run_summary(run, acquisition->rate);
    if (summary) {
        acquisition->observer.run_event(acquisition->observer.data, "ended", summary);
        run_history_put(&acquisition->history, summary);
    }
    acquisition_view_ended(acquisition, run);
    if (run == acquisition->run && !acquisition_view_goes_on(run))
        acquisition_set_state(acquisition, ACQUISITION_FINISHING, "%s",
                              acquisition->recompute && run == acquisition->recompute_run
                                  ? "computing results again, then completing the file"
                                  : "completing results and file");
}

/* Those that never came, and those of which there is no record. */
static uint64_t frames_lost(const json_t *frames)
{
    return (uint64_t)(json_integer_value(json_object_get(frames, "missing")) +
                      json_integer_value(json_object_get(frames, "unrecorded")));
}

static void log_end(const json_t *summary)
{
    const json_t *const frames = json_object_get(summary, "frames");
    const json_t *const recording = json_object_get(summary, "recording");
    const char *const id = json_string_value(json_object_get(summary, "id"));
    log_write(
        LOG_ABOUT(NOTICE, .message_id = MESSAGE_RUN_ENDED, .run = id, .lost = frames_lost(frames)),
        "acquisition",
        "run %s is finished, %s: %" JSON_INTEGER_FORMAT " frames received, "
        "%" JSON_INTEGER_FORMAT " recorded, %" JSON_INTEGER_FORMAT " missing; recording %s %s",
        id, json_string_value(json_object_get(summary, "reason")),
        json_integer_value(json_object_get(frames, "received")),
        json_integer_value(json_object_get(frames, "recorded")),
        json_integer_value(json_object_get(frames, "missing")),
        json_string_value(json_object_get(recording, "state")),
        json_string_value(json_object_get(summary, "file")));
}

static void on_run_finished(struct acquisition *acquisition, struct run *run)
{
    if (run == acquisition->run) {
        /* First, so that summary and last maps are seen as they will stay, and long flyback frames
         * do not pass for stalls. */
        acquisition_find_lines(acquisition);
        stall_events_look(&acquisition->stalls, &acquisition->observer, run, true);
    } else {
        run_check_stalls(run);
    }
    if (run == acquisition->run && !acquisition->drained_for_good)
        disk_events_look(&acquisition->disk, &acquisition->observer, run,
                         pipeline_recorder(acquisition->pipeline));
    disk_experience_take(&acquisition->disk_experience, run);
    acquisition_decide_fate(acquisition, run);
    labelled_scans_take(&acquisition->labelled, run);
    run_tell_last_loss(run);
    json_t *const summary = run_summary(run, -1);
    if (summary) {
        log_end(summary);
        acquisition->observer.run_event(acquisition->observer.data, "finished", summary);
        run_history_put(&acquisition->history, summary);
    }
    if (run == acquisition->run && acquisition->state == ACQUISITION_FINISHING)
        acquisition_set_idle(acquisition);
    acquisition_check_drained(acquisition);
}

void acquisition_on_pipeline(void *data, const struct pipeline_event *event)
{
    struct acquisition *const acquisition = data;
    switch (event->kind) {
    case PIPELINE_LINK:
        on_data_link(acquisition, event);
        break;
    case PIPELINE_HEADER:
        /* Who starts the detector has also set it up. */
        if (!acquisition->starting && !(acquisition->plan && acquisition->plan->active))
            detector_settings_clear(&acquisition->known);
        if (acquisition->state != ACQUISITION_ARMED && !acquisition->starting)
            acquisition_become_armed(acquisition, "waiting for the first frame");
        break;
    case PIPELINE_RUN_BEGAN:
        on_run_began(acquisition, event->run);
        break;
    case PIPELINE_RUN_ENDED:
        on_run_ended(acquisition, event->run);
        break;
    case PIPELINE_RUN_FINISHED:
        on_run_finished(acquisition, event->run);
        break;
    case PIPELINE_RUN_REFUSED:
        acquisition_run_refused(acquisition, &event->error);
        break;
    case PIPELINE_PLAN_DROPPED:
        acquisition_end_plan(acquisition, event->end);
        acquisition_check_drained(acquisition);
        break;
    }
}

/* ---- the command link ---- */

void acquisition_on_command_link(void *data, bool connected, const struct error *error)
{
    struct acquisition *const acquisition = data;
    if (!connected && acquisition->command_connected && acquisition->data_connected)
        acquisition->doubted_ns = clock_monotonic_ns();
    acquisition->command_connected = connected;
    acquisition->command_error = error ? *error : (struct error){0};
    detector_settings_clear(&acquisition->known);
    if (connected)
        link_log_up(&acquisition->command_log, clock_monotonic_ns());
    else
        link_log_down(&acquisition->command_log, clock_monotonic_ns(), &acquisition->command_error);
    if (acquisition->state == ACQUISITION_IDLE || acquisition->state == ACQUISITION_DISCONNECTED)
        acquisition_set_idle(acquisition);
    acquisition_links_changed(acquisition);
}
