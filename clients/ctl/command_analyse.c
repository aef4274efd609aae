#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/output.h"

/* analyse: what the daemon computes from the newest run's maps, or its frames, on request. */

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
    {"halo-strain", "halo_strain", NULL},
};

static const struct analysis *find_analysis(const char *name)
{
    for (size_t i = 0; i < sizeof analyses / sizeof *analyses; i++) {
        if (strcmp(analyses[i].name, name) == 0)
            return &analyses[i];
    }
    return NULL;
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
        client_set_timeout(client, CLIENT_SWEEP_TIMEOUT_S);
    const int r = client_request(client, analysis->command, arguments, &reply, &error);
    int exit_code = r < 0 ? command_failed(options, &reply, r, &error) : 0;
    if (r == 0 && options->output)
        exit_code = command_save_part(options, &reply, part);
    if (r == 0 && exit_code == 0)
        command_print_tree(options, reply.result);
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
                  "label-profiles, label-patterns, halo-maps or halo-strain",
                  options->words[0]);
    else if (options->output && !analysis->part)
        error_set(&error, -EINVAL, "the result of %s is no array: -o does not go with it",
                  analysis->name);
    json_t *const arguments = json_object();
    if (analysis && error.code == 0 &&
        arguments_add_words(arguments, options, 1,
                            ", such as descan=plane, rotation=auto or from=[0,5]", &error) == 0)
        return ask(options, client, analysis, arguments);
    json_decref(arguments);
    return command_failed(options, &(struct reply){0}, error.code, &error);
}
