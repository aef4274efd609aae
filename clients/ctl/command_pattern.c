#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/image_reply.h"
#include "clients/ctl/output.h"

/*
 * pattern: one by its name, the recorded one of a position, those of a list or an area, or the sum
 * or mean of a label's (region, class or phase).
 */

static bool is_number(const char *word)
{
    return *word && strspn(word, "0123456789") == strlen(word) && strlen(word) < 10;
}

/* NAME, or Y X, then KEY=VALUE. */
static int take_words(json_t *arguments, const struct options *options, struct error *error)
{
    unsigned first = 0;
    if (options->n_words >= 2 && is_number(options->words[0]) && is_number(options->words[1])) {
        json_object_set_new(arguments, "at",
                            json_pack("[i, i]", atoi(options->words[0]), atoi(options->words[1])));
        first = 2;
    } else if (!strchr(options->words[0], '=')) {
        json_object_set_new(arguments, "name", json_string(options->words[0]));
        first = 1;
    }
    return arguments_add_words(arguments, options, first,
                               ": give a name, two numbers (line and column), area=[y0,x0,y1,x1], "
                               "positions=[[y,x],...], class=NAME or label=...",
                               error);
}

/* ---- of a label ---- */

/* class=NAME is label=NAME classes=true; the phase may be the name of its map. */
static void complete_label(json_t *arguments)
{
    json_t *const class = json_object_get(arguments, "class");
    json_t *const phase = json_object_get(arguments, "phase");
    if (class) {
        json_object_set(arguments, "label", class);
        json_object_set_new(arguments, "classes", json_true());
        json_object_del(arguments, "class");
    }
    if (json_is_string(phase))
        json_object_set_new(arguments, "phase", json_pack("{s:O}", "map", phase));
}

/* The label's number among the names that the daemon has given them. */
static int find_label(const json_t *names, const char *label, struct error *error)
{
    size_t i;
    const json_t *name;
    char known[300] = "";
    json_array_foreach(names, i, name)
    {
        const char *const text = json_string_value(name) ? json_string_value(name) : "";
        const size_t used = strlen(known);
        if (strcmp(text, label) == 0)
            return (int)i;
        snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", text);
    }
    return error_set(error, -EINVAL, "there is no label \"%s\"%s%s", label,
                     *known ? ": " : ", they have numbers", known);
}

static int number_of_label(const json_t *label, const json_t *result, struct error *error)
{
    if (json_is_integer(label) && json_integer_value(label) > 0 && json_integer_value(label) < 256)
        return (int)json_integer_value(label);
    return find_label(json_object_get(result, "names"),
                      json_is_string(label) ? json_string_value(label) : "", error);
}

static int deliver_label(const struct options *options, struct reply *reply, json_t *label,
                         const char *part)
{
    struct error error = {0};
    struct array frames;
    const int number = number_of_label(label, reply->result, &error);
    int r = number < 0 ? number : array_from_reply(&frames, reply, "frames", &error);
    if (r == 0 && (size_t)number >= frames.count)
        r = error_set(&error, -EINVAL, "there is no label %d: the highest is %zu", number,
                      frames.count - 1);
    if (r < 0)
        return command_failed(options, reply, r, &error);
    json_object_set_new(reply->result, "name",
                        json_is_string(label) ? json_incref(label)
                                              : json_sprintf("label %d", number));
    json_object_set_new(reply->result, "units", json_string("counts"));
    json_object_set_new(reply->result, "frames",
                        json_integer((json_int_t)array_value(&frames, (size_t)number)));
    return image_deliver(options, reply, &(struct image_slice){part, (size_t)number});
}

static int fetch_label(const struct options *options, struct client *client, json_t *arguments)
{
    struct reply reply;
    struct error error = {0};
    json_t *const label = json_incref(json_object_get(arguments, "label"));
    const char *const part = json_is_true(json_object_get(arguments, "mean")) ? "mean" : "sum";
    json_object_del(arguments, "label");
    const int r = client_request(client, "label_patterns", arguments, &reply, &error);
    const int exit_code = r < 0 ? command_failed(options, &reply, r, &error)
                                : deliver_label(options, &reply, label, part);
    reply_finish(&reply);
    json_decref(label);
    return exit_code;
}

int command_pattern(const struct options *options, struct client *client)
{
    struct error error = {0};
    json_t *const arguments = json_object();
    const int r = take_words(arguments, options, &error);
    if (r < 0) {
        json_decref(arguments);
        return command_failed(options, &(struct reply){0}, r, &error);
    }
    if (!json_object_get(arguments, "name") && !json_object_get(arguments, "at"))
        client_set_timeout(client, CLIENT_SWEEP_TIMEOUT_S);
    complete_label(arguments);
    return json_object_get(arguments, "label") ? fetch_label(options, client, arguments)
                                               : image_fetch(options, client, "pattern", arguments);
}
