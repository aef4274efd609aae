#include <errno.h>
#include <stdio.h>

#include "daemon/control/commands.h"

/* runs, run_open, run_close: finished recordings, and those that are looked at again. */

#define PAGE_MAX 24
#define OFFSET_MAX (INT64_C(1) << 32)

/* A whole number from 0 to `most`, or left out. */
static bool take_count(struct request *request, const json_t *args, const char *name, int64_t least,
                       int64_t most, uint64_t *count)
{
    char field[32];
    const json_t *const value = json_object_get(args, name);
    if (!value)
        return true;
    if (json_is_integer(value) && json_integer_value(value) >= least &&
        json_integer_value(value) <= most) {
        *count = (uint64_t)json_integer_value(value);
        return true;
    }
    snprintf(field, sizeof field, "args.%s", name);
    request_fail(request, "bad_value", field, "%s must be a whole number from %lld to %lld", name,
                 (long long)least, (long long)most);
    return false;
}

static void answer_runs(void *data, json_t *result, const uint8_t *pictures, size_t size,
                        const struct error *error)
{
    struct request *const request = data;
    const struct reply_part part = {pictures, size};
    if (result)
        request_succeed(request, result, &part, 1);
    else
        request_fail(request, error->code == -EBUSY ? "busy" : "internal", NULL, "%s", error->text);
}

void command_runs(const struct control_service *service, struct request *request, json_t *args)
{
    uint64_t offset = 0, limit = PAGE_MAX;
    if (take_count(request, args, "offset", 0, OFFSET_MAX, &offset) &&
        take_count(request, args, "limit", 1, PAGE_MAX, &limit))
        service->runs->list(service->runs->data, offset, limit, answer_runs, request);
}

static const char *take_file(struct request *request, const json_t *args)
{
    const char *const file = json_string_value(json_object_get(args, "file"));
    if (!file || !*file) {
        request_fail(request, "bad_value", "args.file",
                     "file must be a recording, as runs lists them");
        return NULL;
    }
    return file;
}

void command_run_open(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const file = take_file(request, args);
    if (file)
        service->runs->open(service->runs->data, file, command_answer, request);
}

void command_run_close(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const file = take_file(request, args);
    if (file)
        service->runs->close(service->runs->data, file, command_answer, request);
}
