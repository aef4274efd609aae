#include <string.h>

#include "clients/ctl/commands.h"
#include "clients/ctl/options_internal.h"
#include "clients/ctl/output_file.h"

/* Whether the options and words that came go with the command, and with each other. */

/* What a person wrote to give it. All of enum option_set are there. */
static const struct {
    enum option_set option;
    const char *name;
} option_names[] = {
    {OPTION_SCAN, "--scan"},
    {OPTION_WAIT, "--wait"},
    {OPTION_PASSIVE, "--passive"},
    {OPTION_TRIGGER, "--trigger"},
    {OPTION_PRESET, "--preset"},
    {OPTION_SKIP, "--skip-..."},
    {OPTION_SET, "--set"},
    {OPTION_RECORD, "--record and --no-record"},
    {OPTION_RECORDING, "--ask, --name and --directory"},
    {OPTION_OUTPUT, "-o"},
    {OPTION_LIST, "--list"},
    {OPTION_ORDER, "--order"},
    {OPTION_POSITIONS, "--positions"},
    {OPTION_REPEATS, "--repeats"},
    {OPTION_FLYBACK, "--flyback"},
    {OPTION_SHIFT, "--shift"},
    {OPTION_CSV, "--csv"},
    {OPTION_FORCE, "--force"},
    {OPTION_CLASS_PICTURE, "--png or --svg"},
    {OPTION_RUN, "--run"},
    {OPTION_LABEL, "--label"},
    {OPTION_SERIES, "--scans and --drift"},
    {OPTION_PROGRESS, "--progress"},
};

static const char *option_name(unsigned bit)
{
    size_t i = 0;
    while (i + 1 < sizeof option_names / sizeof *option_names && option_names[i].option != bit)
        i++;
    return option_names[i].name;
}

/* A word that was forgotten to be an option must not become a program. */
static void check_program(const struct options *options, struct argp_state *state)
{
    const bool takes_program =
        options->command->allowed & OPTION_WAIT && options->command->max_words > 1;
    if (takes_program && options->n_words > 0 && !options->has_program)
        argp_error(state,
                   "\"%s\" is one word too many; a program to run once the detector is armed "
                   "stands behind --",
                   options->words[0]);
}

/* What the words must be, beyond their number. */
static void check_words(struct options *options, struct argp_state *state)
{
    const char *const name = options->command->name;
    const char *const word = options->n_words > 0 ? options->words[0] : "";
    if (strcmp(name, "set") == 0 && options->n_words == 1 &&
        (word[0] == '=' || strchr(word, '=') == NULL))
        argp_error(state, "the form is \"set NAME VALUE\" or \"set NAME=VALUE\"");
    if (options->n_words > 0 && !*word)
        argp_error(state, "the word after \"%s\" is empty", name);
    if (strcmp(name, "view") == 0 && options->n_words == 1)
        options_take_view_word(options, word, state);
    if (strcmp(name, "nudge") == 0)
        options_take_nudge_word(options, word, state);
}

void options_check(struct options *options, struct argp_state *state)
{
    const struct command *const command = options->command;
    if (!command) {
        argp_error(state, "which command? For example \"merlinctl status\"");
        return;
    }
    const unsigned stray = options->given & ~command->allowed;
    if (stray)
        argp_error(state, "%s does not go with \"%s\"", option_name(stray & -stray), command->name);
    const bool list = options->given & OPTION_LIST;
    if (options->n_words < (list ? 0 : command->min_words) ||
        options->n_words > (list ? 0 : command->max_words))
        argp_error(state, "the form is \"%s %s\"", command->name, list ? "--list" : command->words);
    if (options->output && output_file_kind(options->output) == OUTPUT_FILE_OTHER)
        argp_error(state, "-o %s: the name must end in .npy or .png", options->output);
    if (options->given & OPTION_ORDER && options->given & OPTION_POSITIONS)
        argp_error(state, "--order and --positions exclude each other");
    if (options->given & OPTION_SERIES && (options->scans == 0 || options->n_words > 0))
        argp_error(state, "--drift needs --scans, and a program after -- does not go with either");
    if (options->json && options->given & OPTION_CSV)
        argp_error(state, "--json and --csv exclude each other");
    if (list && options->output)
        argp_error(state, "-o does not go with --list");
    check_words(options, state);
    check_program(options, state);
}
