#include "daemon/acquisition/acquisition.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/message_id.h"
#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/acquisition/parameter_request.h"
#include "daemon/acquisition/run_summary.h"
#include "daemon/calibration/calibration_table.h"
#include "daemon/calibration/plan_warnings.h"
#include "processing/run/run_loss.h"

static const char *const state_names[] = {
    [ACQUISITION_DISCONNECTED] = "disconnected",
    [ACQUISITION_IDLE] = "idle",
    [ACQUISITION_ARMING] = "arming",
    [ACQUISITION_ARMED] = "armed",
    [ACQUISITION_ACQUIRING] = "acquiring",
    [ACQUISITION_FINISHING] = "finishing",
    [ACQUISITION_FAULT] = "fault",
};

const char *acquisition_state_name(enum acquisition_state state)
{
    return state_names[state];
}

enum acquisition_state acquisition_state(const struct acquisition *acquisition)
{
    return acquisition->state;
}

struct logbook *acquisition_logbook(struct acquisition *acquisition)
{
    return acquisition->logbook;
}

bool acquisition_stuck(struct acquisition *acquisition, char *who, size_t size)
{
    return pipeline_stuck(acquisition->pipeline, who, size);
}

struct run *acquisition_run(const struct acquisition *acquisition)
{
    return acquisition->run;
}

/* ---- state ---- */

void acquisition_set_state(struct acquisition *acquisition, enum acquisition_state state,
                           const char *why, ...)
{
    char text[sizeof acquisition->why];
    va_list arguments;
    va_start(arguments, why);
    vsnprintf(text, sizeof text, why, arguments);
    va_end(arguments);
    if (acquisition->state == state && strcmp(acquisition->why, text) == 0)
        return;
    acquisition->state = state;
    memcpy(acquisition->why, text, sizeof text);
    log_info("acquisition", "%s%s%s", acquisition_state_name(state), *text ? ": " : "", text);
    acquisition->observer.state_changed(acquisition->observer.data);
}

void acquisition_set_idle(struct acquisition *acquisition)
{
    if (acquisition_is_opened(acquisition))
        acquisition_set_state(acquisition, ACQUISITION_IDLE, "%s", acquisition->data_error.text);
    else if (!acquisition->data_connected)
        acquisition_set_state(acquisition, ACQUISITION_DISCONNECTED, "%s",
                              acquisition->data_error.text);
    else if (!acquisition->command_connected)
        acquisition_set_state(acquisition, ACQUISITION_IDLE, "no command link: %s",
                              acquisition->command_error.text);
    else
        acquisition_set_state(acquisition, ACQUISITION_IDLE, "%s", "");
}

bool acquisition_run_goes_on(const struct acquisition *acquisition)
{
    return acquisition->run &&
           atomic_load_explicit(&acquisition->run->phase, memory_order_acquire) == RUN_ACQUIRING;
}

void acquisition_give_up_plan(struct acquisition *acquisition, const char *reason,
                              const char *cause, const char *detail)
{
    if (!acquisition->plan)
        return;
    json_t *const summary =
        run_summary_without_frames(acquisition->plan, "finished", reason, cause, detail);
    acquisition_plan_unref(acquisition->plan);
    acquisition->plan = NULL;
    (void)ingest_expect_nothing(pipeline_ingest(acquisition->pipeline));
    if (summary) {
        const char *const id = json_string_value(json_object_get(summary, "id"));
        log_write(LOG_ABOUT(NOTICE, .message_id = MESSAGE_RUN_ENDED, .run = id), "acquisition",
                  "run %s ended without a frame: %s", id, detail);
        acquisition->observer.run_event(acquisition->observer.data, "finished", summary);
        run_history_put(&acquisition->history, summary);
    }
    acquisition_plan_stopped(acquisition);
}

void acquisition_remember_plan(struct acquisition *acquisition, const char *state)
{
    json_t *const summary = run_summary_without_frames(acquisition->plan, state, "", "", "");
    if (summary)
        run_history_put(&acquisition->history, summary);
}

void acquisition_become_armed(struct acquisition *acquisition, const char *why)
{
    if (acquisition->plan) {
        acquisition_remember_plan(acquisition, "armed");
        acquisition->observer.run_event(
            acquisition->observer.data, "armed",
            run_history_find(&acquisition->history, acquisition->plan->id));
    }
    acquisition_set_state(acquisition, ACQUISITION_ARMED, "%s", why);
}

/* ---- events of the pipeline ---- */

static void check_drained(struct acquisition *acquisition)
{
    if (!acquisition->drained || acquisition->plan || acquisition_run_goes_on(acquisition))
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
        log_info("detector", "data link to %s:%u is up", acquisition->config->detector_host,
                 acquisition->config->detector_data_port);
    } else {
        log_write(LOG_ABOUT(WARNING, .message_id = MESSAGE_LINK_DOWN), "detector",
                  "data link to %s:%u is down: %s", acquisition->config->detector_host,
                  acquisition->config->detector_data_port, event->error.text);
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
    labelled_scans_add(&acquisition->labelled, run);
    run_tell_last_loss(run);
    json_t *const summary = run_summary(run, -1);
    if (summary) {
        log_end(summary);
        acquisition->observer.run_event(acquisition->observer.data, "finished", summary);
        run_history_put(&acquisition->history, summary);
    }
    if (run == acquisition->run && acquisition->state == ACQUISITION_FINISHING)
        acquisition_set_idle(acquisition);
    check_drained(acquisition);
}

static void on_pipeline_event(void *data, const struct pipeline_event *event)
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
        log_error("acquisition", "a run could not begin: %s", event->error.text);
        stray_watch_refused(&acquisition->strays, &event->error);
        acquisition_give_up_plan(acquisition, "short", "refused", event->error.text);
        acquisition_set_state(acquisition, ACQUISITION_IDLE, "a run could not begin: %s",
                              event->error.text);
        break;
    case PIPELINE_PLAN_DROPPED:
        acquisition_end_plan(acquisition, event->end);
        check_drained(acquisition);
        break;
    }
}

/* ---- the command link ---- */

static void on_command_link(void *data, bool connected, const struct error *error)
{
    struct acquisition *const acquisition = data;
    if (!connected && acquisition->command_connected && acquisition->data_connected)
        acquisition->doubted_ns = clock_monotonic_ns();
    acquisition->command_connected = connected;
    acquisition->command_error = error ? *error : (struct error){0};
    detector_settings_clear(&acquisition->known);
    if (connected)
        log_info("detector", "command link to %s:%u is up", acquisition->config->detector_host,
                 acquisition->config->detector_command_port);
    else
        log_write(LOG_ABOUT(WARNING, .message_id = MESSAGE_LINK_DOWN), "detector",
                  "command link to %s:%u is down: %s", acquisition->config->detector_host,
                  acquisition->config->detector_command_port, acquisition->command_error.text);
    if (acquisition->state == ACQUISITION_IDLE || acquisition->state == ACQUISITION_DISCONNECTED)
        acquisition_set_idle(acquisition);
    acquisition_links_changed(acquisition);
}

/* ---- single parameters and commands ---- */

static struct parameter_link parameter_link(struct acquisition *acquisition)
{
    return (struct parameter_link){
        .client = acquisition->client,
        .known = &acquisition->known,
        .allow_dangerous = acquisition->config->detector_allow_dangerous,
    };
}

void acquisition_get(struct acquisition *acquisition, const char *name,
                     acquisition_answer_fn answer, void *data)
{
    const struct parameter_link link = parameter_link(acquisition);
    parameter_request(&link, name, NULL, answer, data);
}

void acquisition_set(struct acquisition *acquisition, const char *name, const char *value,
                     acquisition_answer_fn answer, void *data)
{
    const struct parameter_link link = parameter_link(acquisition);
    parameter_request(&link, name, value, answer, data);
}

void acquisition_command(struct acquisition *acquisition, const char *name,
                         acquisition_answer_fn answer, void *data)
{
    const struct parameter_link link = parameter_link(acquisition);
    parameter_request_command(&link, name, answer, data);
}

/* ---- life ---- */

static int open_links(struct acquisition *acquisition, struct frame_stream *stream,
                      struct error *error)
{
    struct acquisition_plan *const plan = acquisition_make_plan(acquisition);
    if (!plan)
        return error_set(error, -ENOMEM, "no memory");
    int r =
        pipeline_create(&acquisition->pipeline, acquisition->loop, acquisition->config,
                        acquisition->logbook, stream, plan, on_pipeline_event, acquisition, error);
    acquisition_plan_unref(plan);
    if (r < 0)
        return r;
    if (acquisition_is_opened(acquisition))
        return 0;
    r = command_client_create(
        &acquisition->client, acquisition->loop, acquisition->config->detector_host,
        acquisition->config->detector_command_port, on_command_link, acquisition);
    return r < 0 ? error_set(error, r, "cannot make the command link: %s", strerror(-r)) : 0;
}

static int open_kept(struct acquisition *acquisition, struct error *error)
{
    char directory[1024];
    calibration_directory(acquisition->config, directory);
    const int r = kept_store_open(&acquisition->kept, directory, error);
    if (r < 0) {
        error_prefix(error, "calibration.directory");
        return r;
    }
    if (acquisition_is_opened(acquisition))
        kept_store_protect(acquisition->kept);
    calibration_table_apply(acquisition->kept, &acquisition->calibration);
    calibration_derive(&acquisition->calibration);
    acquisition_begin_bragg(acquisition);
    return 0;
}

int acquisition_create(struct acquisition **out, uv_loop_t *loop, const struct config *config,
                       struct frame_stream *stream, const struct acquisition_observer *observer,
                       struct error *error)
{
    struct acquisition *acquisition = calloc(1, sizeof *acquisition);
    if (!acquisition)
        return error_set(error, -ENOMEM, "no memory");
    acquisition->loop = loop;
    acquisition->config = config;
    acquisition->settings_version = acquisition->detectors_version = 1;
    acquisition->observer = *observer;
    error_set(&acquisition->data_error, -ENOTCONN, "%s",
              acquisition_is_opened(acquisition) ? "an old run: there is no detector"
                                                 : "connecting to the detector");
    error_set(&acquisition->command_error, -ENOTCONN, "connecting to the detector");
    snprintf(acquisition->why, sizeof acquisition->why, "%s", acquisition->data_error.text);
    uv_timer_init(loop, &acquisition->poll);
    uv_timer_init(loop, &acquisition->shut_down_timer);
    uv_timer_init(loop, &acquisition->wait_timer);
    acquisition->poll.data = acquisition->shut_down_timer.data = acquisition;
    acquisition->wait_timer.data = acquisition;
    int r = live_detectors_init(&acquisition->detectors, config->virtual_detectors,
                                config->n_virtual_detectors);
    r = r < 0 ? error_set(error, r, "no memory")
              : calibration_init(&acquisition->calibration, &config->calibration, error);
    if (r == 0)
        r = logbook_create(&acquisition->logbook, error);
    if (r == 0)
        r = open_kept(acquisition, error);
    if (r == 0)
        r = open_links(acquisition, stream, error);
    if (r < 0) {
        acquisition_destroy(acquisition);
        return r;
    }
    acquisition_know_directory(acquisition, config->recording.directory);
    for (size_t i = 0; i < config->recording_roots.n; i++)
        acquisition_know_directory(acquisition, config->recording_roots.paths[i]);
    acquisition_watch_start(acquisition);
    *out = acquisition;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void acquisition_drain(struct acquisition *acquisition)
{
    if (acquisition->drained_for_good)
        return;
    /* First, since the events of the end are told with a status that must not ask threads which are
     * gone. */
    acquisition->drained_for_good = true;
    acquisition_recompute_stop(acquisition); /* which may keep a run from its end */
    acquisition_sweep_stop(acquisition);
    if (acquisition->pipeline)
        pipeline_drain(acquisition->pipeline);
    acquisition_watch_strays(acquisition, true);
}

void acquisition_destroy(struct acquisition *acquisition)
{
    if (!acquisition)
        return;
    acquisition_drain(acquisition);
    live_detectors_finish(&acquisition->detectors);
    calibration_finish(&acquisition->calibration);
    bragg_plan_finish(&acquisition->bragg);
    labelled_scans_finish(&acquisition->labelled);
    kept_store_close(acquisition->kept);
    recovery_cancel(acquisition->recovering);
    command_client_destroy(acquisition->client);
    pipeline_destroy(acquisition->pipeline);
    run_unref(acquisition->run);
    json_decref(acquisition->directories);
    logbook_destroy(acquisition->logbook);
    run_history_finish(&acquisition->history);
    acquisition_plan_unref(acquisition->plan);
    uv_close((uv_handle_t *)&acquisition->poll, NULL);
    uv_close((uv_handle_t *)&acquisition->wait_timer, NULL);
    uv_close((uv_handle_t *)&acquisition->shut_down_timer, on_closed);
}
