#include "daemon/control/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/log.h"

struct request {
    void *socket;
    json_t *id;
    bool has_empty_frame;
    const char *command; /* borrowed; NULL: not known */
    json_t *counts;      /* borrowed; NULL: nowhere */
    const void *part;    /* borrowed */
    size_t part_size;
    size_t identity_size;
    char identity[256];
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
static void send_part(struct request *request, const void *bytes, size_t size, bool more)
{
    zmq_send(request->socket, bytes, size, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
}

static void reply(struct request *request, json_t *body, const struct reply_part *parts,
                  unsigned n_parts)
{
    json_object_set(body, "id", request->id ? request->id : json_null());
    char *const text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text) {
        send_part(request, request->identity, request->identity_size, true);
        if (request->has_empty_frame)
            send_part(request, "", 0, true);
        send_part(request, text, strlen(text), n_parts > 0);
        for (unsigned i = 0; i < n_parts; i++)
            send_part(request, parts[i].bytes, parts[i].size, i + 1 < n_parts);
    } else {
        log_error("control", "a reply could not be made: no memory");
    }
    free(text);
    json_decref(body);
    json_decref(request->id);
    free(request);
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

void request_fail(struct request *request, const char *code, const char *field, const char *format,
                  ...)
{
    char message[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    json_t *const error = json_pack("{s:s, s:s}", "code", code, "message", message);
    if (field)
        json_object_set_new(error, "field", json_string(field));
    count(request, code);
    reply(request, json_pack("{s:b, s:o}", "ok", 0, "error", error), NULL, 0);
}

void request_abandon(struct request *request)
{
    json_decref(request->id);
    free(request);
}
