#include "daemon/control/commands.h"
#include "daemon/control/operations.h"

/* operation: what was sent to the background, or one of it with its result. */

static void answer_all(const struct control_service *service, struct request *request)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < OPERATIONS_MAX; i++) {
        if (*service->operations->list[i].id)
            json_array_append_new(list, operation_json(&service->operations->list[i]));
    }
    request_succeed(request, json_pack("{s:o}", "operations", list), NULL, 0);
}

/* The result with its raw parts, as it would have come. */
static void answer_one(struct request *request, const struct operation *operation)
{
    json_t *const result = json_object_get(operation->reply, "result");
    json_t *const parts = json_object_get(result, "parts");
    json_t *const answer =
        json_pack("{s:o, s:O?}", "operation", operation_json(operation), "result", result);
    if (answer && parts)
        json_object_set(answer, "parts", parts);
    request_succeed(request, answer, operation->parts, operation->n_parts);
}

void command_operation(const struct control_service *service, struct request *request, json_t *args)
{
    const json_t *const id = json_object_get(args, "id");
    const char *const text = json_string_value(id);
    const struct operation *const found = text ? operations_find(service->operations, text) : NULL;
    if (!id)
        answer_all(service, request);
    else if (!text)
        request_fail(request, "bad_value", "args.id", "id must be that of an operation, a text");
    else if (!found)
        request_fail(request, "no_data", "args.id",
                     "there is no operation %.20s (any more): the newest %d are kept, as long as "
                     "their results have 1 GiB at most",
                     text, OPERATIONS_MAX);
    else
        answer_one(request, found);
}
