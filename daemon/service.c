#include <errno.h>
#include <signal.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"
#include "common/message_id.h"
#include "daemon/config/config_reload.h"
#include "daemon/notify.h"
#include "daemon/service_internal.h"
#include "daemon/start_check.h"

/* Clients ask for the state of a run some ten times a second. */
#define LAST_WORDS_MS 300
#define STOP_EXTENSION_S 600

/* ---- what happens ---- */

void service_on_state_changed(void *data)
{
    struct service *const service = data;
    service_publish_status(service);
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

void service_on_run_event(void *data, const char *event, const json_t *summary)
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
    if (strcmp(event, "finished") == 0) {
        run_hook(service, summary);
        uv_update_time(&service->loop); /* the end of a run may have taken long */
        service->finished_ms = uv_now(&service->loop);
    }
}

/* A change of geometry is seen at once, not at the next turn of the map timer. */
void service_on_event(void *data, const char *event, json_t *body)
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
    service_publish_status(service);
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
 * hear how the run ended, if one has just done so. */
static void on_drained(void *data)
{
    struct service *const service = data;
    acquisition_drain(service->acquisition);
    uv_update_time(&service->loop);
    const uint64_t since_ms = uv_now(&service->loop) - service->finished_ms;
    const bool heard = service->finished_ms == 0 || since_ms >= LAST_WORDS_MS;
    uv_timer_start(&service->status_timer, on_last_words, heard ? 0 : LAST_WORDS_MS - since_ms, 0);
}

void service_shut_down(void *data)
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
        service_shut_down(signal->data);
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

int service_run(struct config *config, const struct config_source *source, struct error *error)
{
    struct service service = {
        .config = config, .source = source, .hooks = {.data = &service, .event = service_on_event}};
    int r = uv_loop_init(&service.loop);
    if (r < 0)
        return error_set(error, r, "cannot make an event loop: %s", uv_strerror(r));
    service.jobs.loop = &service.loop;
    live_icom_init(&service.icom, &service.jobs, &config->icom);
    service.zmq_context = zmq_ctx_new();
    r = service.zmq_context ? service_open(&service, error)
                            : error_set(error, -ENOMEM, "cannot make a ZeroMQ context");
    if (r < 0) {
        close_all(&service);
    } else {
        start_handles(&service);
        hooks_init(&service.hooks, &service.loop, &config->hooks,
                   control_endpoint(service.control));
        if (!config->open[0]) {
            service_find_leftovers(&service);
            start_check(&service.jobs, config);
        }
        service_say_ready(&service);
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
