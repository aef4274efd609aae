#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* request: any command there is, also one that this program has no words for. lease: who holds
 * control. */

/* ---- request ---- */

static void print_result(const json_t *result)
{
    json_dumpf(result, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9) | JSON_PRESERVE_ORDER);
    printf("\n");
}

/* args as one JSON object, or as words KEY=VALUE. */
static json_t *take_arguments(const struct options *options, struct error *error)
{
    const char *const first = options->n_words > 1 ? options->words[1] : "";
    json_error_t fault;
    if (*first == '{') {
        json_t *const given = json_loads(first, JSON_REJECT_DUPLICATES, &fault);
        if (!given || options->n_words > 2)
            error_set(error, -EINVAL, "the arguments are no JSON object: %s",
                      given ? "more words follow" : fault.text);
        return given;
    }
    json_t *const arguments = json_object();
    for (unsigned i = 1; i < options->n_words && error->code == 0; i++) {
        if (!arguments_add_word(arguments, options->words[i]))
            error_set(error, -EINVAL, "\"%s\" is not KEY=VALUE, nor all of it one JSON object",
                      options->words[i]);
    }
    return arguments;
}

int command_request(const struct options *options, struct client *client)
{
    struct error error = {0};
    json_t *const arguments = take_arguments(options, &error);
    if (error.code == 0)
        return command_ask(options, client, options->words[0], arguments, print_result);
    json_decref(arguments);
    return command_failed(options, &(struct reply){0}, error.code, &error);
}

/* ---- lease ---- */

static void print_lease(const json_t *result)
{
    const json_t *const lease = json_object_get(result, "lease");
    if (json_is_null(lease))
        printf("nobody holds control\n");
    else
        printf("%s%s holds control since %s; lapses after %.0f s of silence\n",
               member_text(lease, "name"),
               json_is_true(json_object_get(result, "mine")) ? " (you)" : "",
               text_of_time(json_object_get(lease, "since")).text,
               member_number(lease, "seconds_left"));
    if (json_object_get(result, "token"))
        printf("token %s: show it with --lease, or as MERLIND_LEASE in the environment\n",
               member_text(result, "token"));
}

int command_lease(const struct options *options, struct client *client)
{
    json_t *const arguments = json_object();
    if (options->n_words > 0)
        json_object_set_new(arguments, "action", json_string(options->words[0]));
    if (options->n_words > 1)
        json_object_set_new(arguments, "name", json_string(options->words[1]));
    if (options->given & OPTION_FORCE)
        json_object_set_new(arguments, "force", json_true());
    return command_ask(options, client, "lease", arguments, print_lease);
}
