#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/name_template.h"
#include "daemon/control/commands.h"

/* The arguments of start. */

static bool take_mode(struct request *request, const json_t *args, struct acquisition_start *start)
{
    const json_t *const mode = json_object_get(args, "mode");
    const char *const text = mode ? json_string_value(mode) : "active";
    start->passive = text && strcmp(text, "passive") == 0;
    start->view = text && strcmp(text, "view") == 0;
    if (start->passive || start->view || (text && strcmp(text, "active") == 0))
        return true;
    request_fail(request, "bad_value", "args.mode",
                 "mode must be \"active\", \"passive\" or \"view\"");
    return false;
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

static bool take_flyback(struct request *request, const json_t *args,
                         struct acquisition_start *start)
{
    const json_t *const flyback = json_object_get(args, "flyback");
    if (!flyback)
        return true;
    start->find_lines =
        json_is_string(flyback) && strcmp(json_string_value(flyback), "exposure") == 0;
    if (!start->find_lines)
        request_fail(request, "bad_value", "args.flyback",
                     "flyback must be \"exposure\"; how many frames it has is told in skip.line");
    return start->find_lines;
}

static bool take_switches(struct request *request, const json_t *args,
                          struct acquisition_start *start)
{
    const json_t *const recording = json_object_get(args, "recording");
    const char *const ask = json_string_value(recording);
    if (recording && !json_is_boolean(recording) && !(ask && strcmp(ask, "ask") == 0)) {
        request_fail(request, "bad_value", "args.recording",
                     "recording must be true, false or \"ask\"");
        return false;
    }
    start->recording = !recording ? -1 : ask ? 2 : json_is_true(recording);
    start->parameters = json_object_get(args, "parameters");
    if (start->parameters && !json_is_object(start->parameters)) {
        request_fail(request, "bad_value", "args.parameters",
                     "parameters must be an object of detector parameters and their values");
        return false;
    }
    return true;
}

/* Numbers and words by name. */
static bool take_labels(struct request *request, json_t *args, struct acquisition_start *start)
{
    json_t *const labels = json_object_get(args, "labels"), *value;
    const char *name;
    if (!labels)
        return true;
    bool good = json_is_object(labels);
    json_object_foreach(labels, name, value) good =
        good && (json_is_string(value) || json_is_number(value));
    char *const text = good ? json_dumps(labels, JSON_COMPACT) : NULL;
    good = text && strlen(text) < sizeof start->labels;
    if (good && json_object_size(labels) > 0)
        memcpy(start->labels, text, strlen(text) + 1);
    free(text);
    if (!good)
        request_fail(request, "bad_value", "args.labels",
                     "labels must be an object of numbers and texts, as in {\"strain\": 8}, of at "
                     "most %zu bytes",
                     sizeof start->labels - 1);
    return good;
}

static bool take_directory(struct request *request, const json_t *args,
                           struct acquisition_start *start)
{
    const json_t *const directory = json_object_get(args, "directory");
    const char *const path = json_string_value(directory);
    if (!directory)
        return true;
    if (path && path[0] == '/' && strlen(path) < sizeof start->directory) {
        strcpy(start->directory, path);
        return true;
    }
    request_fail(request, "bad_value", "args.directory", "directory must be an absolute path");
    return false;
}

static bool take_name(struct request *request, const json_t *args, struct acquisition_start *start)
{
    const json_t *const name = json_object_get(args, "name");
    const char *const text = json_string_value(name);
    struct error error = {0};
    if (!name)
        return true;
    if (text && name_template_check(text, &error) == 0) {
        strcpy(start->name, text);
        return true;
    }
    request_fail(request, "bad_value", "args.name", "%s",
                 text ? error.text : "name must be a text such as \"{date}/{sample}_{run:04}\"");
    return false;
}

/* The list of positions is ours until the answer. */
struct start_call {
    struct request *request;
    struct scan_list *list; /* NULL: none */
};

static void on_start_answer(void *data, json_t *result, const char *code, const char *field,
                            const struct error *error)
{
    struct start_call *const call = data;
    struct request *const request = call->request;
    scan_list_unref(call->list);
    free(call);
    command_answer(request, result, code, field, error);
}

static void start(const struct control_service *service, struct request *request,
                  const struct acquisition_start *start)
{
    struct start_call *const call = malloc(sizeof *call);
    if (!call) {
        scan_list_unref(start->geometry.scan.list);
        request_fail(request, "internal", NULL, "no memory");
        return;
    }
    *call = (struct start_call){request, start->geometry.scan.list};
    acquisition_start(service->acquisition, start, on_start_answer, call);
}

void command_start(const struct control_service *service, struct request *request, json_t *args)
{
    struct acquisition_start asked = {.trigger = TRIGGER_INTERNAL};
    if (!take_mode(request, args, &asked) || !take_trigger(request, args, &asked) ||
        !take_preset(request, args, &asked) || !take_flyback(request, args, &asked) ||
        !take_switches(request, args, &asked) || !take_directory(request, args, &asked) ||
        !take_name(request, args, &asked) || !take_labels(request, args, &asked) ||
        !command_take_geometry(request, args, &asked.geometry)) /* last: it makes a list */
        return;
    if (json_object_get(args, "skip")) /* what is left out of it is 0 */
        asked.geometry.skip_start_given = asked.geometry.skip_line_given =
            asked.geometry.skip_end_given = true;
    start(service, request, &asked);
}
