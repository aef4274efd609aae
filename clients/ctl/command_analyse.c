#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/array.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/npy.h"
#include "clients/ctl/output.h"
#include "clients/ctl/output_file.h"
#include "clients/ctl/picture.h"

/* analyse: what the daemon computes from the newest run's maps, or its frames, on request. */

/* A day: who has waited enough interrupts it. */
#define SWEEP_TIMEOUT_S 86400

static const struct analysis {
    const char *name, *command, *part; /* part: what -o writes; NULL: there is no array */
    bool sweeps;                       /* reads all frames again, which takes as long as it takes */
} analyses[] = {
    {"com", "com", "com_y"},
    {"icom", "icom", "icom"},
    {"profile", "map_profile", "profile"},
    {"correlation", "map_correlation", NULL},
    {"drift", "map_drift", NULL},
    {"live-icom", "live_icom", NULL},
    {"label-profiles", "label_profiles", "mean"},
    {"label-patterns", "label_patterns", "sum", true},
    {"halo-maps", "halo_maps", "e_xx", true},
};

static const struct analysis *find_analysis(const char *name)
{
    for (size_t i = 0; i < sizeof analyses / sizeof *analyses; i++) {
        if (strcmp(analyses[i].name, name) == 0)
            return &analyses[i];
    }
    return NULL;
}

/* The daemon's arguments from the words after the analysis; -EINVAL with a sentence. */
static int take_words(json_t *arguments, const struct options *options, struct error *error)
{
    for (unsigned i = 1; i < options->n_words; i++) {
        if (!arguments_add_word(arguments, options->words[i]))
            return error_set(error, -EINVAL,
                             "\"%s\" is not KEY=VALUE, such as descan=plane, rotation=auto or "
                             "from=[0,5]",
                             options->words[i]);
    }
    return 0;
}

static int write_array(const char *path, const struct array *array, struct error *error)
{
    struct array_statistics statistics;
    if (output_file_kind(path) == OUTPUT_FILE_NPY)
        return npy_write(path, array, error);
    if (array_statistics(&statistics, array, NULL) != 0)
        return error_set(error, -ENOMEM, "no memory for the picture");
    return picture_write(path, array, NULL, &statistics, error);
}

static int save(const struct options *options, struct reply *reply, const char *part)
{
    struct array array;
    struct error error = {0};
    const int r = array_from_reply(&array, reply, part, &error);
    if (r < 0)
        return command_failed(options, reply, r == -ENOENT ? -EINVAL : r, &error);
    if (write_array(options->output, &array, &error) == 0)
        return 0;
    fprintf(stderr, "merlinctl: %s\n", error.text);
    output_error(options, "output", error.text, NULL);
    return EXIT_NO_OUTPUT;
}

/* A result is a tree of numbers with names: JSON for a person too, indented. */
static void print_result(const struct options *options, json_t *result)
{
    if (options->json) {
        output_json(result);
        return;
    }
    json_object_del(result, "parts");
    json_dumpf(result, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9) | JSON_PRESERVE_ORDER);
    printf("\n");
}

static int ask(const struct options *options, struct client *client,
               const struct analysis *analysis, json_t *arguments)
{
    struct reply reply;
    struct error error = {0};
    char part[64] = "";
    const char *const wanted = json_string_value(json_object_get(arguments, "part"));
    snprintf(part, sizeof part, "%s", wanted ? wanted : analysis->part ? analysis->part : "");
    json_object_del(arguments, "part");
    if (analysis->sweeps)
        client_set_timeout(client, SWEEP_TIMEOUT_S);
    const int r = client_request(client, analysis->command, arguments, &reply, &error);
    int exit_code = r < 0 ? command_failed(options, &reply, r, &error) : 0;
    if (r == 0 && options->output)
        exit_code = save(options, &reply, part);
    if (r == 0 && exit_code == 0)
        print_result(options, reply.result);
    reply_finish(&reply);
    return exit_code;
}

int command_analyse(const struct options *options, struct client *client)
{
    struct error error = {0};
    const struct analysis *const analysis = find_analysis(options->words[0]);
    if (!analysis)
        error_set(&error, -EINVAL,
                  "there is no analysis \"%s\": com, icom, live-icom, profile, correlation, drift, "
                  "label-profiles, label-patterns or halo-maps",
                  options->words[0]);
    else if (options->output && !analysis->part)
        error_set(&error, -EINVAL, "the result of %s is no array: -o does not go with it",
                  analysis->name);
    json_t *const arguments = json_object();
    if (analysis && error.code == 0 && take_words(arguments, options, &error) == 0)
        return ask(options, client, analysis, arguments);
    json_decref(arguments);
    return command_failed(options, &(struct reply){0}, error.code, &error);
}
