#include "daemon/control/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"
#include "daemon/control/operations.h"

struct request {
    void *socket; /* NULL: it is the daemon's own */
    void (*replied)(void *data, const json_t *reply);
    void *replied_data;
    struct operations *operations; /* it went to the background; NULL: it did not */
    char operation[OPERATION_ID_SIZE];
    json_t *id;
    bool has_empty_frame;
    const char *command; /* borrowed; NULL: not known */
    json_t *counts;      /* borrowed; NULL: nowhere */
    const void *part;    /* borrowed */
    size_t part_size;
    const char *lease_token; /* borrowed */
    struct caller caller;
    size_t identity_size;
    char identity[LEASE_IDENTITY_MAX];
};

struct request *request_create(void *socket, const void *identity, size_t identity_size,
                               bool has_empty_frame)
{
    struct request *const request = calloc(1, sizeof *request);
    if (!request || identity_size > sizeof request->identity) {
        free(request);
        return NULL;
    }
    request->socket = socket;
    request->has_empty_frame = has_empty_frame;
    request->identity_size = identity_size;
    memcpy(request->identity, identity, identity_size);
    return request;
}

struct request *request_create_internal(void (*replied)(void *data, const json_t *reply),
                                        void *data)
{
    struct request *const request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->replied = replied;
    request->replied_data = data;
    request->caller = (struct caller){.role = ROLE_EXPERT, .local = true};
    return request;
}

bool request_is_internal(const struct request *request)
{
    return request->replied != NULL;
}

void request_set_part(struct request *request, const void *bytes, size_t size)
{
    request->part = bytes;
    request->part_size = size;
}

const void *request_part(const struct request *request, size_t *size)
{
    *size = request->part_size;
    return request->part;
}

void request_set_caller(struct request *request, const struct caller *caller)
{
    request->caller = *caller;
}

const struct caller *request_caller(const struct request *request)
{
    return &request->caller;
}

void request_set_lease_token(struct request *request, const char *token)
{
    request->lease_token = token;
}

struct lease_claim request_lease_claim(const struct request *request)
{
    return (struct lease_claim){request->identity, request->identity_size, request->lease_token};
}

void request_set_id(struct request *request, json_t *id)
{
    json_decref(request->id);
    request->id = id;
}

void request_count_in(struct request *request, const char *command, json_t *counts)
{
    request->command = command;
    request->counts = counts;
}

static void count(const struct request *request, const char *result)
{
    const char *const command = request->command ? request->command : "unknown";
    json_t *results = json_object_get(request->counts, command);
    if (!results && request->counts) {
        results = json_object();
        json_object_set_new(request->counts, command, results);
    }
    const json_int_t before = json_integer_value(json_object_get(results, result));
    json_object_set_new(results, result, json_integer(before + 1));
}

/* A client that has gone away, or does not read, loses its reply; nobody else does. */
static void send_part(void *socket, const void *bytes, size_t size, bool more)
{
    zmq_send(socket, bytes, size, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
}

static void send_address(void *socket, const void *identity, size_t identity_size,
                         bool has_empty_frame)
{
    send_part(socket, identity, identity_size, true);
    if (has_empty_frame)
        send_part(socket, "", 0, true);
}

/* From the stack; an id that is longer than any client's is left out. */
static void send_no_memory(void *socket, const json_t *id)
{
    char known[200], text[400];
    const size_t n = id ? json_dumpb(id, known, sizeof known, JSON_COMPACT | JSON_ENCODE_ANY) : 0;
    const int size = snprintf(
        text, sizeof text,
        "{\"ok\":false,\"error\":{\"code\":\"internal\",\"message\":\"merlind has no memory for "
        "this "
        "request or its reply: free some on its computer and ask again\"},\"id\":%.*s}",
        n > 0 && n <= sizeof known ? (int)n : 4, n > 0 && n <= sizeof known ? known : "null");
    send_part(socket, text, (size_t)size, false);
}

void request_refuse_unread(void *socket, const void *identity, size_t identity_size,
                           bool has_empty_frame, const void *body, size_t size)
{
    json_t *const request = json_loadb(body, size, 0, NULL);
    send_address(socket, identity, identity_size, has_empty_frame);
    send_no_memory(socket, json_object_get(request, "id"));
    json_decref(request);
    log_error("control", "a request was refused unread: no memory");
}

static void send_reply(struct request *request, const json_t *body, const struct reply_part *parts,
                       unsigned n_parts)
{
    char *const text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(9));
    void *const socket = request->socket;
    send_address(socket, request->identity, request->identity_size, request->has_empty_frame);
    if (text) {
        send_part(socket, text, strlen(text), n_parts > 0);
        for (unsigned i = 0; i < n_parts; i++)
            send_part(socket, parts[i].bytes, parts[i].size, i + 1 < n_parts);
    } else {
        send_no_memory(socket, request->id);
        log_error("control", "a reply could not be made: no memory");
    }
    free(text);
}

static void reply(struct request *request, json_t *body, const struct reply_part *parts,
                  unsigned n_parts)
{
    json_object_set(body, "id", request->id ? request->id : json_null());
    if (request->operations)
        operations_end(request->operations, request->operation, body, parts, n_parts);
    else if (request->replied)
        request->replied(request->replied_data, body);
    else
        send_reply(request, body, parts, n_parts);
    json_decref(body);
    json_decref(request->id);
    free(request);
}

bool request_to_background(struct request *request, struct operations *operations,
                           const char *command)
{
    if (operations_begin(operations, command, request->operation) < 0) {
        request_fail(request, "busy", NULL, "%d operations are going on already: wait for one",
                     OPERATIONS_MAX);
        return false;
    }
    json_t *const body =
        json_pack("{s:b, s:{s:s}, s:O}", "ok", 1, "result", "operation", request->operation, "id",
                  request->id ? request->id : json_null());
    send_reply(request, body, NULL, 0);
    json_decref(body);
    request->operations = operations;
    return true;
}

void request_succeed(struct request *request, json_t *result, const struct reply_part *parts,
                     unsigned n_parts)
{
    if (!result) {
        request_fail(request, "internal", NULL, "no memory for the reply");
        return;
    }
    count(request, "ok");
    reply(request, json_pack("{s:b, s:o}", "ok", 1, "result", result), parts, n_parts);
}

/* A client's word in a sentence may have been cut in the middle of a character; as it is, that
 * would be no UTF-8, and no reply. */
static void mend_cut_characters(char *text)
{
    for (char *at = text; *at;) {
        const unsigned char lead = (unsigned char)*at;
        const size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        size_t n = 1;
        while (n < length && ((unsigned char)at[n] & 0xc0) == 0x80)
            n++;
        if (n < length)
            memset(at, '?', n);
        at += n;
    }
}

void request_fail(struct request *request, const char *code, const char *field, const char *format,
                  ...)
{
    char message[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    mend_cut_characters(message);
    json_t *const error = json_pack("{s:s, s:s}", "code", code, "message", message);
    if (field) {
        char place[200];
        snprintf(place, sizeof place, "%s", field);
        mend_cut_characters(place);
        json_object_set_new(error, "field", json_string(place));
    }
    count(request, code);
    reply(request, json_pack("{s:b, s:o}", "ok", 0, "error", error), NULL, 0);
}

void request_abandon(struct request *request)
{
    json_decref(request->id);
    free(request);
}
