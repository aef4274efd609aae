#include <errno.h>
#include <stdio.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/array.h"
#include "clients/ctl/bragg_table.h"
#include "clients/ctl/class_picture.h"
#include "clients/ctl/command_bragg_word.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* bragg: the statistics of a run's reflections, as a table, and its map of classes as a picture. */

#define CLASS_MAP "bragg/class"

static int write_pictures(const struct options *options, const struct array *classes,
                          struct error *error)
{
    int result = 0;
    if (options->png)
        result = class_picture_png(options->png, classes, error);
    if (result == 0 && options->svg)
        result = class_picture_svg(options->svg, classes, error);
    return result;
}

static int save_pictures(const struct options *options, struct client *client)
{
    struct reply reply;
    struct error error = {0};
    struct array classes;
    json_t *const arguments = json_pack("{s:s}", "name", CLASS_MAP);
    if (options->given & OPTION_RUN)
        json_object_set_new(arguments, "run", json_string(options->run));
    int result = client_request(client, "map", arguments, &reply, &error);
    if (result == 0) {
        result = array_from_reply(&classes, &reply, "data", &error);
        result = result == -ENOENT ? -EPROTO : result;
    }
    int exit_code = 0;
    if (result) {
        exit_code = command_failed(options, &reply, result, &error);
    } else if (write_pictures(options, &classes, &error) != 0) {
        fprintf(stderr, "merlinctl: %s\n", error.text);
        output_error(options, "output", error.text, NULL);
        exit_code = EXIT_NO_OUTPUT;
    }
    reply_finish(&reply);
    return exit_code;
}

static void print_statistics(const struct options *options, const json_t *statistics)
{
    if (options->json)
        output_json(statistics);
    else if (options->given & OPTION_CSV)
        bragg_table_csv(stdout, statistics);
    else
        bragg_table_print(stdout, statistics);
}

static int ask(const struct options *options, struct client *client, json_t *arguments)
{
    struct reply reply;
    struct error error = {0};
    const int result = client_request(client, "bragg", arguments, &reply, &error);
    int exit_code = result ? command_failed(options, &reply, result, &error) : 0;
    if (result == 0 && (options->png || options->svg))
        exit_code = save_pictures(options, client);
    if (exit_code == 0)
        print_statistics(options, reply.result);
    reply_finish(&reply);
    return exit_code;
}

int command_bragg(const struct options *options, struct client *client)
{
    struct error error = {0};
    if (bragg_word_is_one(options))
        return command_bragg_word(options, client);
    json_t *const arguments = json_object();
    if (options->given & OPTION_RUN)
        json_object_set_new(arguments, "run", json_string(options->run));
    if (arguments_add_words(arguments, options, 0,
                            ", such as block=4, tile=[5,5] or phase={\"map\":\"adf\"}",
                            &error) == 0)
        return ask(options, client, arguments);
    json_decref(arguments);
    return command_failed(options, &(struct reply){0}, error.code, &error);
}
