#include "daemon/control/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"
#include "daemon/bind_error.h"
#include "daemon/config/config_keys.h"
#include "daemon/control/lease.h"
#include "daemon/control/operations.h"
#include "daemon/control/request.h"
#include "daemon/control/request_rate.h"
#include "daemon/control/request_text.h"
#include "daemon/control/scan_series.h"
#include "daemon/key_ring.h"
#include "daemon/results/result_list.h"
#include "daemon/zmq_message.h"
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
    struct lease lease;
    struct scan_series series;
    struct operations operations;
    struct request_rate rate;
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

/* The first member of args that the command does not know; NULL: it knows all. */
static const char *unknown_argument(const struct command *command, json_t *args)
{
    const char *name;
    json_t *value;
    json_object_foreach(args, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof command->members / sizeof *command->members; i++)
            known |= command->members[i] && strcmp(name, command->members[i]) == 0;
        if (!known)
            return name;
    }
    return NULL;
}

/* With what the command takes, so that a name that is nearly right is found. */
static void refuse_argument(struct request *request, const struct command *command,
                            const char *name)
{
    char field[128];
    json_t *const names = json_array();
    char known[400];
    for (size_t i = 0; i < sizeof command->members / sizeof *command->members; i++) {
        if (command->members[i])
            json_array_append_new(names, json_string(command->members[i]));
    }
    result_list_tell(names, known, sizeof known);
    snprintf(field, sizeof field, "args.%.64s", name);
    request_fail(request, "bad_request", field, "%s has no argument %.64s: it takes %s",
                 command->name, name, known);
}

static void refuse_command(struct request *request, const char *name)
{
    const char *names[128];
    char suggestion[100];
    size_t n = 0;
    for (const struct command *command = commands; command->name && n < 128; command++)
        names[n++] = command->name;
    config_suggestion(name, names, n, suggestion, sizeof suggestion);
    request_fail(request, "unknown_command", "cmd", "no command %.64s%s: describe lists them", name,
                 suggestion);
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

/* ---- who may ---- */

static bool has_role(struct request *request, const struct command *command, const json_t *args)
{
    const struct caller *const caller = request_caller(request);
    const char *what;
    const enum client_role needed = command_role(command, args, &what);
    if (caller->role < needed) {
        request_fail(request, "forbidden", NULL,
                     "%s is for the role %s, and %s has the role %s: the file security.clients of "
                     "merlind's configuration gives roles to keys",
                     what ? what : command->name, client_role_name(needed), caller->name,
                     client_role_name(caller->role));
        return false;
    }
    if (what)
        log_notice("control", "%s asked by %s, an %s", what, caller->name,
                   client_role_name(caller->role));
    return true;
}

/* A change is the holder's alone while somebody holds the lease, and a token of a lease that has
 * ended is refused, so that its owner learns of it before anything happens. */
static bool has_lease(struct control *control, struct request *request,
                      const struct command *command, const json_t *args)
{
    struct lease *const lease = &control->lease;
    const struct lease_claim claim = request_lease_claim(request);
    if (lease_is_holder(lease, &claim)) {
        lease_renew(lease);
        return true;
    }
    if (!command_changes(command, args))
        return true;
    if (lease_is_held(lease)) {
        request_fail(request, "lease", NULL,
                     "%s holds control, for %.0f s more without a word from there: wait, have it "
                     "released, or take it over on merlind's own computer (merlinctl lease take "
                     "--force)",
                     lease->name, lease_seconds_left(lease));
        return false;
    }
    if (claim.token) {
        request_fail(request, "lease", "lease",
                     "this lease has lapsed or was taken over: take it again");
        return false;
    }
    return true;
}

/* A process that shows an old run measures nothing and changes nothing that is kept. */
static bool is_for_us(struct control *control, struct request *request,
                      const struct command *command)
{
    if (!control->service.shows_old_run || !command->of_detector)
        return true;
    request_fail(request, "forbidden", NULL,
                 "%s is for the merlind that measures: this is an old run, which can be looked at "
                 "and analysed again and stays as it is",
                 command->name);
    return false;
}

static void carry_out(struct control *control, struct request *request,
                      const struct request_text *text, int n_parts)
{
    const struct command *const command = find_command(text->command);
    if (!command) {
        refuse_command(request, text->command);
        return;
    }
    request_count_in(request, command->name, control->counts);
    const char *const extra = unknown_argument(command, text->args);
    if (extra) {
        refuse_argument(request, command, extra);
        return;
    }
    if (!check_parts(request, command, n_parts))
        return;
    json_t *const args = text->args ? json_incref(text->args) : json_object();
    if (is_for_us(control, request, command) && has_role(request, command, args) &&
        has_lease(control, request, command, args) &&
        (!text->background || request_to_background(request, &control->operations, command->name)))
        command->run(&control->service, request, args);
    json_decref(args);
}

static void take_request(struct control *control, struct request *request, const char *bytes,
                         size_t size, int n_parts)
{
    struct request_text text;
    struct request_fault fault;
    const int r = request_text_init(&text, bytes, size, &fault);
    request_set_id(request, json_incref(text.id));
    request_set_lease_token(request, text.lease);
    const struct lease_claim claim = request_lease_claim(request);
    if (r < 0)
        request_fail(request, "bad_request", fault.field, "%s", fault.message);
    else if (!request_rate_take(&control->rate, claim.identity, claim.identity_size))
        request_fail(request, "busy", NULL,
                     "more than %g requests a second (control.rate) from one connection: ask less "
                     "often",
                     control->rate.per_second);
    else
        carry_out(control, request, &text, n_parts);
    request_text_finish(&text);
}

/* ---- the socket ---- */

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
    const int n = (int)zmq_message_receive(control->socket, frames, MAX_FRAMES);
    if (n == 0)
        return;
    const bool has_empty_frame = n > 2 && zmq_msg_size(&frames[1]) == 0;
    struct request *const request = request_create(control->socket, zmq_msg_data(&frames[0]),
                                                   zmq_msg_size(&frames[0]), has_empty_frame);
    const int body = has_empty_frame ? 2 : 1;
    if (!request) {
        const bool whole = n > body && zmq_msg_size(&frames[body]) <= MAX_REQUEST;
        request_refuse_unread(control->socket, zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0]),
                              has_empty_frame, whole ? zmq_msg_data(&frames[body]) : "",
                              whole ? zmq_msg_size(&frames[body]) : 0);
    } else {
        request_count_in(request, NULL, control->counts);
        struct caller caller;
        caller_read(&caller, &frames[0], &frames[n > 1 ? 1 : 0]);
        request_set_caller(request, &caller);
        take_frames(control, request, frames, n, body);
    }
    zmq_message_close(frames, (unsigned)n, MAX_FRAMES);
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

static int bind_socket(struct control *control, const char *endpoint, struct error *error)
{
    size_t size = sizeof control->endpoint;
    if (zmq_bind(control->socket, endpoint) != 0)
        return bind_error_set(error, "control.endpoint", endpoint, errno);
    zmq_getsockopt(control->socket, ZMQ_LAST_ENDPOINT, control->endpoint, &size);
    if (zmq_bind(control->socket, CONTROL_INPROC) != 0)
        return error_set(error, -errno, CONTROL_INPROC ": %s", zmq_strerror(errno));
    return 0;
}

static int open_socket(struct control *control, void *zmq_context, const struct config *config,
                       const struct key_ring *ring, struct error *error)
{
    control->socket = zmq_socket(zmq_context, ZMQ_ROUTER);
    if (!control->socket)
        return error_set(error, -errno, "cannot make the control socket: %s", zmq_strerror(errno));
    set_options(control->socket);
    key_ring_protect(ring, control->socket);
    const int r = bind_socket(control, config->control_endpoint, error);
    if (r < 0)
        zmq_close(control->socket);
    return r;
}

/* What the commands have of the service, and of each other. */
static void init_service(struct control *control, const struct config *config,
                         const struct control_service *service)
{
    control->service = *service;
    control->service.lease = &control->lease;
    control->service.operations = &control->operations;
    control->service.series = &control->series;
    control->counts = json_object();
    lease_init(&control->lease, config->control_lease_s);
    request_rate_init(&control->rate, config->control_rate);
    operations_init(&control->operations, &control->service);
}

int control_create(struct control **out, uv_loop_t *loop, void *zmq_context,
                   const struct config *config, const struct key_ring *ring,
                   const struct control_service *service, struct error *error)
{
    struct control *const control = calloc(1, sizeof *control);
    if (!control)
        return error_set(error, -ENOMEM, "no memory");
    init_service(control, config, service);
    int r = open_socket(control, zmq_context, config, ring, error);
    if (r < 0)
        goto free_service;
    r = scan_series_init(&control->series, loop, &control->service);
    if (r < 0) {
        error_set(error, r, "no memory");
        goto close_socket;
    }
    r = zmq_poll_init(&control->poll, loop, control->socket, on_readable, control);
    if (r < 0) {
        error_set(error, r, "cannot watch the control socket");
        goto finish_series;
    }
    *out = control;
    return 0;

finish_series:
    scan_series_finish(&control->series);
close_socket:
    zmq_close(control->socket);
free_service:
    operations_finish(&control->operations);
    json_decref(control->counts);
    free(control);
    return r;
}

static void on_poll_closed(void *data)
{
    struct control *const control = data;
    zmq_close(control->socket);
    json_decref(control->counts);
    operations_finish(&control->operations);
    free(control);
}

void control_destroy(struct control *control)
{
    if (!control)
        return;
    scan_series_finish(&control->series);
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

void control_state_changed(struct control *control)
{
    scan_series_watch(&control->series);
}

json_t *control_lease(const struct control *control)
{
    return lease_json(&control->lease);
}
