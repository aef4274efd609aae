#include "daemon/control/request_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static int refuse(struct request_fault *fault,
                                                        const char *field, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
    fault->field = field;
    return -EINVAL;
}

/* The deepest nesting of lists and objects. Counted before the text is parsed, because the parser
 * goes down by recursion. */
static unsigned nesting(const char *text, size_t size)
{
    unsigned depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        const char c = text[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{'))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!quoted && (c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return deepest;
}

static int parse(struct request_text *text, const void *bytes, size_t size,
                 struct request_fault *fault)
{
    json_error_t error;
    const unsigned depth = nesting(bytes, size);
    if (depth > REQUEST_MAX_DEPTH)
        return refuse(fault, NULL, "lists and objects are nested %u deep: at most %d", depth,
                      REQUEST_MAX_DEPTH);
    text->body = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (!text->body)
        return refuse(fault, NULL, "not a JSON object: %s (column %d)", error.text, error.column);
    if (!json_is_object(text->body))
        return refuse(fault, NULL, "not a JSON object: another type (column 1)");
    return 0;
}

static int check_members(json_t *body, struct request_fault *fault)
{
    static const char *const allowed[] = {"id", "cmd", "args", "lease", "background"};
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
            known |= strcmp(name, allowed[i]) == 0;
        if (!known)
            return refuse(fault, name,
                          "unknown member %.64s: a request has id, cmd, args, lease and background",
                          name);
    }
    return 0;
}

int request_text_init(struct request_text *text, const void *bytes, size_t size,
                      struct request_fault *fault)
{
    *text = (struct request_text){0};
    int r = parse(text, bytes, size, fault);
    if (r < 0)
        return r;
    text->id = json_object_get(text->body, "id");
    r = check_members(text->body, fault);
    if (r < 0)
        return r;
    const json_t *const lease = json_object_get(text->body, "lease");
    text->command = json_string_value(json_object_get(text->body, "cmd"));
    text->args = json_object_get(text->body, "args");
    text->lease = json_string_value(lease);
    const json_t *const background = json_object_get(text->body, "background");
    text->background = json_is_true(background);
    if (!text->command || (text->args && !json_is_object(text->args)))
        return refuse(fault, text->command ? "args" : "cmd",
                      "cmd must be a string and args an object");
    if (lease && !text->lease)
        return refuse(fault, "lease", "lease must be the token that taking the lease has given");
    if (background && !json_is_boolean(background))
        return refuse(fault, "background", "background must be true or false");
    return 0;
}

void request_text_finish(struct request_text *text)
{
    json_decref(text->body);
    *text = (struct request_text){0};
}
