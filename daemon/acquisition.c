#include "daemon/acquisition.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"
#include "daemon/parameter_request.h"
#include "daemon/run_history.h"
#include "daemon/run_summary.h"
#include "daemon/start_sequence.h"
#include "detector/command_client.h"

#define POLL_MS 100
/* Frames may still be on their way when the detector is idle already; only a link that has been quiet for so long says that none will come. */
#define IDLE_LINK_NS (500 * NS_PER_MS)
#define IDLE_POLLS 4
#define STOP_QUIET_NS (300 * NS_PER_MS)
#define SHUT_DOWN_MS 3000

/* DETECTORSTATUS (Merlin manual v1.0 and newer command tables). Old servers say busy where new ones say armed. */
enum detector_status {
    DETECTOR_IDLE = 0,
    DETECTOR_BUSY = 1,
    DETECTOR_STANDBY = 2,
    DETECTOR_ERROR = 3,
    DETECTOR_ARMED = 4,
};

struct acquisition {
    const struct config *config;
    struct acquisition_observer observer;
    struct pipeline *pipeline;
    struct command_client *client;
    uv_loop_t *loop;
    uv_timer_t poll, shut_down_timer;

    enum acquisition_state state;
    char why[600];
    bool data_connected, command_connected;
    struct error data_error, command_error;

    struct acquisition_plan *plan; /* armed or arming, its first frame has not come */
    struct start_sequence *starting;
    acquisition_answer_fn start_answer;
    void *start_data;

    struct run *run; /* the newest with frames */
    struct run_history history;
    unsigned idle_polls;
    bool status_asked;
    uint64_t rate_time_ns, rate_received;
    double rate;

    void (*drained)(void *data);
    void *drained_data;
    bool drained_for_good; /* the pipeline has ended */
};

static const char *const state_names[] = {
    [ACQUISITION_DISCONNECTED] = "disconnected", [ACQUISITION_IDLE] = "idle",
    [ACQUISITION_ARMING] = "arming",             [ACQUISITION_ARMED] = "armed",
    [ACQUISITION_ACQUIRING] = "acquiring",       [ACQUISITION_FINISHING] = "finishing",
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

struct run *acquisition_run(const struct acquisition *acquisition)
{
    return acquisition->run;
}

/* ---- state ---- */

__attribute__((format(printf, 3, 4))) static void
set_state(struct acquisition *acquisition, enum acquisition_state state, const char *why, ...)
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

static void set_idle(struct acquisition *acquisition)
{
    if (!acquisition->data_connected)
        set_state(acquisition, ACQUISITION_DISCONNECTED, "%s", acquisition->data_error.text);
    else if (!acquisition->command_connected)
        set_state(acquisition, ACQUISITION_IDLE, "no command link: %s",
                  acquisition->command_error.text);
    else
        set_state(acquisition, ACQUISITION_IDLE, "%s", "");
}

static bool run_is_going_on(const struct acquisition *acquisition)
{
    return acquisition->run && atomic_load_explicit(&acquisition->run->phase,
                                                    memory_order_acquire) == RUN_ACQUIRING;
}

/* Ends a run whose first frame never came. */
static void give_up_plan(struct acquisition *acquisition, const char *reason, const char *cause,
                         const char *detail)
{
    if (!acquisition->plan)
        return;
    json_t *const summary =
        run_summary_without_frames(acquisition->plan, "finished", reason, cause, detail);
    acquisition_plan_unref(acquisition->plan);
    acquisition->plan = NULL;
    (void)ingest_expect_nothing(pipeline_ingest(acquisition->pipeline));
    if (!summary)
        return;
    log_notice("acquisition", "run %s ended without a frame: %s",
               json_string_value(json_object_get(summary, "id")), detail);
    acquisition->observer.run_event(acquisition->observer.data, "finished", summary);
    run_history_put(&acquisition->history, summary);
}

static void remember_plan(struct acquisition *acquisition, const char *state)
{
    json_t *const summary = run_summary_without_frames(acquisition->plan, state, "", "", "");
    if (summary)
        run_history_put(&acquisition->history, summary);
}

static void become_armed(struct acquisition *acquisition, const char *why)
{
    if (acquisition->plan) {
        remember_plan(acquisition, "armed");
        acquisition->observer.run_event(
            acquisition->observer.data, "armed",
            run_history_find(&acquisition->history, acquisition->plan->id));
    }
    set_state(acquisition, ACQUISITION_ARMED, "%s", why);
}

/* ---- events of the pipeline ---- */

static void check_drained(struct acquisition *acquisition)
{
    if (!acquisition->drained || run_is_going_on(acquisition))
        return;
    void (*const drained)(void *) = acquisition->drained;
    acquisition->drained = NULL;
    uv_timer_stop(&acquisition->shut_down_timer);
    drained(acquisition->drained_data);
}

static void on_data_link(struct acquisition *acquisition, const struct pipeline_event *event)
{
    acquisition->data_connected = event->connected;
    acquisition->data_error = event->error;
    if (event->connected) {
        log_info("detector", "data link to %s:%u is up", acquisition->config->detector_host,
                 acquisition->config->detector_data_port);
    } else {
        log_warning("detector", "data link to %s:%u is down: %s",
                    acquisition->config->detector_host, acquisition->config->detector_data_port,
                    event->error.text);
        if (acquisition->state == ACQUISITION_ARMED)
            give_up_plan(acquisition, "short", "link", "the data link broke before the first frame");
    }
    if (acquisition->state == ACQUISITION_DISCONNECTED || acquisition->state == ACQUISITION_IDLE ||
        acquisition->state == ACQUISITION_ARMED)
        set_idle(acquisition);
}

static void on_run_began(struct acquisition *acquisition, struct run *run)
{
    run_unref(acquisition->run);
    acquisition->run = run_ref(run);
    acquisition->rate = 0;
    acquisition->rate_received = 0;
    acquisition->rate_time_ns = clock_monotonic_ns();
    acquisition->idle_polls = 0;
    if (acquisition->plan && strcmp(acquisition->plan->id, run->plan->id) == 0) {
        acquisition_plan_unref(acquisition->plan);
        acquisition->plan = NULL;
    }
    json_t *const summary = run_summary(run, 0);
    if (summary) {
        acquisition->observer.run_event(acquisition->observer.data, "started", summary);
        run_history_put(&acquisition->history, summary);
    }
    log_notice("acquisition", "run %s began: %ux%u %s frames, %" PRIu64 " expected", run->plan->id,
               run->format.height, run->format.width, pixel_type_name(run->format.pixel_type),
               run->expected);
    set_state(acquisition, ACQUISITION_ACQUIRING, "%s", "");
}

static void on_run_ended(struct acquisition *acquisition, struct run *run)
{
    json_t *const summary = run_summary(run, acquisition->rate);
    if (summary) {
        acquisition->observer.run_event(acquisition->observer.data, "ended", summary);
        run_history_put(&acquisition->history, summary);
    }
    if (run == acquisition->run)
        set_state(acquisition, ACQUISITION_FINISHING, "completing results and file");
}

static void log_end(const json_t *summary)
{
    const json_t *const frames = json_object_get(summary, "frames");
    const json_t *const recording = json_object_get(summary, "recording");
    log_notice("acquisition",
               "run %s is finished, %s: %" JSON_INTEGER_FORMAT " frames received, "
               "%" JSON_INTEGER_FORMAT " recorded, %" JSON_INTEGER_FORMAT
               " missing; recording %s %s",
               json_string_value(json_object_get(summary, "id")),
               json_string_value(json_object_get(summary, "reason")),
               json_integer_value(json_object_get(frames, "received")),
               json_integer_value(json_object_get(frames, "recorded")),
               json_integer_value(json_object_get(frames, "missing")),
               json_string_value(json_object_get(recording, "state")),
               json_string_value(json_object_get(summary, "file")));
}

static void on_run_finished(struct acquisition *acquisition, struct run *run)
{
    json_t *const summary = run_summary(run, -1);
    if (summary) {
        log_end(summary);
        acquisition->observer.run_event(acquisition->observer.data, "finished", summary);
        run_history_put(&acquisition->history, summary);
    }
    if (run == acquisition->run && acquisition->state == ACQUISITION_FINISHING)
        set_idle(acquisition);
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
        if (acquisition->state != ACQUISITION_ARMED && !acquisition->starting)
            become_armed(acquisition, "waiting for the first frame");
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
        give_up_plan(acquisition, "short", "refused", event->error.text);
        set_idle(acquisition);
        break;
    }
}

/* ---- the detector's status ---- */

static void on_detector_idle(struct acquisition *acquisition)
{
    acquisition->idle_polls++;
    if (run_is_going_on(acquisition)) {
        const uint64_t last = counter_read(&acquisition->run->last_frame_ns);
        if (acquisition->idle_polls >= 2 && uv_hrtime() > last + IDLE_LINK_NS)
            (void)ingest_end_run(pipeline_ingest(acquisition->pipeline), RUN_END_IDLE,
                                 IDLE_LINK_NS / 2);
        return;
    }
    /* A passive plan waits for somebody else to start, however long that takes. */
    if (acquisition->state == ACQUISITION_ARMED && acquisition->idle_polls >= IDLE_POLLS &&
        (!acquisition->plan || acquisition->plan->active)) {
        give_up_plan(acquisition, "short", "detector_idle",
                     "the detector went idle without sending a frame");
        set_idle(acquisition);
    }
}

static void on_detector_status(void *data, const struct command_reply *reply)
{
    struct acquisition *const acquisition = data;
    acquisition->status_asked = false;
    if (reply->status < 0 || reply->code != COMMAND_CODE_OK)
        return;
    const long status = strtol(reply->value, NULL, 10);
    if (status != DETECTOR_IDLE)
        acquisition->idle_polls = 0;
    if (status == DETECTOR_ERROR && acquisition->state != ACQUISITION_FAULT)
        set_state(acquisition, ACQUISITION_FAULT,
                  "the detector reports an error (DETECTORSTATUS 3): look at the Merlin program; "
                  "often it has to be restarted");
    else if (status != DETECTOR_ERROR && acquisition->state == ACQUISITION_FAULT)
        set_idle(acquisition);
    if (status == DETECTOR_IDLE)
        on_detector_idle(acquisition);
}

static void sample_rate(struct acquisition *acquisition)
{
    const uint64_t now = clock_monotonic_ns();
    if (!acquisition->run || now < acquisition->rate_time_ns + NS_PER_S / 2)
        return;
    const uint64_t received = counter_read(&acquisition->run->counts.received);
    acquisition->rate = (double)(received - acquisition->rate_received) * (double)NS_PER_S /
                        (double)(now - acquisition->rate_time_ns);
    acquisition->rate_received = received;
    acquisition->rate_time_ns = now;
}

static void on_poll(uv_timer_t *timer)
{
    struct acquisition *const acquisition = timer->data;
    sample_rate(acquisition);
    const bool waiting = acquisition->state == ACQUISITION_ARMED ||
                         acquisition->state == ACQUISITION_ACQUIRING ||
                         acquisition->state == ACQUISITION_FAULT;
    if (!waiting || acquisition->status_asked || !acquisition->command_connected)
        return;
    if (command_client_send(acquisition->client, COMMAND_GET, "DETECTORSTATUS", NULL,
                            on_detector_status, acquisition) == 0)
        acquisition->status_asked = true;
}

static void on_command_link(void *data, bool connected, const struct error *error)
{
    struct acquisition *const acquisition = data;
    acquisition->command_connected = connected;
    acquisition->command_error = error ? *error : (struct error){0};
    if (connected)
        log_info("detector", "command link to %s:%u is up", acquisition->config->detector_host,
                 acquisition->config->detector_command_port);
    else
        log_warning("detector", "command link to %s:%u is down: %s",
                    acquisition->config->detector_host, acquisition->config->detector_command_port,
                    acquisition->command_error.text);
    if (acquisition->state == ACQUISITION_IDLE || acquisition->state == ACQUISITION_DISCONNECTED)
        set_idle(acquisition);
}

/* ---- start ---- */

static struct acquisition_plan *make_plan(const struct config *config)
{
    struct acquisition_plan *const plan = acquisition_plan_create(config->n_virtual_detectors);
    if (!plan)
        return NULL;
    plan->version = 1;
    plan->scan = config->scan;
    plan->scan_from_header = config->scan.ny == 0;
    plan->recording = config->recording;
    for (size_t i = 0; i < config->n_virtual_detectors; i++)
        plan->virtual_detectors[i] = config->virtual_detectors[i];
    return plan;
}

static json_t *start_result(const struct acquisition *acquisition,
                            const struct acquisition_plan *plan)
{
    return json_pack("{s:s, s:s, s:I, s:s}", "id", plan->id, "state",
                     acquisition_state_name(acquisition->state), "expected",
                     (json_int_t)scan_geometry_positions(&plan->scan), "file", "");
}

static void answer_start(struct acquisition *acquisition, json_t *result, const char *code,
                         const char *field, const struct error *error)
{
    const acquisition_answer_fn answer = acquisition->start_answer;
    acquisition->start_answer = NULL;
    answer(acquisition->start_data, result, code, field, error);
}

static void on_ready_to_arm(void *data, uint64_t frame_period_ns)
{
    struct acquisition *const acquisition = data;
    acquisition->plan->frame_period_ns = frame_period_ns;
    (void)ingest_expect(pipeline_ingest(acquisition->pipeline), acquisition->plan, true);
}

static void on_start_done(void *data, const struct start_outcome *outcome)
{
    struct acquisition *const acquisition = data;
    acquisition->starting = NULL;
    acquisition->idle_polls = 0;
    if (outcome->code) {
        run_history_drop(&acquisition->history, acquisition->plan->id);
        acquisition_plan_unref(acquisition->plan);
        acquisition->plan = NULL;
        (void)ingest_expect_nothing(pipeline_ingest(acquisition->pipeline));
        set_idle(acquisition);
        answer_start(acquisition, NULL, outcome->code, NULL, &outcome->error);
        return;
    }
    /* Fast frames may have made the run begin before the reply to STARTACQUISITION was read. */
    if (acquisition->plan)
        become_armed(acquisition, "waiting for the first frame");
    const struct acquisition_plan *const plan =
        acquisition->plan ? acquisition->plan : acquisition->run->plan;
    answer_start(acquisition, start_result(acquisition, plan), NULL, NULL, NULL);
}

static const char *refuse_start(const struct acquisition *acquisition,
                                const struct acquisition_start *start, struct error *error)
{
    if (acquisition->drained_for_good) {
        error_set(error, -ESHUTDOWN, "merlind is stopping");
        return "busy";
    }
    if (acquisition->plan || acquisition->starting || run_is_going_on(acquisition)) {
        error_set(error, -EBUSY, "a run is going on (%s): stop it first, or wait for its end",
                  acquisition_state_name(acquisition->state));
        return "busy";
    }
    if (acquisition->state == ACQUISITION_FAULT) {
        error_set(error, -EIO, "%s", acquisition->why);
        return "detector";
    }
    if (!acquisition->data_connected) {
        error_set(error, -ENOTCONN, "no data link to the detector at %s:%u: %s",
                  acquisition->config->detector_host, acquisition->config->detector_data_port,
                  acquisition->data_error.text);
        return "not_connected";
    }
    if (!start->passive && !acquisition->command_connected) {
        error_set(error, -ENOTCONN, "no command link to the detector at %s:%u: %s",
                  acquisition->config->detector_host, acquisition->config->detector_command_port,
                  acquisition->command_error.text);
        return "not_connected";
    }
    return NULL;
}

static void start_passive(struct acquisition *acquisition, acquisition_answer_fn answer, void *data)
{
    (void)ingest_expect(pipeline_ingest(acquisition->pipeline), acquisition->plan, false);
    become_armed(acquisition, "waiting for somebody else to start the detector");
    answer(data, start_result(acquisition, acquisition->plan), NULL, NULL, NULL);
}

static void start_active(struct acquisition *acquisition, const struct acquisition_start *start,
                         acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    const struct start_settings settings = {
        .scan = acquisition->plan->scan,
        .trigger = start->trigger,
        .parameters = start->parameters,
    };
    acquisition->plan->active = true;
    acquisition->start_answer = answer;
    acquisition->start_data = data;
    remember_plan(acquisition, "arming");
    set_state(acquisition, ACQUISITION_ARMING, "setting the detector up");
    const int r = start_sequence_begin(&acquisition->starting, acquisition->client, &settings,
                                       on_ready_to_arm, on_start_done, acquisition, &error);
    if (r < 0) {
        const struct start_outcome outcome = {
            .code = r == -EINVAL ? "bad_value" : "internal",
            .error = error,
        };
        on_start_done(acquisition, &outcome);
    }
}

void acquisition_start(struct acquisition *acquisition, const struct acquisition_start *start,
                       acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    const char *const code = refuse_start(acquisition, start, &error);
    if (code) {
        answer(data, NULL, code, NULL, &error);
        return;
    }
    struct acquisition_plan *const plan = make_plan(acquisition->config);
    if (!plan) {
        error_set(&error, -ENOMEM, "no memory");
        answer(data, NULL, "internal", NULL, &error);
        return;
    }
    if (start->scan_given) {
        plan->scan.ny = start->scan.ny;
        plan->scan.nx = start->scan.nx;
        plan->scan_from_header = false;
    }
    if (start->skip_given) {
        plan->scan.skip_start = start->scan.skip_start;
        plan->scan.skip_line = start->scan.skip_line;
        plan->scan.skip_end = start->scan.skip_end;
    }
    if (start->recording >= 0)
        plan->recording.enabled = start->recording;
    if (!start->passive && plan->scan.ny == 0) {
        error_set(&error, -EINVAL, "no scan shape: give args.scan or configure scan.shape");
        answer(data, NULL, "bad_value", "args.scan", &error);
        acquisition_plan_unref(plan);
        return;
    }
    if (plan->recording.enabled && recording_check(&plan->recording, 0, NULL, &error) < 0) {
        answer(data, NULL, "recording", "recording.directory", &error);
        acquisition_plan_unref(plan);
        return;
    }
    acquisition->plan = plan;
    if (start->passive)
        start_passive(acquisition, answer, data);
    else
        start_active(acquisition, start, answer, data);
}

/* ---- stop ---- */

static void stop_run(struct acquisition *acquisition)
{
    if (acquisition->command_connected)
        (void)command_client_send(acquisition->client, COMMAND_CMD, "STOPACQUISITION", NULL, NULL,
                                  NULL);
    if (run_is_going_on(acquisition))
        (void)ingest_end_run(pipeline_ingest(acquisition->pipeline), RUN_END_STOPPED,
                             STOP_QUIET_NS);
}

void acquisition_stop(struct acquisition *acquisition, acquisition_answer_fn answer, void *data)
{
    if (acquisition->starting) {
        const struct error error = {-EBUSY, "the detector is being set up: try again in a moment"};
        answer(data, NULL, "busy", NULL, &error);
        return;
    }
    stop_run(acquisition);
    if (acquisition->plan)
        give_up_plan(acquisition, "stopped", "stopped", "stopped on request before the first frame");
    if (acquisition->state == ACQUISITION_ARMED)
        set_idle(acquisition);
    answer(data, json_pack("{s:s}", "state", acquisition_state_name(acquisition->state)), NULL, NULL,
           NULL);
}

static void on_shut_down_timer(uv_timer_t *timer)
{
    struct acquisition *const acquisition = timer->data;
    log_warning("acquisition", "the detector still sends frames %d s after it was told to stop: "
                               "what it sends from now on is lost", SHUT_DOWN_MS / 1000);
    void (*const drained)(void *) = acquisition->drained;
    acquisition->drained = NULL;
    if (drained)
        drained(acquisition->drained_data);
}

void acquisition_shut_down(struct acquisition *acquisition, void (*drained)(void *data), void *data)
{
    acquisition->drained = drained;
    acquisition->drained_data = data;
    if (run_is_going_on(acquisition) && acquisition->run->plan->active) {
        if (acquisition->command_connected)
            (void)command_client_send(acquisition->client, COMMAND_CMD, "STOPACQUISITION", NULL,
                                      NULL, NULL);
        (void)ingest_end_run(pipeline_ingest(acquisition->pipeline), RUN_END_SHUTDOWN,
                             STOP_QUIET_NS);
        uv_timer_start(&acquisition->shut_down_timer, on_shut_down_timer, SHUT_DOWN_MS, 0);
        return;
    }
    if (acquisition->plan && acquisition->plan->active)
        stop_run(acquisition);
    if (!acquisition->starting)
        give_up_plan(acquisition, "shutdown", "shutdown", "merlind was stopped");
    acquisition->drained = NULL;
    drained(data);
}

/* ---- get and set ---- */

void acquisition_get(struct acquisition *acquisition, const char *name,
                     acquisition_answer_fn answer, void *data)
{
    parameter_request(acquisition->client, name, NULL, answer, data);
}

void acquisition_set(struct acquisition *acquisition, const char *name, const char *value,
                     acquisition_answer_fn answer, void *data)
{
    parameter_request(acquisition->client, name, value, answer, data);
}

/* ---- views ---- */

json_t *acquisition_summary(const struct acquisition *acquisition, const char *id)
{
    const struct run *const run = acquisition->run;
    json_t *const remembered = run_history_find(&acquisition->history, id);
    if (!remembered)
        return NULL;
    const char *const which = json_string_value(json_object_get(remembered, "id"));
    if (run && strcmp(which, run->plan->id) == 0)
        return run_summary(run, run_is_going_on(acquisition) ? acquisition->rate : -1);
    return json_incref(remembered);
}

static json_t *detector_json(const struct acquisition *acquisition)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "host", acquisition->config->detector_host,
                     "command", acquisition->command_connected ? "connected" : "disconnected",
                     "data", acquisition->data_connected ? "connected" : "disconnected",
                     "command_error", acquisition->command_error.text, "data_error",
                     acquisition->data_error.text);
}

static json_t *ring_json(const struct acquisition *acquisition)
{
    struct ring_load load;
    ring_load(ingest_ring(pipeline_ingest(acquisition->pipeline)), &load);
    const double size = (double)load.size;
    return json_pack("{s:I, s:I, s:f, s:f, s:I, s:f}", "size", (json_int_t)load.size, "used",
                     (json_int_t)load.used, "fill", (double)load.used / size, "high_water",
                     (double)load.high_water / size, "full_stalls", (json_int_t)load.full_count,
                     "full_stall_s", (double)load.full_ns / (double)NS_PER_S);
}

static json_t *stray_json(const struct acquisition *acquisition)
{
    struct ingest_figures figures;
    ingest_figures(pipeline_ingest(acquisition->pipeline), &figures);
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "frames", (json_int_t)figures.stray_frames,
                     "bytes", (json_int_t)figures.stray_bytes, "skipped_bytes",
                     (json_int_t)figures.skipped_bytes, "resyncs", (json_int_t)figures.resyncs,
                     "repeated_headers", (json_int_t)figures.repeated_headers);
}

/* Cheap enough for every status: whether a file can really be made there is found out at start. */
static uint64_t bytes_free(const char *directory, struct error *error)
{
    struct statvfs fs;
    if (statvfs(directory, &fs) != 0) {
        error_set(error, -errno, "recording.directory %s: %s", directory, strerror(errno));
        return 0;
    }
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

static json_t *recording_json(const struct acquisition *acquisition, const json_t *run)
{
    const struct recording_settings *const settings = &acquisition->config->recording;
    struct error error = {0};
    const uint64_t room = bytes_free(settings->directory, &error);
    json_t *const json = json_pack("{s:s, s:s, s:s, s:i, s:i}", "state", "off", "error", error.text,
                                   "path", "", "bytes_raw", 0, "bytes_written", 0);
    const json_t *const run_recording = json_object_get(run, "recording");
    if (run_recording) {
        json_object_update(json, (json_t *)run_recording);
        json_object_set(json, "path", json_object_get(run, "file"));
    }
    if (error.code && json_string_length(json_object_get(json, "error")) == 0)
        json_object_set_new(json, "error", json_string(error.text));
    json_object_set_new(json, "enabled", json_boolean(settings->enabled));
    json_object_set_new(json, "directory", json_string(settings->directory));
    json_object_set_new(json, "bytes_free", json_integer((json_int_t)room));
    return json;
}

static json_t *zero_frames(void)
{
    const struct acquisition_plan nothing = {.id = ""};
    json_t *const summary = run_summary_without_frames(&nothing, "", "", "", "");
    json_t *const frames = json_incref(json_object_get(summary, "frames"));
    json_decref(summary);
    return frames;
}

json_t *acquisition_status(const struct acquisition *acquisition)
{
    json_t *const run = acquisition_summary(acquisition, NULL);
    json_t *const frames = run ? json_incref(json_object_get(run, "frames")) : zero_frames();
    unsigned waiting = 0, buffers = 0;
    if (!acquisition->drained_for_good)
        recorder_load(pipeline_recorder(acquisition->pipeline), &waiting, &buffers);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:i, s:i}, s:i, s:s}", "state",
                     acquisition_state_name(acquisition->state), "why", acquisition->why,
                     "detector", detector_json(acquisition), "frames", frames, "ring",
                     ring_json(acquisition), "recording", recording_json(acquisition, run), "run",
                     run ? run : json_null(), "stray", stray_json(acquisition), "writer", "waiting",
                     (int)waiting, "buffers", (int)buffers, "workers",
                     (int)pipeline_workers(acquisition->pipeline), "isa",
                     cpu_isa_name(cpu_isa_best()));
}

void acquisition_want_images(struct acquisition *acquisition)
{
    if (!acquisition->run)
        return;
    run_want_images(acquisition->run);
    atomic_fetch_add_explicit(&acquisition->run->latest_wanted, 1, memory_order_relaxed);
    ring_nudge(ingest_ring(pipeline_ingest(acquisition->pipeline)));
}

/* ---- life ---- */

static int open_links(struct acquisition *acquisition, struct error *error)
{
    struct acquisition_plan *const plan = make_plan(acquisition->config);
    if (!plan)
        return error_set(error, -ENOMEM, "no memory");
    int r = pipeline_create(&acquisition->pipeline, acquisition->loop, acquisition->config, plan,
                            on_pipeline_event, acquisition, error);
    acquisition_plan_unref(plan);
    if (r < 0)
        return r;
    r = command_client_create(&acquisition->client, acquisition->loop,
                              acquisition->config->detector_host,
                              acquisition->config->detector_command_port, on_command_link,
                              acquisition);
    return r < 0 ? error_set(error, r, "cannot make the command link: %s", strerror(-r)) : 0;
}

int acquisition_create(struct acquisition **out, uv_loop_t *loop, const struct config *config,
                       const struct acquisition_observer *observer, struct error *error)
{
    struct acquisition *acquisition = calloc(1, sizeof *acquisition);
    if (!acquisition)
        return error_set(error, -ENOMEM, "no memory");
    acquisition->loop = loop;
    acquisition->config = config;
    acquisition->observer = *observer;
    error_set(&acquisition->data_error, -ENOTCONN, "connecting to the detector");
    error_set(&acquisition->command_error, -ENOTCONN, "connecting to the detector");
    snprintf(acquisition->why, sizeof acquisition->why, "%s", acquisition->data_error.text);
    uv_timer_init(loop, &acquisition->poll);
    uv_timer_init(loop, &acquisition->shut_down_timer);
    acquisition->poll.data = acquisition->shut_down_timer.data = acquisition;
    const int r = open_links(acquisition, error);
    if (r < 0) {
        acquisition_destroy(acquisition);
        return r;
    }
    uv_timer_start(&acquisition->poll, on_poll, POLL_MS, POLL_MS);
    *out = acquisition;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void acquisition_drain(struct acquisition *acquisition)
{
    if (acquisition->pipeline && !acquisition->drained_for_good)
        pipeline_drain(acquisition->pipeline);
    acquisition->drained_for_good = true;
}

void acquisition_destroy(struct acquisition *acquisition)
{
    if (!acquisition)
        return;
    acquisition_drain(acquisition);
    command_client_destroy(acquisition->client);
    pipeline_destroy(acquisition->pipeline);
    run_unref(acquisition->run);
    run_history_finish(&acquisition->history);
    acquisition_plan_unref(acquisition->plan);
    uv_close((uv_handle_t *)&acquisition->poll, NULL);
    uv_close((uv_handle_t *)&acquisition->shut_down_timer, on_closed);
}
