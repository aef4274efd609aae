#include "daemon/acquisition/acquisition.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/message_id.h"
#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/acquisition/parameter_request.h"
#include "daemon/acquisition/run_summary.h"
#include "daemon/calibration/calibration_table.h"

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
    if (link_log_is_quiet(&acquisition->data_log) || link_log_is_quiet(&acquisition->command_log))
        log_debug("acquisition", "%s: %s", acquisition_state_name(state), text);
    else
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
    int r = pipeline_create(&acquisition->pipeline, acquisition->loop, acquisition->config,
                            acquisition->logbook, stream, plan, acquisition_on_pipeline,
                            acquisition, error);
    acquisition_plan_unref(plan);
    if (r < 0)
        return r;
    if (acquisition_is_opened(acquisition))
        return 0;
    r = command_client_create(
        &acquisition->client, acquisition->loop, acquisition->config->detector_host,
        acquisition->config->detector_command_port, acquisition_on_command_link, acquisition);
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

static void init_timers(struct acquisition *acquisition)
{
    uv_timer_init(acquisition->loop, &acquisition->poll);
    uv_timer_init(acquisition->loop, &acquisition->shut_down_timer);
    uv_timer_init(acquisition->loop, &acquisition->wait_timer);
    acquisition->poll.data = acquisition->shut_down_timer.data = acquisition;
    acquisition->wait_timer.data = acquisition;
}

/* What the status tells until a link is up. */
static void say_connecting(struct acquisition *acquisition)
{
    error_set(&acquisition->data_error, -ENOTCONN, "%s",
              acquisition_is_opened(acquisition) ? "an old run: there is no detector"
                                                 : "connecting to the detector");
    error_set(&acquisition->command_error, -ENOTCONN, "connecting to the detector");
    snprintf(acquisition->why, sizeof acquisition->why, "%s", acquisition->data_error.text);
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
    acquisition->data_log = (struct link_log){
        .name = "data link", .host = config->detector_host, .port = config->detector_data_port};
    acquisition->command_log = (struct link_log){.name = "command link",
                                                 .host = config->detector_host,
                                                 .port = config->detector_command_port};
    say_connecting(acquisition);
    init_timers(acquisition);
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
