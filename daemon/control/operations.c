#include "daemon/control/operations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/control/request.h"

void operations_init(struct operations *operations, const struct control_service *service)
{
    *operations = (struct operations){.service = service};
}

static void forget(struct operation *operation)
{
    for (unsigned i = 0; i < operation->n_parts; i++)
        free(operation->values[i]);
    free(operation->values);
    free(operation->parts);
    json_decref(operation->reply);
    *operation = (struct operation){0};
}

void operations_finish(struct operations *operations)
{
    for (size_t i = 0; i < OPERATIONS_MAX; i++)
        forget(&operations->list[i]);
}

/* Those that are there move to the front and keep their order. */
static size_t close_gaps(struct operations *operations)
{
    size_t n = 0;
    for (size_t i = 0; i < OPERATIONS_MAX; i++) {
        if (!*operations->list[i].id)
            continue;
        const struct operation moved = operations->list[i];
        operations->list[i] = (struct operation){0};
        operations->list[n++] = moved;
    }
    return n;
}

static struct operation *oldest_over(struct operations *operations)
{
    for (size_t i = 0; i < OPERATIONS_MAX; i++) {
        if (operations->list[i].reply)
            return &operations->list[i];
    }
    return NULL;
}

int operations_begin(struct operations *operations, const char *command, char id[OPERATION_ID_SIZE])
{
    size_t n = close_gaps(operations);
    if (n == OPERATIONS_MAX) {
        struct operation *const old = oldest_over(operations);
        if (!old)
            return -EBUSY;
        forget(old);
        n = close_gaps(operations);
    }
    struct operation *const operation = &operations->list[n];
    snprintf(operation->id, sizeof operation->id, "%llu", ++operations->begun);
    snprintf(operation->command, sizeof operation->command, "%s", command);
    memcpy(id, operation->id, OPERATION_ID_SIZE);
    return 0;
}

static size_t bytes_kept(const struct operations *operations)
{
    size_t bytes = 0;
    for (size_t i = 0; i < OPERATIONS_MAX; i++) {
        for (unsigned j = 0; j < operations->list[i].n_parts; j++)
            bytes += operations->list[i].parts[j].size;
    }
    return bytes;
}

/* false: no memory. */
static bool keep_parts(struct operation *operation, const struct reply_part *parts,
                       unsigned n_parts)
{
    operation->parts = calloc(n_parts + 1, sizeof *operation->parts);
    operation->values = calloc(n_parts + 1, sizeof *operation->values);
    if (!operation->parts || !operation->values)
        return false;
    for (unsigned i = 0; i < n_parts; i++) {
        void *const copy = malloc(parts[i].size + 1);
        if (!copy)
            return false;
        memcpy(copy, parts[i].bytes, parts[i].size);
        operation->values[operation->n_parts] = copy;
        operation->parts[operation->n_parts++] = (struct reply_part){copy, parts[i].size};
    }
    return true;
}

static void tell(const struct operations *operations, const struct operation *operation)
{
    const struct control_service *const service = operations->service;
    const json_t *const error = json_object_get(operation->reply, "error");
    const char *const why = json_string_value(json_object_get(error, "message"));
    char text[400];
    snprintf(text, sizeof text, "operation %s (%s) is over%s%s", operation->id, operation->command,
             why ? ": " : "", why ? why : "");
    service->event(service->data, "operation",
                   json_pack("{s:s, s:n, s:s, s:o}", "event", "operation", "run", "text", text,
                             "operation", operation_json(operation)));
}

void operations_end(struct operations *operations, const char *id, json_t *reply,
                    const struct reply_part *parts, unsigned n_parts)
{
    struct operation *operation = NULL;
    for (size_t i = 0; i < OPERATIONS_MAX && !operation; i++) {
        if (*operations->list[i].id && strcmp(operations->list[i].id, id) == 0)
            operation = &operations->list[i];
    }
    if (!operation)
        return;
    if (!keep_parts(operation, parts, n_parts)) {
        log_error("control", "the arrays of operation %s are lost: no memory", id);
        reply = json_pack("{s:b, s:{s:s, s:s}}", "ok", 0, "error", "code", "internal", "message",
                          "no memory to keep the result");
    } else {
        json_incref(reply);
    }
    /* Without one of their own, what is over is what is oldest. */
    struct operation *old = oldest_over(operations);
    while (old && bytes_kept(operations) > OPERATIONS_MAX_BYTES) {
        forget(old);
        old = oldest_over(operations);
    }
    operation->reply = reply;
    tell(operations, operation);
}

const struct operation *operations_find(const struct operations *operations, const char *id)
{
    for (size_t i = 0; i < OPERATIONS_MAX; i++) {
        if (*operations->list[i].id && strcmp(operations->list[i].id, id) == 0)
            return &operations->list[i];
    }
    return NULL;
}

json_t *operation_json(const struct operation *operation)
{
    json_t *const json = json_pack("{s:s, s:s, s:b, s:b}", "id", operation->id, "command",
                                   operation->command, "over", operation->reply != NULL, "ok",
                                   json_is_true(json_object_get(operation->reply, "ok")));
    json_t *const error = json_object_get(operation->reply, "error");
    if (error)
        json_object_set(json, "error", error);
    return json;
}
