#include <ftw.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <zmq.h>

#include "common/log.h"
#include "daemon/acquisition/acquisition.h"
#include "daemon/acquisition/live_icom.h"
#include "daemon/config/config.h"
#include "daemon/control/control.h"
#include "daemon/control/request_text.h"
#include "daemon/jobs.h"
#include "daemon/opened/opened_children.h"
#include "daemon/opened/run_list.h"
#include "fuzz_target.h"

/*
 * The input is a request, sent through a socket to the control socket of a daemon without a
 * detector: the parser, the table of commands and every command's own checks see it. Whatever it
 * is, it gets one reply, which says how it went in the form that the schemas want. What a command
 * writes goes into a folder of its own. There is no recording in it that could be opened: the
 * process that would show it is not this one's business.
 */
static struct daemon {
    uv_loop_t loop;
    void *context, *client;
    struct config config;
    struct jobs jobs;
    struct live_icom icom;
    struct run_list *run_list;
    struct opened_children *opened;
    struct control_runs runs;
    struct acquisition *acquisition;
    struct control *control;
    unsigned unanswered;
} * the_daemon;

/* start waits for a link for a while, and nothing else does. */
#define MOST_UNANSWERED 10000

static void on_state_changed(void *data)
{
    (void)data;
}

static void on_run_event(void *data, const char *event, const json_t *summary)
{
    (void)data;
    (void)event;
    (void)summary;
}

static void on_event(void *data, const char *event, json_t *body)
{
    (void)data;
    (void)event;
    json_decref(body);
}

static json_t *make_status(void *data)
{
    const struct daemon *const daemon = data;
    return acquisition_status(daemon->acquisition);
}

static void list_runs(void *data, uint64_t offset, uint64_t limit, run_list_answer_fn answer,
                      void *answer_data)
{
    const struct daemon *const daemon = data;
    run_list_ask(daemon->run_list, offset, limit, answer, answer_data);
}

static void open_run(void *data, const char *file, acquisition_answer_fn answer, void *answer_data)
{
    const struct daemon *const daemon = data;
    opened_children_open(daemon->opened, file, answer, answer_data);
}

static void close_run(void *data, const char *file, acquisition_answer_fn answer, void *answer_data)
{
    const struct daemon *const daemon = data;
    opened_children_close(daemon->opened, file, answer, answer_data);
}

static void make_runs(struct daemon *daemon)
{
    const struct opened_observer observer = {daemon, on_event};
    struct error error = {0};
    daemon->runs = (struct control_runs){daemon, list_runs, open_run, close_run};
    fuzz_require(run_list_create(&daemon->run_list, &daemon->loop, &daemon->jobs, &daemon->config,
                                 &error) == 0 &&
                 opened_children_create(&daemon->opened, &daemon->loop, &daemon->config, &observer,
                                        &error) == 0);
}

static void set(struct config *config, const char *option)
{
    fuzz_require(config_set_option(config, option, stderr) == 0);
}

static char folder[] = "/tmp/fuzz_request.XXXXXX";

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void configure(struct config *config)
{
    char option[128];
    fuzz_require(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
    config_init(config);
    snprintf(config->control_endpoint, sizeof config->control_endpoint, "inproc://control");
    set(config, "detector.command_port=1");
    set(config, "detector.data_port=2");
    set(config, "ring.size=16MiB");
    set(config, "workers=1");
    snprintf(option, sizeof option, "recording.directory=%s", folder);
    set(config, option);
}

static struct daemon *begin(void)
{
    struct daemon *const daemon = calloc(1, sizeof *daemon);
    struct error error = {0};
    fuzz_require(daemon != NULL && uv_loop_init(&daemon->loop) == 0);
    log_set_level(LOG_LEVEL_ERROR);
    configure(&daemon->config);
    daemon->jobs.loop = &daemon->loop;
    live_icom_init(&daemon->icom, &daemon->jobs, &daemon->config.icom);
    const struct acquisition_observer observer = {daemon, on_state_changed, on_run_event, on_event};
    fuzz_require(acquisition_create(&daemon->acquisition, &daemon->loop, &daemon->config, NULL,
                                    &observer, &error) == 0);
    daemon->icom.acquisition = daemon->acquisition;
    make_runs(daemon);
    const struct control_service service = {
        .data = daemon,
        .config = &daemon->config,
        .acquisition = daemon->acquisition,
        .jobs = &daemon->jobs,
        .icom = &daemon->icom,
        .runs = &daemon->runs,
        .status = make_status,
        .event = on_event,
        .status_changed = on_state_changed,
        .shut_down = on_state_changed,
    };
    daemon->context = zmq_ctx_new();
    fuzz_require(control_create(&daemon->control, &daemon->loop, daemon->context, &daemon->config,
                                NULL, &service, &error) == 0);
    daemon->client = zmq_socket(daemon->context, ZMQ_DEALER);
    fuzz_require(zmq_connect(daemon->client, "inproc://control") == 0);
    return daemon;
}

/* One reply, with its raw parts. false: there is none. */
static bool take_reply(struct daemon *daemon)
{
    zmq_msg_t part;
    zmq_msg_init(&part);
    if (zmq_msg_recv(&part, daemon->client, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&part);
        return false;
    }
    json_t *const reply =
        json_loadb(zmq_msg_data(&part), zmq_msg_size(&part), JSON_REJECT_DUPLICATES, NULL);
    const json_t *const error = json_object_get(reply, "error");
    fuzz_require(json_object_get(reply, "id") != NULL);
    if (json_is_true(json_object_get(reply, "ok")))
        fuzz_require(json_is_object(json_object_get(reply, "result")) && !error);
    else
        fuzz_require(json_string_length(json_object_get(error, "code")) > 0 &&
                     json_string_length(json_object_get(error, "message")) > 0);
    json_decref(reply);
    while (zmq_msg_more(&part))
        fuzz_require(zmq_msg_recv(&part, daemon->client, 0) >= 0);
    zmq_msg_close(&part);
    return true;
}

static void take_apart(const uint8_t *bytes, size_t size)
{
    uint8_t *const exact = fuzz_copy(bytes, size);
    struct request_text text;
    struct request_fault fault = {0};
    const int r = request_text_init(&text, exact, size, &fault);
    fuzz_require(r == 0 ? text.command != NULL : *fault.message != '\0');
    request_text_finish(&text);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!the_daemon)
        the_daemon = begin();
    log_set_level(LOG_LEVEL_ERROR); /* the command log_level may have been among the inputs */
    take_apart(bytes, size);
    fuzz_require(zmq_send(the_daemon->client, bytes, size, 0) >= 0);
    the_daemon->unanswered++;
    for (int turn = 0; turn < 3 && the_daemon->unanswered > 0; turn++) {
        uv_run(&the_daemon->loop, UV_RUN_NOWAIT);
        while (take_reply(the_daemon))
            the_daemon->unanswered--;
    }
    fuzz_require(the_daemon->unanswered < MOST_UNANSWERED);
    return 0;
}
