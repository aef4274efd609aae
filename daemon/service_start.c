#include <stdio.h>

#include "common/cpu.h"
#include "common/log.h"
#include "common/message_id.h"
#include "daemon/notify.h"
#include "daemon/opened/opened_service.h"
#include "daemon/service_internal.h"
#include "daemon/version.h"

/* ---- what requests ask of the service ---- */

static json_t *make_status(void *data)
{
    return service_make_status(data);
}

static void publish_status(void *data)
{
    service_publish_status(data);
}

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

/* ---- what is made ---- */

static int make_runs(struct service *service, struct error *error)
{
    const struct opened_observer observer = {.data = service, .event = service_on_event};
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
        .state_changed = service_on_state_changed,
        .run_event = service_on_run_event,
        .event = service_on_event,
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
        .status_changed = publish_status,
        .event = service_on_event,
        .shut_down = service_shut_down,
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

int service_open(struct service *service, struct error *error)
{
    const int r = open_all(service, error);
    return r < 0 ? r : open_page(service, error);
}

void service_say_ready(const struct service *service)
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
