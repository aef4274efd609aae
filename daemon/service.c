#include "daemon/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/message_id.h"
#include "daemon/acquisition/acquisition.h"
#include "daemon/acquisition/live_icom.h"
#include "daemon/config/config_reload.h"
#include "daemon/control/control.h"
#include "daemon/hooks.h"
#include "daemon/jobs.h"
#include "daemon/json_time.h"
#include "daemon/key_ring.h"
#include "daemon/notify.h"
#include "daemon/opened/opened_children.h"
#include "daemon/opened/opened_service.h"
#include "daemon/opened/run_list.h"
#include "daemon/publish/publisher.h"
#include "daemon/publish/result_publisher.h"
#include "daemon/record/leftovers.h"
#include "daemon/result_timers.h"
#include "daemon/stream/frame_stream.h"
#include "daemon/trash_keeper.h"
#include "daemon/version.h"
#include "daemon/watchdog.h"
#include "daemon/web/web.h"

#define STATUS_MS 1000
/* Clients ask for the state of a run some ten times a second. */
#define LAST_WORDS_MS 300
#define STOP_EXTENSION_S 600
#define LEFTOVERS_NAMED 20

enum { SIGNAL_TERM, SIGNAL_INT, SIGNAL_HUP, N_SIGNALS };

struct service {
    struct config *config;
    const struct config_source *source;
    uv_loop_t loop;
    void *zmq_context;
    struct key_ring *ring;
    struct publisher *publisher;
    struct frame_stream *stream; /* NULL: there is none */
    struct result_publisher results;
    struct control *control;
    struct web *web; /* NULL: there is no page */
    struct acquisition *acquisition;
    struct jobs jobs;
    struct live_icom icom;
    struct hooks hooks;
    struct run_list *run_list;
    struct opened_children *opened;
    struct control_runs runs; /* both, for requests */
    struct watchdog watchdog;
    struct result_timers result_timers;
    uv_timer_t status_timer;
    uv_signal_t signals[N_SIGNALS];
    json_t *leftovers; /* files that a crash left, as found at start */
    struct trash_keeper trash;
    bool has_handles, stopping;
};

/* ---- status ---- */

static json_t *make_status(void *data)
{
    struct service *const service = data;
    json_t *const status = acquisition_status(service->acquisition);
    if (!status)
        return NULL;
    json_object_set_new(status, "version", json_string(MERLIND_VERSION));
    json_object_set_new(status, "time", json_time(clock_realtime_ns()));
    json_object_set_new(status, "interval_ms", json_integer(STATUS_MS));
    json_object_set(json_object_get(status, "recording"), "leftovers", service->leftovers);
    json_object_set_new(status, "log_dropped", json_integer((json_int_t)log_dropped()));
    json_object_set_new(status, "requests", control_counts(service->control));
    json_object_set_new(status, "published", publisher_counts(service->publisher));
    json_object_set_new(status, "frame_stream", frame_stream_status(service->stream));
    json_object_set_new(status, "lease", control_lease(service->control));
    json_object_set_new(status, "security",
                        json_pack("{s:b, s:b}", "keys", service->ring != NULL, "insecure",
                                  config_is_insecure(service->config)));
    json_object_set_new(status, "opened", opened_children_json(service->opened));
    json_object_set_new(status, "old_run", opened_service_json(service->config));
    json_object_set_new(status, "endpoints",
                        json_pack("{s:s, s:s, s:s*, s:s*}", "control",
                                  control_endpoint(service->control), "results",
                                  publisher_endpoint(service->publisher), "page",
                                  service->web ? web_url(service->web) : NULL, "frames",
                                  service->stream ? frame_stream_endpoint(service->stream) : NULL));
    return status;
}

static void tell_systemd(const json_t *status)
{
    const json_t *const frames = json_object_get(status, "frames");
    const char *const why = json_string_value(json_object_get(status, "why"));
    notify_status("%s%s%s; %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                  " frames, ring %.0f %%, %" JSON_INTEGER_FORMAT " lost",
                  json_string_value(json_object_get(status, "state")), *why ? ": " : "", why,
                  json_integer_value(json_object_get(frames, "received")),
                  json_integer_value(json_object_get(frames, "expected")),
                  100 * json_real_value(json_object_get(json_object_get(status, "ring"), "fill")),
                  json_integer_value(json_object_get(frames, "lost")));
}

static void publish_status(struct service *service)
{
    if (!service->control || !service->acquisition)
        return;
    json_t *const status = make_status(service);
    if (!status)
        return;
    tell_systemd(status);
    json_t *const header = json_pack("{s:o}", "status", status);
    const json_t *const run = json_object_get(status, "run");
    json_object_set(header, "scan", json_object_get(run, "id"));
    publisher_send(service->publisher, "status/", "status", header, NULL, 0);
}

static void publish_status_now(void *data)
{
    publish_status(data);
}

/* ---- what an earlier merlind left ---- */

static void find_leftovers(struct service *service)
{
    char *paths[LEFTOVERS_NAMED];
    const size_t n = leftovers_find(service->config->recording.directory, paths, LEFTOVERS_NAMED);
    service->leftovers = json_array();
    for (size_t i = 0; i < n && i < LEFTOVERS_NAMED; i++) {
        json_array_append_new(service->leftovers, json_string(paths[i]));
        log_write(LOG_ABOUT(WARNING, .message_id = MESSAGE_LEFT_BY_CRASH), "record",
                  "%s was left by a crash: \"merlin-file recover %s -o NEW.h5\" makes a whole "
                  "file of it",
                  paths[i], paths[i]);
        free(paths[i]);
    }
    if (n > LEFTOVERS_NAMED)
        log_warning("record", "and %zu more such files in %s", n - LEFTOVERS_NAMED,
                    service->config->recording.directory);
}

/* ---- what happens ---- */

static void on_state_changed(void *data)
{
    struct service *const service = data;
    publish_status(service);
    if (service->control)
        control_state_changed(service->control);
}

/* A view is no scan: it goes over and over, and nothing is kept of it. An old run has had its own.
 */
static void run_hook(struct service *service, const json_t *summary)
{
    const char *const mode = json_string_value(json_object_get(summary, "mode"));
    if (mode && strcmp(mode, "view") != 0 && !service->config->open[0])
        hooks_scan_ended(&service->hooks, summary);
}

static void on_run_event(void *data, const char *event, const json_t *summary)
{
    struct service *const service = data;
    struct run *const run = service->acquisition ? acquisition_run(service->acquisition) : NULL;
    if (strcmp(event, "started") == 0 && run) {
        result_timers_follow(&service->result_timers, summary);
        result_publisher_follow(&service->results, run);
        live_icom_follow(&service->icom, run);
    }
    if (strcmp(event, "finished") == 0) {
        result_publisher_maps(&service->results, true);
        result_publisher_arrays(&service->results, true);
    }
    json_t *const header = json_pack("{s:s, s:O, s:O}", "event", event, "run", summary, "scan",
                                     json_object_get(summary, "id"));
    publisher_send(service->publisher, "acquisition/", "acquisition", header, NULL, 0);
    if (strcmp(event, "finished") == 0)
        run_hook(service, summary);
}

/* A change of geometry is seen at once, not at the next turn of the map timer. */
static void on_event(void *data, const char *event, json_t *body)
{
    struct service *const service = data;
    json_object_set(body, "scan", json_object_get(body, "run"));
    const bool recomputed =
        json_is_true(json_object_get(json_object_get(body, "recompute"), "finished"));
    publisher_send(service->publisher, "event/", "event", body, NULL, 0);
    if (strcmp(event, "geometry") == 0)
        result_publisher_maps(&service->results, false);
    if (recomputed) { /* also of a run that is over, whose maps are not sent any more */
        result_publisher_maps(&service->results, true);
        result_publisher_arrays(&service->results, true);
    }
}

static void on_status_timer(uv_timer_t *timer)
{
    struct service *const service = timer->data;
    publish_status(service);
    if (!service->stopping && !service->config->open[0])
        trash_keeper_look(&service->trash, &service->jobs, service->acquisition);
}

/* ---- end ---- */

static void close_handles(struct service *service)
{
    if (!service->has_handles)
        return;
    service->has_handles = false;
    uv_close((uv_handle_t *)&service->status_timer, NULL);
    result_timers_close(&service->result_timers);
    for (int i = 0; i < N_SIGNALS; i++)
        uv_close((uv_handle_t *)&service->signals[i], NULL);
}

/* Lets the loop run empty. */
static void close_all(struct service *service)
{
    watchdog_close(&service->watchdog);
    jobs_close(&service->jobs);
    hooks_finish(&service->hooks);
    run_list_destroy(service->run_list);
    service->run_list = NULL;
    live_icom_finish(&service->icom);
    acquisition_destroy(service->acquisition);
    service->acquisition = NULL;
    frame_stream_destroy(service->stream);
    service->stream = NULL;
    result_publisher_finish(&service->results);
    web_destroy(service->web);
    service->web = NULL;
    opened_children_destroy(service->opened);
    service->opened = NULL;
    control_destroy(service->control);
    publisher_destroy(service->publisher);
    key_ring_destroy(service->ring);
    service->ring = NULL;
    service->control = NULL;
    service->publisher = NULL;
    close_handles(service);
}

/* The program that the last run's end has started is waited for, hooks.time_limit at most. */
static void on_last_words(uv_timer_t *timer)
{
    struct service *const service = timer->data;
    if (hooks_busy(&service->hooks))
        uv_timer_start(timer, on_last_words, LAST_WORDS_MS, 0);
    else
        close_all(service);
}

/* Everything that the detector will send is in: finish the file, and stay for those who wait to
 * hear how the run ended. */
static void on_drained(void *data)
{
    struct service *const service = data;
    acquisition_drain(service->acquisition);
    uv_timer_start(&service->status_timer, on_last_words, LAST_WORDS_MS, 0);
}

static void shut_down(void *data)
{
    struct service *const service = data;
    if (service->stopping)
        return;
    service->stopping = true;
    notify_stopping();
    notify_extend_timeout(STOP_EXTENSION_S);
    log_write(LOG_ABOUT(NOTICE, .message_id = MESSAGE_STOPPING), "merlind",
              "stopping: taking what is under way, closing the file");
    acquisition_shut_down(service->acquisition, on_drained, service);
}

static void reload(struct service *service)
{
    struct config fresh;
    if (service->stopping || service->config->open[0])
        return;
    notify_reloading();
    if (service->source->load(service->source->data, &fresh) == 0) {
        if (config_reload(service->config, &fresh) == 0)
            log_notice("config", "read again: nothing has changed that can change now");
        log_set_level(service->config->log_level);
        result_timers_start(&service->result_timers);
        config_finish(&fresh);
    } else {
        log_write(LOG_ABOUT(ERROR, .message_id = MESSAGE_CONFIGURATION), "config",
                  "the configuration is wrong, see above; the old one stays in force");
    }
    notify_ready(NULL);
}

static void on_signal(uv_signal_t *signal, int number)
{
    if (number == SIGHUP)
        reload(signal->data);
    else
        shut_down(signal->data);
}

/* ---- start ---- */

static void start_handles(struct service *service)
{
    static const int numbers[N_SIGNALS] = {
        [SIGNAL_TERM] = SIGTERM, [SIGNAL_INT] = SIGINT, [SIGNAL_HUP] = SIGHUP};
    uv_timer_init(&service->loop, &service->status_timer);
    result_timers_init(&service->result_timers, &service->loop, service->config, &service->results,
                       &service->icom, service->acquisition);
    service->status_timer.data = service;
    for (int i = 0; i < N_SIGNALS; i++) {
        uv_signal_init(&service->loop, &service->signals[i]);
        service->signals[i].data = service;
        uv_signal_start(&service->signals[i], on_signal, numbers[i]);
    }
    service->has_handles = true;
    uv_timer_start(&service->status_timer, on_status_timer, STATUS_MS, STATUS_MS);
    result_timers_start(&service->result_timers);
}

/* ---- finished recordings ---- */

static void list_runs(void *data, uint64_t offset, uint64_t limit, run_list_answer_fn answer,
                      void *answer_data)
{
    struct service *const service = data;
    run_list_ask(service->run_list, offset, limit, answer, answer_data);
}

static void open_run(void *data, const char *file, acquisition_answer_fn answer, void *answer_data)
{
    struct service *const service = data;
    opened_children_open(service->opened, file, answer, answer_data);
}

static void close_run(void *data, const char *file, acquisition_answer_fn answer, void *answer_data)
{
    struct service *const service = data;
    opened_children_close(service->opened, file, answer, answer_data);
}

static int make_runs(struct service *service, struct error *error)
{
    const struct opened_observer observer = {.data = service, .event = on_event};
    service->runs = (struct control_runs){service, list_runs, open_run, close_run};
    const int r =
        run_list_create(&service->run_list, &service->loop, &service->jobs, service->config, error);
    return r < 0 ? r
                 : opened_children_create(&service->opened, &service->loop, service->config,
                                          &observer, error);
}

static int open_sockets(struct service *service, struct error *error)
{
    const struct config *const config = service->config;
    int r = key_ring_create(&service->ring, &service->loop, service->zmq_context, config, error);
    if (r < 0)
        return r;
    r = publisher_create(&service->publisher, &service->loop, service->zmq_context,
                         config->results_endpoint, service->ring, error);
    if (r < 0)
        return r;
    result_publisher_init(&service->results, service->publisher);
    r = frame_stream_create(&service->stream, service->zmq_context, config, service->ring, error);
    if (r < 0)
        return r;
    const struct acquisition_observer observer = {
        .data = service,
        .state_changed = on_state_changed,
        .run_event = on_run_event,
        .event = on_event,
    };
    r = acquisition_create(&service->acquisition, &service->loop, config, service->stream,
                           &observer, error);
    if (r < 0)
        return r;
    service->icom.acquisition = service->acquisition;
    r = make_runs(service, error);
    if (r < 0)
        return r;
    const struct control_service control_service = {
        .data = service,
        .config = service->config,
        .acquisition = service->acquisition,
        .shows_old_run = config->open[0] != '\0',
        .jobs = &service->jobs,
        .runs = &service->runs,
        .icom = &service->icom,
        .status = make_status,
        .status_changed = publish_status_now,
        .event = on_event,
        .shut_down = shut_down,
    };
    return control_create(&service->control, &service->loop, service->zmq_context, config,
                          service->ring, &control_service, error);
}

/* A daemon that shows an old run has its file before it has anything else, and its results before
 * it is ready. */
static int open_all(struct service *service, struct error *error)
{
    struct opened_file *file = NULL;
    const bool opened = service->config->open[0];
    int r = opened ? opened_service_prepare(&file, service->config, error) : 0;
    if (r == 0)
        r = open_sockets(service, error);
    if (r < 0 || !opened) {
        opened_file_destroy(file);
        return r;
    }
    return opened_service_show(file, service->acquisition, error);
}

static bool find_old_run(void *data, const char *file, char *control, char *results, size_t size)
{
    struct opened_endpoints endpoints;
    if (!opened_children_find(data, file, &endpoints))
        return false;
    snprintf(control, size, "%s", endpoints.control);
    snprintf(results, size, "%s", endpoints.results);
    return true;
}

static void look_at_old_run(void *data, const char *file, int change)
{
    opened_children_look(data, file, change);
}

static int open_page(struct service *service, struct error *error)
{
    const struct web_service web_service = {
        .data = service->opened,
        .find_old_run = find_old_run,
        .look_at_old_run = look_at_old_run,
        .results_endpoint = PUBLISHER_INPROC,
        .control_endpoint = CONTROL_INPROC,
        .changes_state = control_command_changes_state,
    };
    if (!service->config->web.enabled)
        return 0;
    return web_create(&service->web, service->config, service->zmq_context, &web_service, error);
}

static void say_ready(const struct service *service)
{
    printf("ready control=%s results=%s%s%s\n", control_endpoint(service->control),
           publisher_endpoint(service->publisher), service->web ? " web=" : "",
           service->web ? web_url(service->web) : "");
    fflush(stdout);
    notify_ready("ready");
    log_write(LOG_ABOUT(NOTICE, .message_id = MESSAGE_READY), "merlind",
              "version %s ready: control %s, results %s, %s kernels", MERLIND_VERSION,
              control_endpoint(service->control), publisher_endpoint(service->publisher),
              cpu_isa_name(cpu_isa_best()));
}

int service_run(struct config *config, const struct config_source *source, struct error *error)
{
    struct service service = {
        .config = config, .source = source, .hooks = {.data = &service, .event = on_event}};
    int r = uv_loop_init(&service.loop);
    if (r < 0)
        return error_set(error, r, "cannot make an event loop: %s", uv_strerror(r));
    service.jobs.loop = &service.loop;
    live_icom_init(&service.icom, &service.jobs, &config->icom);
    service.zmq_context = zmq_ctx_new();
    r = service.zmq_context ? open_all(&service, error)
                            : error_set(error, -ENOMEM, "cannot make a ZeroMQ context");
    if (r == 0)
        r = open_page(&service, error);
    if (r < 0) {
        close_all(&service);
    } else {
        start_handles(&service);
        hooks_init(&service.hooks, &service.loop, &config->hooks,
                   control_endpoint(service.control));
        if (!config->open[0])
            find_leftovers(&service);
        say_ready(&service);
        watchdog_start(&service.watchdog, &service.loop, service.acquisition);
    }
    uv_run(&service.loop, UV_RUN_DEFAULT);
    if (service.zmq_context)
        zmq_ctx_term(service.zmq_context);
    json_decref(service.leftovers);
    const int left = uv_loop_close(&service.loop);
    if (left < 0)
        log_error("merlind", "handles were left open at the end");
    return r;
}
