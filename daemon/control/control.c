#include "daemon/control/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"
#include "daemon/control/request.h"
#include "daemon/zmq_poll.h"

/* The largest request is a start with 4 Mi scan positions, the largest binary part a map. */
#define MAX_REQUEST ((size_t)1 << 26)
/* Without a limit ZeroMQ would take in any amount; what is larger ends the connection. What is
 * between the two is refused with a sentence. */
#define MAX_MESSAGE ((int64_t)1 << 27)
#define MAX_FRAMES 5

struct control {
    void *socket;
    struct zmq_poll poll;
    struct control_service service;
    json_t *counts; /* of answers: {command: {result: number}} */
    char endpoint[256];
};

/* ---- one request ---- */

static const struct command *find_command(const char *name)
{
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

static const char *unknown_member(const json_t *object, const char *const *allowed,
                                  size_t n_allowed)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < n_allowed && allowed[i]; i++)
            known |= strcmp(name, allowed[i]) == 0;
        if (!known)
            return name;
    }
    return NULL;
}

/* What came behind the JSON. */
static bool check_parts(struct request *request, const struct command *command, int n_parts)
{
    size_t size;
    request_part(request, &size);
    if (n_parts == 0 || (n_parts == 1 && command->takes_part && size <= MAX_REQUEST))
        return true;
    if (!command->takes_part)
        request_fail(request, "bad_request", NULL,
                     "%s is one frame of JSON: only maps_put has a binary part", command->name);
    else if (n_parts > 1)
        request_fail(request, "bad_request", NULL, "%s has one binary part, not several",
                     command->name);
    else
        request_fail(request, "bad_request", NULL,
                     "a binary part of %zu bytes is too large: at most %zu", size, MAX_REQUEST);
    return false;
}

static void carry_out(struct control *control, struct request *request, json_t *body, int n_parts)
{
    static const char *const allowed[] = {"id", "cmd", "args"};
    const char *const stranger = unknown_member(body, allowed, 3);
    if (stranger) {
        request_fail(request, "bad_request", stranger,
                     "unknown member %s: a request has id, cmd and args", stranger);
        return;
    }
    const char *const name = json_string_value(json_object_get(body, "cmd"));
    json_t *args = json_object_get(body, "args");
    if (!name || (args && !json_is_object(args))) {
        request_fail(request, "bad_request", name ? "args" : "cmd",
                     "cmd must be a string and args an object");
        return;
    }
    const struct command *const command = find_command(name);
    if (!command) {
        request_fail(request, "unknown_command", "cmd", "no command %s: describe lists them", name);
        return;
    }
    request_count_in(request, command->name, control->counts);
    const char *const extra =
        unknown_member(args, command->members, sizeof command->members / sizeof *command->members);
    if (extra) {
        char field[128];
        snprintf(field, sizeof field, "args.%s", extra);
        request_fail(request, "bad_request", field, "%s has no argument %s", name, extra);
        return;
    }
    if (!check_parts(request, command, n_parts))
        return;
    args = args ? json_incref(args) : json_object();
    command->run(&control->service, request, args);
    json_decref(args);
}

static void take_request(struct control *control, struct request *request, const char *text,
                         size_t size, int n_parts)
{
    json_error_t error;
    json_t *const body = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(body)) {
        request_fail(request, "bad_request", NULL, "not a JSON object: %s (column %d)",
                     body ? "another type" : error.text, body ? 1 : error.column);
        json_decref(body);
        return;
    }
    json_t *const id = json_object_get(body, "id");
    request_set_id(request, json_incref(id));
    carry_out(control, request, body, n_parts);
    json_decref(body);
}

/* ---- the socket ---- */

static int receive_frames(void *socket, zmq_msg_t frames[MAX_FRAMES])
{
    int n = 0;
    bool more = true;
    while (more) {
        zmq_msg_t spare;
        zmq_msg_t *const frame = n < MAX_FRAMES ? &frames[n] : &spare;
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(frame);
            break;
        }
        more = zmq_msg_more(frame);
        if (frame == &spare)
            zmq_msg_close(frame);
        n++;
    }
    return n;
}

/* Frames from `body` on: JSON, then perhaps a binary part. */
static void take_frames(struct control *control, struct request *request, zmq_msg_t *frames, int n,
                        int body)
{
    const size_t size = n > body ? zmq_msg_size(&frames[body]) : 0;
    const int last = n < MAX_FRAMES ? n : MAX_FRAMES;
    if (n <= body || size > MAX_REQUEST) {
        request_fail(request, "bad_request", NULL,
                     "a request is one frame of JSON of at most %zu bytes", MAX_REQUEST);
        return;
    }
    if (body + 1 < last)
        request_set_part(request, zmq_msg_data(&frames[body + 1]), zmq_msg_size(&frames[body + 1]));
    take_request(control, request, zmq_msg_data(&frames[body]), size, n - body - 1);
}

/* Frames: [identity][empty][body] from a REQ, [identity][body] from a plain DEALER. */
static void on_readable(void *data)
{
    struct control *const control = data;
    zmq_msg_t frames[MAX_FRAMES];
    const int n = receive_frames(control->socket, frames);
    if (n == 0)
        return;
    const bool has_empty_frame = n > 2 && zmq_msg_size(&frames[1]) == 0;
    struct request *const request = request_create(control->socket, zmq_msg_data(&frames[0]),
                                                   zmq_msg_size(&frames[0]), has_empty_frame);
    const int body = has_empty_frame ? 2 : 1;
    if (!request) {
        log_error("control", "a request was dropped: no memory");
    } else {
        request_count_in(request, NULL, control->counts);
        take_frames(control, request, frames, n, body);
    }
    for (int i = 0; i < n && i < MAX_FRAMES; i++)
        zmq_msg_close(&frames[i]);
}

static void set_options(void *socket)
{
    const int mandatory = 1, linger = 1000, hwm = 100, handshake_ms = 5000;
    const int64_t max_size = MAX_MESSAGE;
    zmq_setsockopt(socket, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_size, sizeof max_size);
    zmq_setsockopt(socket, ZMQ_HANDSHAKE_IVL, &handshake_ms, sizeof handshake_ms);
}

int control_create(struct control **out, uv_loop_t *loop, void *zmq_context, const char *endpoint,
                   const struct control_service *service, struct error *error)
{
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return error_set(error, -ENOMEM, "no memory");
    control->service = *service;
    control->counts = json_object();
    int r = -ENOMEM;
    control->socket = zmq_socket(zmq_context, ZMQ_ROUTER);
    if (!control->socket) {
        error_set(error, r, "cannot make the control socket");
        goto fail;
    }
    set_options(control->socket);
    if (zmq_bind(control->socket, endpoint) != 0) {
        r = error_set(
            error, -errno,
            "control.endpoint %s: %s: is another merlind running? choose another port with "
            "-o control.endpoint=...",
            endpoint, zmq_strerror(errno));
        goto fail;
    }
    size_t size = sizeof control->endpoint;
    zmq_getsockopt(control->socket, ZMQ_LAST_ENDPOINT, control->endpoint, &size);
    if (zmq_bind(control->socket, CONTROL_INPROC) != 0) {
        r = error_set(error, -errno, CONTROL_INPROC ": %s", zmq_strerror(errno));
        goto fail;
    }
    r = zmq_poll_init(&control->poll, loop, control->socket, on_readable, control);
    if (r < 0) {
        error_set(error, r, "cannot watch the control socket");
        goto fail;
    }
    *out = control;
    return 0;

fail:
    if (control->socket)
        zmq_close(control->socket);
    json_decref(control->counts);
    free(control);
    return r;
}

static void on_poll_closed(void *data)
{
    struct control *const control = data;
    zmq_close(control->socket);
    json_decref(control->counts);
    free(control);
}

void control_destroy(struct control *control)
{
    if (control)
        zmq_poll_close(&control->poll, on_poll_closed);
}

const char *control_endpoint(const struct control *control)
{
    return control->endpoint;
}

json_t *control_counts(const struct control *control)
{
    return json_deep_copy(control->counts);
}
