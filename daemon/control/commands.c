#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/array_parts.h"
#include "daemon/control/request.h"
#include "daemon/start_parameters.h"
#include "daemon/version.h"

#define MAX_SCAN_SIDE 65536

/* ---- arguments ---- */

/* An optional member of args that must be an unsigned integer. Returns false after having refused
 * the request. */
static bool take_count(struct request *request, const json_t *object, const char *member,
                       const char *field, uint64_t limit, uint64_t *value)
{
    const json_t *const json = json_object_get(object, member);
    if (!json)
        return true;
    const json_int_t number = json_integer_value(json);
    if (!json_is_integer(json) || number < 0 || (uint64_t)number > limit) {
        request_fail(request, "bad_value", field,
                     "%s must be a whole number of frames from 0 to %" PRIu64, field, limit);
        return false;
    }
    *value = (uint64_t)number;
    return true;
}

static bool take_skip(struct request *request, const json_t *args, struct acquisition_start *start)
{
    struct scan_geometry *const scan = &start->scan;
    const json_t *const skip = json_object_get(args, "skip");
    if (!skip)
        return true;
    start->skip_given = true;
    const char *member;
    json_t *value;
    json_object_foreach((json_t *)skip, member, value)
    {
        if (strcmp(member, "start") != 0 && strcmp(member, "line") != 0 &&
            strcmp(member, "end") != 0) {
            request_fail(request, "bad_request", "args.skip", "skip has no member %s", member);
            return false;
        }
    }
    uint64_t line = scan->skip_line;
    if (!json_is_object(skip)) {
        request_fail(request, "bad_value", "args.skip",
                     "skip must be an object with start, line and end");
        return false;
    }
    if (!take_count(request, skip, "start", "args.skip.start", UINT32_MAX, &scan->skip_start) ||
        !take_count(request, skip, "line", "args.skip.line", MAX_SCAN_SIDE, &line) ||
        !take_count(request, skip, "end", "args.skip.end", UINT32_MAX, &scan->skip_end))
        return false;
    scan->skip_line = (uint32_t)line;
    return true;
}

static bool take_scan(struct request *request, const json_t *args, struct acquisition_start *start)
{
    const json_t *const scan = json_object_get(args, "scan");
    if (!scan)
        return true;
    const json_int_t ny = json_integer_value(json_array_get(scan, 0));
    const json_int_t nx = json_integer_value(json_array_get(scan, 1));
    if (json_array_size(scan) != 2 || ny < 1 || nx < 1 || ny > MAX_SCAN_SIDE ||
        nx > MAX_SCAN_SIDE) {
        request_fail(request, "bad_value", "args.scan",
                     "scan must be [ny, nx], each a whole number from 1 to %d", MAX_SCAN_SIDE);
        return false;
    }
    start->scan_given = true;
    start->scan.ny = (uint32_t)ny;
    start->scan.nx = (uint32_t)nx;
    return true;
}

static bool take_mode(struct request *request, const json_t *args, struct acquisition_start *start)
{
    const json_t *const mode = json_object_get(args, "mode");
    const char *const text = mode ? json_string_value(mode) : "active";
    if (!text || (strcmp(text, "active") != 0 && strcmp(text, "passive") != 0)) {
        request_fail(request, "bad_value", "args.mode", "mode must be \"active\" or \"passive\"");
        return false;
    }
    start->passive = strcmp(text, "passive") == 0;
    return true;
}

static bool take_preset(struct request *request, const json_t *args,
                        struct acquisition_start *start)
{
    const json_t *const preset = json_object_get(args, "preset");
    if (!preset)
        return true;
    start->preset = json_is_string(preset) ? preset_find(json_string_value(preset)) : NULL;
    if (!start->preset) {
        request_fail(request, "bad_value", "args.preset",
                     "preset must be line-trigger, pixel-trigger, single-start, soft or internal");
        return false;
    }
    if (start->passive) {
        request_fail(request, "bad_value", "args.preset",
                     "a passive run leaves the detector alone: it has no preset");
        return false;
    }
    return true;
}

static bool take_trigger(struct request *request, const json_t *args,
                         struct acquisition_start *start)
{
    const json_t *const trigger = json_object_get(args, "trigger");
    if (!trigger)
        return true;
    if (!json_is_string(trigger) ||
        !trigger_from_name(json_string_value(trigger), &start->trigger)) {
        request_fail(request, "bad_value", "args.trigger",
                     "trigger must be internal, rising-ttl, falling-ttl, rising-lvds, "
                     "falling-lvds or soft");
        return false;
    }
    start->trigger_given = true;
    return true;
}

static bool take_switches(struct request *request, const json_t *args,
                          struct acquisition_start *start)
{
    const json_t *const recording = json_object_get(args, "recording");
    if (recording && !json_is_boolean(recording)) {
        request_fail(request, "bad_value", "args.recording", "recording must be true or false");
        return false;
    }
    start->recording = recording ? json_is_true(recording) : -1;
    start->parameters = json_object_get(args, "parameters");
    if (start->parameters && !json_is_object(start->parameters)) {
        request_fail(request, "bad_value", "args.parameters",
                     "parameters must be an object of detector parameters and their values");
        return false;
    }
    return true;
}

/* ---- commands ---- */

static void on_answer(void *data, json_t *result, const char *code, const char *field,
                      const struct error *error)
{
    struct request *const request = data;
    if (code)
        request_fail(request, code, field, "%s", error->text);
    else
        request_succeed(request, result, NULL, 0);
}

static void run_ping(const struct control_service *service, struct request *request, json_t *args)
{
    (void)service;
    (void)args;
    request_succeed(request,
                    json_pack("{s:s, s:i}", "version", MERLIND_VERSION, "pid", (int)getpid()), NULL,
                    0);
}

static json_t *describe_parameter(const struct detector_parameter *parameter)
{
    char range[320];
    detector_parameter_range(parameter, range, sizeof range);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}", "name", parameter->name, "access",
                     detector_access_name(parameter->access), "type",
                     detector_type_name(parameter->type), "unit",
                     parameter->unit ? parameter->unit : "", "range", range, "dangerous",
                     parameter->dangerous, "text", parameter->text);
}

static void run_describe(const struct control_service *service, struct request *request,
                         json_t *args)
{
    (void)service;
    (void)args;
    json_t *const names = json_array();
    for (const struct command *command = commands; command->name; command++)
        json_array_append_new(names, json_string(command->name));
    json_t *const parameters = json_array();
    for (size_t i = 0; i < detector_n_parameters; i++)
        json_array_append_new(parameters, describe_parameter(&detector_parameters[i]));
    request_succeed(request,
                    json_pack("{s:s, s:o, s:o, s:[s, s, s, s, s]}", "version", MERLIND_VERSION,
                              "commands", names, "parameters", parameters, "topics", "acquisition/",
                              "status/", "map/NAME/", "pattern/sum/", "pattern/latest/"),
                    NULL, 0);
}

static void run_status(const struct control_service *service, struct request *request, json_t *args)
{
    (void)args;
    request_succeed(request, service->status(service->data), NULL, 0);
}

static void run_start(const struct control_service *service, struct request *request, json_t *args)
{
    struct acquisition_start start = {.trigger = TRIGGER_INTERNAL};
    if (!take_mode(request, args, &start) || !take_scan(request, args, &start) ||
        !take_skip(request, args, &start) || !take_trigger(request, args, &start) ||
        !take_preset(request, args, &start) || !take_switches(request, args, &start))
        return;
    acquisition_start(service->acquisition, &start, on_answer, request);
}

static void run_stop(const struct control_service *service, struct request *request, json_t *args)
{
    (void)args;
    acquisition_stop(service->acquisition, on_answer, request);
}

static void run_get(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    if (!name)
        request_fail(request, "bad_value", "args.name", "name must be a parameter of the detector");
    else
        acquisition_get(service->acquisition, name, on_answer, request);
}

static void run_set(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    const json_t *const value = json_object_get(args, "value");
    char text[DETECTOR_VALUE_SIZE];
    if (!name) {
        request_fail(request, "bad_value", "args.name", "name must be a parameter of the detector");
        return;
    }
    if (!start_parameter_text(value, text, sizeof text)) {
        request_fail(request, "bad_value", "args.value",
                     "value must be a number, or a text of at most %d characters",
                     DETECTOR_VALUE_SIZE - 1);
        return;
    }
    acquisition_set(service->acquisition, name, text, on_answer, request);
}

static void run_command(const struct control_service *service, struct request *request,
                        json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    if (!name)
        request_fail(request, "bad_value", "args.name", "name must be a command of the detector");
    else
        acquisition_command(service->acquisition, name, on_answer, request);
}

static struct run *measured_run(const struct control_service *service, struct request *request)
{
    struct run *const run = acquisition_run(service->acquisition);
    if (!run)
        request_fail(request, "no_data", NULL, "nothing was measured yet: start a scan first");
    return run;
}

static void run_map(const struct control_service *service, struct request *request, json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    struct run *const run = measured_run(service, request);
    if (!run)
        return;
    unsigned map;
    const struct product *const product = name ? run_find_map(run, name, &map) : NULL;
    if (!product) {
        request_fail(request, "no_data", "args.name",
                     "no map %s: the run's summary (merlinctl map --list) names those there are",
                     name ? name : "without a name");
        return;
    }
    uint64_t ny, nx;
    struct map_rows rows;
    run_map_shape(run, &ny, &nx);
    if (map_rows_init(&rows, run, product, map, 0, ny) < 0) {
        request_fail(request, "internal", NULL, "no memory for the map");
        return;
    }
    const struct reply_part parts[] = {
        {rows.values, rows.n_values * 8},
        {rows.measured, rows.n_values},
    };
    request_succeed(request, json_incref(rows.header), parts, 2);
    map_rows_finish(&rows);
}

static void run_pattern(const struct control_service *service, struct request *request,
                        json_t *args)
{
    const char *const name = json_string_value(json_object_get(args, "name"));
    struct run *const run = measured_run(service, request);
    if (!run)
        return;
    struct pattern_image pattern;
    if (!name || pattern_image_init(&pattern, run, name) < 0) {
        request_fail(request, "no_data", "args.name",
                     "no pattern %s: there are sum and, once a frame was analysed, latest",
                     name ? name : "without a name");
        return;
    }
    const struct reply_part part = {pattern.image, pattern.size};
    request_succeed(request, json_incref(pattern.header), &part, 1);
    pattern_image_finish(&pattern);
    acquisition_want_images(service->acquisition);
}

static void run_run(const struct control_service *service, struct request *request, json_t *args)
{
    const json_t *const id = json_object_get(args, "id");
    if (id && !json_is_string(id)) {
        request_fail(request, "bad_value", "args.id", "id must be the UUID of a run");
        return;
    }
    json_t *const summary = acquisition_summary(service->acquisition, json_string_value(id));
    if (summary)
        request_succeed(request, summary, NULL, 0);
    else
        request_fail(request, "no_data", id ? "args.id" : NULL,
                     id ? "no run %s among the newest" : "there was no run yet%s",
                     id ? json_string_value(id) : "");
}

static void run_shutdown(const struct control_service *service, struct request *request,
                         json_t *args)
{
    (void)args;
    request_succeed(request, json_object(), NULL, 0);
    service->shut_down(service->data);
}

const struct command commands[] = {
    {"ping", run_ping, {NULL}},
    {"describe", run_describe, {NULL}},
    {"status", run_status, {NULL}},
    {"start", run_start, {"mode", "scan", "skip", "trigger", "preset", "parameters", "recording"}},
    {"stop", run_stop, {NULL}},
    {"get", run_get, {"name"}},
    {"set", run_set, {"name", "value"}},
    {"command", run_command, {"name"}},
    {"map", run_map, {"name"}},
    {"pattern", run_pattern, {"name"}},
    {"run", run_run, {"id"}},
    {"shutdown", run_shutdown, {NULL}},
    {NULL, NULL, {NULL}},
};
