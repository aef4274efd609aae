#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <zmq.h>

#include "common/log.h"
#include "daemon/control/control.h"
#include "daemon/web/viewer.h"
#include "daemon/web/web_internal.h"
#include "fuzz_target.h"

/*
 * What a viewer of the page says, a message a line: the first one is its hello, or one is said for
 * it. Whatever it says, a viewer without the token gets no request through that changes anything,
 * its name is harmless in a log, and it watches no more than it may. Nothing is connected to a
 * network: the messages come from here, the requests arrive at a socket of this process.
 */

#define TOKEN "the-token-of-the-fuzz-target"
#define HELLO "{\"hello\":{}}"

static struct web *the_web;
static void *the_control;

static bool find_no_old_run(void *data, const char *file, char *control, char *results, size_t size)
{
    (void)data;
    (void)file;
    (void)control;
    (void)results;
    (void)size;
    return false;
}

static void begin(void)
{
    struct error error = {0};
    void *const context = zmq_ctx_new();
    the_web = calloc(1, sizeof *the_web);
    fuzz_require(the_web != NULL && uv_loop_init(&the_web->loop) == 0);
    the_web->service = (struct web_service){
        .results_endpoint = "inproc://results",
        .control_endpoint = "inproc://control",
        .changes_state = control_command_changes_state,
        .find_old_run = find_no_old_run,
    };
    snprintf(the_web->token, sizeof the_web->token, "%s", TOKEN);
    the_control = zmq_socket(context, ZMQ_ROUTER);
    fuzz_require(zmq_bind(the_control, "inproc://control") == 0);
    fuzz_require(web_source_open_live(the_web, context, &error) == 0 &&
                 web_source_start_live(the_web) == 0);
}

/* Every request that was let through was this viewer's to make. */
static void look_at_requests(bool may_control)
{
    zmq_msg_t part;
    zmq_msg_init(&part);
    while (zmq_msg_recv(&part, the_control, ZMQ_DONTWAIT) >= 0) {
        if (zmq_msg_more(&part)) /* whose it is */
            continue;
        json_t *const body = json_loadb(zmq_msg_data(&part), zmq_msg_size(&part), 0, NULL);
        const char *const command = json_string_value(json_object_get(body, "cmd"));
        fuzz_require(json_is_object(body));
        fuzz_require(may_control || !command ||
                     !control_command_changes_state(command, json_object_get(body, "args")));
        json_decref(body);
    }
    zmq_msg_close(&part);
}

static void look_at_viewer(const struct viewer *viewer)
{
    fuzz_require(viewer->n_topics <= VIEWER_MAX_TOPICS);
    for (size_t i = 0; i < viewer->n_topics; i++)
        fuzz_require(strlen(viewer->topics[i]) < BRIDGE_TOPIC_SIZE);
    for (const char *c = viewer->name; *c; c++)
        fuzz_require(*c > ' ' && *c < 127);
}

static void say(struct viewer *viewer, const uint8_t *bytes, size_t size)
{
    uint8_t *const exact = fuzz_copy(bytes, size);
    (void)viewer_take_text(viewer, (const char *)exact, size);
    free(exact);
    look_at_viewer(viewer);
}

static bool is_hello(const uint8_t *bytes, size_t size)
{
    json_t *const body = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
    const bool is = json_is_object(json_object_get(body, "hello"));
    json_decref(body);
    return is;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!the_web)
        begin();
    log_set_level(LOG_LEVEL_ERROR);
    const uint8_t *line = bytes, *const end = bytes + size;
    struct viewer *const viewer = viewer_create(the_web, NULL);
    fuzz_require(viewer != NULL);
    for (bool first = true; line < end; first = false) {
        const uint8_t *const newline = memchr(line, '\n', (size_t)(end - line));
        const size_t length = (size_t)((newline ? newline : end) - line);
        if (first && !is_hello(line, length))
            say(viewer, (const uint8_t *)HELLO, sizeof HELLO - 1);
        say(viewer, line, length);
        if (!viewer->greeted) /* it asked for an old run, and none is open */
            break;
        look_at_requests(viewer->may_control);
        line += length + 1;
    }
    viewer_gone(viewer);
    uv_run(&the_web->loop, UV_RUN_NOWAIT);
    return 0;
}
