#include "daemon/acquisition/parameter_request.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "detector/parameters.h"

struct parameter_request {
    struct parameter_link link;
    const struct detector_parameter *parameter; /* NULL: not in the table */
    acquisition_answer_fn answer;
    void *data;
    enum command_type type; /* of what is under way: a SET is followed by its read-back */
    char name[DETECTOR_NAME_SIZE];
    char value[DETECTOR_VALUE_SIZE]; /* that is set, "" otherwise */
};

/* The detector's texts are Latin-1 (a micro sign in a unit), JSON is UTF-8. */
static json_t *json_from_latin1(const char *text)
{
    char utf8[2100];
    size_t n = 0;
    for (; *text && n + 2 < sizeof utf8; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c >= 0x80)
            utf8[n++] = (char)(0xc0 | c >> 6);
        utf8[n++] = c < 0x80 ? (char)c : (char)(0x80 | (c & 0x3f));
    }
    return json_stringn(utf8, n);
}

static void answer_parameter(struct parameter_request *request, const char *value)
{
    const struct detector_parameter *const parameter = request->parameter;
    json_t *const result = json_pack("{s:s}", "name", request->name);
    if (request->type != COMMAND_CMD)
        json_object_set_new(result, "value", json_from_latin1(value));
    if (parameter && parameter->unit)
        json_object_set_new(result, "unit", json_string(parameter->unit));
    if (parameter)
        json_object_set_new(result, "text", json_string(parameter->text));
    request->answer(request->data, result, NULL, NULL, NULL);
    free(request);
}

static void refuse_parameter(struct parameter_request *request, const char *code, const char *field,
                             int status, const char *text)
{
    struct error error = {0};
    error_set(&error, status, "%s: %s", request->name, text);
    request->answer(request->data, NULL, code, field, &error);
    free(request);
}

/* ---- what goes out and comes back ---- */

/* After a command the detector may be anything; but these leave its settings alone. */
static bool keeps_settings(const char *command)
{
    return strcasecmp(command, "SOFTTRIGGER") == 0 || strcasecmp(command, "STOPACQUISITION") == 0 ||
           strcasecmp(command, "READCHIPTEMPS") == 0;
}

/* What is known of the detector when a SET was understood. */
static void note_set(struct parameter_request *request)
{
    struct detector_settings *const known = request->link.known;
    if (!request->parameter)
        detector_settings_clear(known);
    else if (request->parameter->group == DETECTOR_GROUP_MODE)
        detector_settings_drop_after_mode(known);
}

static void note_value(const struct parameter_request *request, const char *value)
{
    if (!request->parameter || request->parameter->access != DETECTOR_READ_WRITE)
        return;
    detector_settings_put(request->link.known, request->name, value);
    if (*request->value && !detector_values_equal(request->value, value))
        log_warning("detector", "%s was set to %s and reads back as %s", request->name,
                    request->value, value);
}

static void on_parameter_reply(void *data, const struct command_reply *reply)
{
    struct parameter_request *const request = data;
    const bool changes = request->type != COMMAND_GET;
    if (changes && (reply->status < 0 || reply->code != COMMAND_CODE_OK))
        detector_settings_clear(request->link.known);
    if (reply->status < 0) {
        refuse_parameter(request, reply->status == -ENOTCONN ? "not_connected" : "detector", NULL,
                         reply->status, strerror(-reply->status));
    } else if (reply->code != COMMAND_CODE_OK) {
        refuse_parameter(request, "detector", NULL, -EPROTO, command_code_text(reply->code));
    } else if (request->type == COMMAND_SET) {
        note_set(request);
        request->type = COMMAND_GET;
        const int r = command_client_send(request->link.client, COMMAND_GET, request->name, NULL,
                                          on_parameter_reply, request);
        if (r < 0)
            refuse_parameter(request, "not_connected", NULL, r,
                             "it was set, but cannot be read back");
    } else {
        if (request->type == COMMAND_GET)
            note_value(request, reply->value);
        else if (!keeps_settings(request->name))
            detector_settings_clear(request->link.known);
        answer_parameter(request, reply->value);
    }
}

/* ---- what is let through ---- */

static bool parameter_name_valid(const char *name)
{
    if (!*name || strlen(name) >= sizeof(((struct parameter_request *)0)->name))
        return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    }
    return true;
}

static struct parameter_request *create_request(const struct parameter_link *link, const char *name,
                                                acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    if (!parameter_name_valid(name)) {
        error_set(&error, -EINVAL, "a name is letters, digits and _, for example ACQUISITIONTIME");
        answer(data, NULL, "bad_value", "args.name", &error);
        return NULL;
    }
    struct parameter_request *const request = calloc(1, sizeof *request);
    if (!request) {
        error_set(&error, -ENOMEM, "no memory");
        answer(data, NULL, "internal", NULL, &error);
        return NULL;
    }
    request->link = *link;
    request->answer = answer;
    request->data = data;
    snprintf(request->name, sizeof request->name, "%s", name);
    return request;
}

static void send_request(struct parameter_request *request, enum command_type type)
{
    request->type = type;
    const int r = command_client_send(request->link.client, type, request->name,
                                      type == COMMAND_SET ? request->value : NULL,
                                      on_parameter_reply, request);
    if (r < 0)
        refuse_parameter(request, r == -EINVAL ? "bad_value" : "not_connected", NULL, r,
                         strerror(-r));
}

/* Frees the request and returns false when it is refused. */
static bool permit(struct parameter_request *request, bool is_set)
{
    if (!request->parameter) {
        log_info("detector", "merlind does not know %s: it is sent unchecked", request->name);
        return true;
    }
    if (!request->parameter->dangerous)
        return true;
    if (!request->link.allow_dangerous) {
        refuse_parameter(
            request, "forbidden", "args.name", -EPERM,
            "this can damage the detector, its calibration or its connections: to allow "
            "it set detector.allow_dangerous: true in merlind's configuration");
        return false;
    }
    log_notice("detector", "%s%s%s is sent on request, as detector.allow_dangerous permits",
               request->name, is_set ? " " : "", request->value);
    return true;
}

static bool check_set(struct parameter_request *request, const char *value)
{
    struct error error = {0};
    if (strlen(value) >= sizeof request->value) {
        refuse_parameter(request, "bad_value", "args.value", -EINVAL, "the value is too long");
        return false;
    }
    snprintf(request->value, sizeof request->value, "%s", value);
    if (!request->parameter || detector_parameter_check(request->parameter, value, &error) == 0)
        return permit(request, true);
    const bool read_only = request->parameter->access == DETECTOR_READ;
    request->answer(request->data, NULL, "bad_value", read_only ? "args.name" : "args.value",
                    &error);
    free(request);
    return false;
}

void parameter_request(const struct parameter_link *link, const char *name, const char *value,
                       acquisition_answer_fn answer, void *data)
{
    struct parameter_request *const request = create_request(link, name, answer, data);
    if (!request)
        return;
    request->parameter = detector_parameter_find(name);
    if (!request->parameter && detector_command_find(name))
        refuse_parameter(request, "bad_value", "args.name", -EINVAL,
                         "this is a command: use \"command\"");
    else if (!value)
        send_request(request, COMMAND_GET);
    else if (check_set(request, value))
        send_request(request, COMMAND_SET);
}

void parameter_request_command(const struct parameter_link *link, const char *name,
                               acquisition_answer_fn answer, void *data)
{
    struct parameter_request *const request = create_request(link, name, answer, data);
    if (!request)
        return;
    request->parameter = detector_command_find(name);
    if (strcasecmp(name, "STARTACQUISITION") == 0)
        refuse_parameter(request, "bad_value", "args.name", -EINVAL,
                         "use \"start\", which also sets the detector up and follows the run");
    else if (!request->parameter && detector_parameter_find(name))
        refuse_parameter(request, "bad_value", "args.name", -EINVAL,
                         "this is a parameter: use \"get\" or \"set\"");
    else if (permit(request, false))
        send_request(request, COMMAND_CMD);
}
