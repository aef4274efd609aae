#include "daemon/parameter_request.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parameter_request {
    struct command_client *client;
    acquisition_answer_fn answer;
    void *data;
    bool set; /* the SET is under way, its read-back follows */
    char name[48];
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
    request->answer(request->data,
                    json_pack("{s:s, s:o}", "name", request->name, "value", json_from_latin1(value)),
                    NULL, NULL, NULL);
    free(request);
}

static void refuse_parameter(struct parameter_request *request, const char *code, int status,
                             const char *text)
{
    struct error error = {0};
    error_set(&error, status, "%s: %s", request->name, text);
    request->answer(request->data, NULL, code, NULL, &error);
    free(request);
}

static void on_parameter_reply(void *data, const struct command_reply *reply)
{
    struct parameter_request *const request = data;
    if (reply->status < 0) {
        refuse_parameter(request, reply->status == -ENOTCONN ? "not_connected" : "detector",
                         reply->status, strerror(-reply->status));
    } else if (reply->code != COMMAND_CODE_OK) {
        refuse_parameter(request, "detector", -EPROTO, command_code_text(reply->code));
    } else if (request->set) {
        request->set = false;
        const int r = command_client_send(request->client, COMMAND_GET, request->name,
                                          NULL, on_parameter_reply, request);
        if (r < 0)
            refuse_parameter(request, "not_connected", r, "it was set, but cannot be read back");
    } else {
        answer_parameter(request, reply->value);
    }
}

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

void parameter_request(struct command_client *client, const char *name, const char *value,
                       acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    if (!parameter_name_valid(name)) {
        error_set(&error, -EINVAL, "a parameter name is letters, digits and _, for example "
                                   "ACQUISITIONTIME");
        answer(data, NULL, "bad_value", "args.name", &error);
        return;
    }
    struct parameter_request *const request = calloc(1, sizeof *request);
    if (!request) {
        error_set(&error, -ENOMEM, "no memory");
        answer(data, NULL, "internal", NULL, &error);
        return;
    }
    request->client = client;
    request->answer = answer;
    request->data = data;
    request->set = value;
    snprintf(request->name, sizeof request->name, "%s", name);
    const int r = command_client_send(client, value ? COMMAND_SET : COMMAND_GET, name,
                                      value, on_parameter_reply, request);
    if (r < 0)
        refuse_parameter(request, r == -EINVAL ? "bad_value" : "not_connected", r, strerror(-r));
}
