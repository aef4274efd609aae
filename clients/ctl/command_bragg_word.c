#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/bragg_report.h"
#include "clients/ctl/bragg_table.h"
#include "clients/ctl/command_bragg_word.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/label_file.h"
#include "clients/ctl/output.h"

/* What reads all frames of a run again, or fits its halo, takes as long as it takes: a day, and who
 * has waited enough interrupts it. */
#define SWEEP_TIMEOUT_S 86400

enum word_run { NO_RUN, ONE_RUN };

/* A word after "bragg" that is a command of its own. */
struct bragg_word {
    const char *name, *command;
    const char *fixed; /* args.action; NULL: none */
    const char *takes; /* how its own words are called, for a person; "": none */
    /* Takes its own words into the arguments; returns how many, or -EINVAL with a sentence. */
    int (*take)(json_t *arguments, const struct options *options, struct error *error);
    void (*print)(FILE *out, const json_t *result);
    bool sweeps;
    enum word_run run;
};

/* ---- own words ---- */

static int take_none(json_t *arguments, const struct options *options, struct error *error)
{
    (void)arguments;
    (void)options;
    (void)error;
    return 0;
}

/* Of the first of its own words. NULL: there is none. */
static const char *first_word(const struct options *options)
{
    const char *const word = options->n_words > 1 ? options->words[1] : NULL;
    return word && !strchr(word, '=') ? word : NULL;
}

static int take_text(json_t *arguments, const struct options *options, const char *member,
                     const char *what, struct error *error)
{
    const char *const word = first_word(options);
    if (!word)
        return error_set(error, -EINVAL, "%s is to be named: merlinctl bragg %s %s", what,
                         options->words[0], what);
    json_object_set_new(arguments, member, json_string(word));
    return 1;
}

static int take_name(json_t *arguments, const struct options *options, struct error *error)
{
    return take_text(arguments, options, "name", "NAME", error);
}

static int take_label(json_t *arguments, const struct options *options, struct error *error)
{
    return take_text(arguments, options, "label", "LABEL", error);
}

static int take_labels(json_t *arguments, const struct options *options, struct error *error)
{
    const char *const path = first_word(options);
    json_t *labels;
    if (!path)
        return error_set(error, -EINVAL,
                         "the file of labels is to be named: its lines are y, x, "
                         "class");
    const int r = label_file_read(&labels, path, error);
    if (r == 0)
        json_object_set_new(arguments, "labels", labels);
    return r < 0 ? r : 1;
}

/* MAP [THRESHOLD] */
static int take_phase(json_t *arguments, const struct options *options, struct error *error)
{
    const char *const map = first_word(options);
    const char *const level = options->n_words > 2 ? options->words[2] : NULL;
    if (!map)
        return error_set(error, -EINVAL,
                         "the map is to be named: merlinctl bragg %s MAP [half|median|otsu|N]",
                         options->words[0]);
    json_t *const phase = json_pack("{s:s}", "map", map);
    json_object_set_new(arguments, "phase", phase);
    if (!level || strchr(level, '='))
        return 1;
    json_t *const number = json_loads(level, JSON_DECODE_ANY, NULL);
    json_object_set_new(phase, "threshold", number ? number : json_string(level));
    return 2;
}

/* The same for the runs that follow; none: no phase any more. */
static int take_live_phase(json_t *arguments, const struct options *options, struct error *error)
{
    const char *const map = first_word(options);
    if (!map || strcmp(map, "none") != 0)
        return take_phase(arguments, options, error);
    json_object_set_new(arguments, "phase", json_null());
    return 1;
}

/* ---- the words ---- */

static void print_series(FILE *out, const json_t *result)
{
    bragg_table_print_series(out, json_object_get(result, "series"));
}

static const struct bragg_word words[] = {
    {"references", "bragg_reference", "list", "", take_none, bragg_report_references, false,
     NO_RUN},
    {"measure", "bragg_reference", "measure", "NAME ", take_name, bragg_report_measured, true,
     ONE_RUN},
    {"use", "bragg_reference", "use", "NAME ", take_name, bragg_report_settings, false, NO_RUN},
    {"remove", "bragg_reference", "remove", "NAME ", take_name, bragg_report_removed, false,
     NO_RUN},
    {"settings", "bragg_settings", NULL, "", take_none, bragg_report_settings, false, NO_RUN},
    {"propose", "bragg_propose", NULL, "", take_none, bragg_report_proposal, true, NO_RUN},
    {"series", "bragg_series", NULL, "LABEL ", take_label, print_series, true, NO_RUN},
    {"injection-test", "bragg_injection_test", NULL, "", take_none, bragg_report_injection, true,
     ONE_RUN},
    {"null-test", "bragg_null_test", NULL, "", take_none, bragg_report_null_test, false, ONE_RUN},
    {"exclude", "bragg_excluded", NULL, "", take_none, bragg_report_excluded, false, ONE_RUN},
    {"labels", "bragg_labels", NULL, "FILE ", take_labels, bragg_report_labels, false, ONE_RUN},
    {"phase", "bragg", NULL, "MAP [THRESHOLD] ", take_phase, bragg_table_print, false, ONE_RUN},
    {"live-phase", "bragg_settings", NULL, "MAP [THRESHOLD] ", take_live_phase,
     bragg_report_settings, false, NO_RUN},
};

static const struct bragg_word *find_word(const char *name)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    return NULL;
}

bool bragg_word_is_one(const struct options *options)
{
    return options->n_words > 0 && !strchr(options->words[0], '=');
}

/* Options that the word does not take. */
static int check_options(const struct bragg_word *word, const struct options *options,
                         struct error *error)
{
    if (options->png || options->svg)
        return error_set(error, -EINVAL, "--png and --svg go with the table: merlinctl bragg");
    if (options->given & OPTION_CSV && strcmp(word->name, "series") != 0)
        return error_set(error, -EINVAL, "--csv does not go with bragg %s", word->name);
    if (options->given & OPTION_RUN && word->run == NO_RUN)
        return error_set(error, -EINVAL, "--run does not go with bragg %s", word->name);
    return 0;
}

static int take_arguments(json_t *arguments, const struct bragg_word *word,
                          const struct options *options, struct error *error)
{
    int r = check_options(word, options, error);
    if (r == 0)
        r = word->take(arguments, options, error);
    if (r < 0)
        return r;
    if (word->fixed)
        json_object_set_new(arguments, "action", json_string(word->fixed));
    if (options->given & OPTION_RUN)
        json_object_set_new(arguments, "run", json_string(options->run));
    char hint[160];
    snprintf(hint, sizeof hint, ": merlinctl bragg %s %s[KEY=VALUE]...", word->name, word->takes);
    return arguments_add_words(arguments, options, 1 + (unsigned)r, hint, error);
}

static int ask(const struct bragg_word *word, const struct options *options, struct client *client,
               json_t *arguments)
{
    struct reply reply;
    struct error error = {0};
    if (word->sweeps)
        client_set_timeout(client, SWEEP_TIMEOUT_S);
    const int r = client_request(client, word->command, arguments, &reply, &error);
    const int exit_code = r < 0 ? command_failed(options, &reply, r, &error) : 0;
    if (exit_code == 0 && options->json)
        output_json(reply.result);
    else if (exit_code == 0 && options->given & OPTION_CSV)
        bragg_table_csv_series(stdout, json_object_get(reply.result, "series"));
    else if (exit_code == 0)
        word->print(stdout, reply.result);
    reply_finish(&reply);
    return exit_code;
}

int command_bragg_word(const struct options *options, struct client *client)
{
    struct error error = {0};
    const struct bragg_word *const word = find_word(options->words[0]);
    json_t *const arguments = json_object();
    if (!word)
        error_set(&error, -EINVAL,
                  "\"%s\" is neither KEY=VALUE nor one of references, measure, use, remove, "
                  "settings, propose, series, injection-test, null-test, exclude, labels, phase "
                  "and live-phase",
                  options->words[0]);
    else if (take_arguments(arguments, word, options, &error) == 0)
        return ask(word, options, client, arguments);
    json_decref(arguments);
    return command_failed(options, &(struct reply){0}, error.code, &error);
}
