#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/arguments.h"
#include "clients/ctl/commands.h"
#include "clients/ctl/options_internal.h"

/* Visible, for it is glibc that looks for it. */
__attribute__((visibility("default"))) const char *argp_program_version =
    "merlinctl " MERLINCTL_VERSION;

/* Stands in place of the minus of a word that looks like an option. */
#define NEGATIVE '\1'

static const struct argp_option option_table[] = {
    {"endpoint", 'e', "ENDPOINT", 0,
     "merlind's control endpoint (default: $MERLIND_ENDPOINT, or tcp://127.0.0.1:6350)", 1},
    {"json", KEY_JSON, 0, 0, "Print one JSON object on stdout and nothing else", 1},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "Wait so long for an answer (default 5)", 1},
    {"key", KEY_KEY, "FILE", 0, "The key pair to connect with (default: $MERLIND_KEY)", 1},
    {"server-key", KEY_SERVER_KEY, "KEY", 0,
     "merlind's public key, or a file that has it (default: $MERLIND_SERVER_KEY)", 1},
    {"lease", KEY_LEASE, "TOKEN", 0,
     "Show that this is the client that holds control (default: $MERLIND_LEASE)", 1},
    {0, 0, 0, 0, "start, view:", 2},
    {"scan", KEY_SCAN, "NYxNX", 0,
     "Lines and positions per line of the scan (default: the daemon's, or the detector's)", 2},
    {"wait", KEY_WAIT, 0, 0, "Wait for the end of the run (also for run)", 2},
    {"progress", KEY_PROGRESS, 0, 0, "Show progress on stderr even if that is no terminal", 2},
    {"passive", KEY_PASSIVE, 0, 0,
     "Take the frames of a run that somebody else starts at the detector", 2},
    {"trigger", KEY_TRIGGER, "NAME", 0,
     "internal (default), rising-ttl, falling-ttl, rising-lvds, falling-lvds, soft", 2},
    {"preset", KEY_PRESET, "NAME", 0,
     "line-trigger, pixel-trigger, single-start, soft, internal: a usual way to run a scan", 2},
    {"order", KEY_ORDER, "NAME", 0, "raster (default) or serpentine", 2},
    {"positions", KEY_POSITIONS, "FILE", 0,
     "Visit the positions of FILE.npy or FILE.csv (y, x) in their order", 2},
    {"repeats", KEY_REPEATS, "N", 0, "N passes in one run", 2},
    {"flyback", KEY_FLYBACK, 0, 0, "Find the flyback frames from the exposures", 2},
    {"skip-start", KEY_SKIP_START, "N", 0, "Leave out N frames before the first line", 2},
    {"skip-line", KEY_SKIP_LINE, "N", 0, "Leave out N frames after each line (flyback)", 2},
    {"skip-end", KEY_SKIP_END, "N", 0, "Leave out N frames after the last line of each pass", 2},
    {"set", KEY_SET, "NAME=VALUE", 0, "Set a detector parameter for this run; may be given often",
     2},
    {"label", KEY_LABEL, "NAME=VALUE", 0, "Label this run, such as strain=8; may be given often",
     2},
    {"record", KEY_RECORD, 0, 0, "Record, whatever the configuration says", 2},
    {"no-record", KEY_NO_RECORD, 0, 0, "Do not record", 2},
    {"ask", KEY_ASK, 0, 0, "Record, and discard the file unless \"keep\" is said", 2},
    {"name", KEY_NAME, "TEMPLATE", 0, "What the file is called: {date}/{sample}_{run:04}", 2},
    {"directory", KEY_DIRECTORY, "PATH", 0, "Where the file goes", 2},
    {"scans", KEY_SCANS, "N", 0, "Make the scan N times, each a run of its own", 2},
    {"drift", KEY_DRIFT, "MAP", 0, "With --scans: measure the drift from scan to scan on MAP", 2},
    {0, 0, 0, 0, "geometry (and those of start for it):", 3},
    {"shift", KEY_SHIFT, "N", 0, "The scan began N frames later than --skip-start says", 3},
    {0, 0, 0, 0, "map, pattern, profile:", 4},
    {"output", 'o', "FILE", 0, "Write the image as FILE.npy (numbers) or FILE.png (grey picture)",
     4},
    {"list", KEY_LIST, 0, 0, "List the maps there are", 4},
    {0, 0, 0, 0, "bragg:", 5},
    {"csv", KEY_CSV, 0, 0, "Print the table as comma-separated values", 5},
    {"png", KEY_PNG, "FILE", 0, "Write the map of classes as a picture", 5},
    {"svg", KEY_SVG, "FILE", 0, "Write the map of classes as a drawing", 5},
    {"run", KEY_RUN, "ID", 0, "Of this run, not the newest", 5},
    {0, 0, 0, 0, "lease:", 6},
    {"force", KEY_FORCE, 0, 0, "Take control over from whoever holds it", 6},
    {0},
};

static const char usage_doc[] = "status\n"
                                "start --scan NYxNX [--wait]\n"
                                "view [NYxNX]\n"
                                "record [--wait]\n"
                                "nudge FRAMES\n"
                                "geometry\n"
                                "stop\n"
                                "run [ID]\n"
                                "note TEXT [AUTHOR]\n"
                                "series [--wait]\n"
                                "samples [NAME VALUE [UNIT]]\n"
                                "keep [RUN|FILE]\n"
                                "discard [RUN]\n"
                                "discarded\n"
                                "runs [OFFSET]\n"
                                "open FILE\n"
                                "close FILE\n"
                                "get NAME\n"
                                "set NAME VALUE\n"
                                "command NAME\n"
                                "map NAME\n"
                                "map --list\n"
                                "pattern NAME\n"
                                "pattern Y X\n"
                                "pattern KEY=VALUE...\n"
                                "profile NAME\n"
                                "bragg\n"
                                "bragg measure|use|remove NAME\n"
                                "bragg series LABEL\n"
                                "calibration [KEY=VALUE]...\n"
                                "measure WHAT\n"
                                "calibrations\n"
                                "references\n"
                                "watch [MAP]\n"
                                "log-level [LEVEL]\n"
                                "save-config [FILE.yaml]\n"
                                "keygen FILE\n"
                                "lease take [NAME]\n"
                                "request CMD [JSON]\n"
                                "ping\n"
                                "shutdown";

static const char help_doc[] =
    "Talk to merlind, the acquisition daemon of a Merlin detector."
    "\v"
    "Exit status: 0 done (start --wait: the run is complete), 1 the run "
    "ended otherwise, 2 refused by the daemon or the "
    "detector, 3 not now, 4 not allowed, 64 wrong usage, 69 nobody answers, 73 the output cannot "
    "be written, 76 something else answers, 130 "
    "interrupted. More in merlinctl(1).";

static void parse_timeout(struct options *options, const char *text, struct argp_state *state)
{
    char *end;
    options->timeout_s = strtod(text, &end);
    if (end == text || *end != '\0' || !(options->timeout_s > 0) || options->timeout_s > 1e6)
        argp_error(state, "--timeout is a number of seconds above 0, not \"%s\"", text);
}

void options_check_text(const char *text, struct argp_state *state)
{
    json_t *const json = json_string(text);
    if (!json)
        argp_error(state, "\"%s\" is not UTF-8", text);
    json_decref(json);
}

static void parse_parameter(struct options *options, const char *text, struct argp_state *state)
{
    const char *const equals = strchr(text, '=');
    if (!equals || equals == text)
        argp_error(state, "--set is NAME=VALUE, not \"%s\"", text);
    options_check_text(text, state);
    if (!options->parameters)
        options->parameters = json_object();
    char name[128] = "";
    if (equals)
        snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    if (equals && (size_t)(equals - text) >= sizeof name)
        argp_error(state, "--set %s: no parameter has so long a name", text);
    /* As typed: what the detector is told must not be changed by a way through floating point. */
    json_object_set_new(options->parameters, name, json_string(equals ? equals + 1 : ""));
}

/* Numbers are numbers, all else is text. */
static void parse_label(struct options *options, const char *text, struct argp_state *state)
{
    if (!options->labels)
        options->labels = json_object();
    options_check_text(text, state);
    if (!arguments_add_word(options->labels, text))
        argp_error(state, "--label is NAME=VALUE, not \"%s\"", text);
}

static void take_word(struct options *options, char *word, struct argp_state *state)
{
    if (*word == NEGATIVE)
        *word = '-';
    options_check_text(word, state);
    if (!options->command) {
        options->command = command_find(word);
        if (!options->command)
            argp_error(state, "there is no command \"%s\"", word);
    } else if (options->n_words < OPTIONS_MAX_WORDS) {
        options->words[options->n_words++] = word;
    } else {
        argp_error(state, "one word too many: \"%s\"", word);
    }
}

static error_t parse_start_option(struct options *options, int key, char *text,
                                  struct argp_state *state)
{
    switch (key) {
    case KEY_PASSIVE:
        options->given |= OPTION_PASSIVE;
        return 0;
    case KEY_TRIGGER:
        options->given |= OPTION_TRIGGER;
        options_check_text(text, state);
        options->trigger = text;
        return 0;
    case KEY_PRESET:
        options->given |= OPTION_PRESET;
        options_check_text(text, state);
        options->preset = text;
        return 0;
    case KEY_SET:
        options->given |= OPTION_SET;
        parse_parameter(options, text, state);
        return 0;
    case KEY_LABEL:
        options->given |= OPTION_LABEL;
        parse_label(options, text, state);
        return 0;
    default:
        return options_take_recording(options, key, text, state);
    }
}

static error_t parse_bragg_option(struct options *options, int key, char *text,
                                  struct argp_state *state)
{
    switch (key) {
    case KEY_CSV:
        options->given |= OPTION_CSV;
        return 0;
    case KEY_PNG:
        options->given |= OPTION_CLASS_PICTURE;
        options->png = text;
        return 0;
    case KEY_SVG:
        options->given |= OPTION_CLASS_PICTURE;
        options->svg = text;
        return 0;
    case KEY_RUN:
        options->given |= OPTION_RUN;
        options_check_text(text, state);
        options->run = text;
        return 0;
    default:
        return parse_start_option(options, key, text, state);
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *const options = state->input;
    switch (key) {
    case 'e':
        options->endpoint = text;
        return 0;
    case KEY_JSON:
        options->json = true;
        return 0;
    case KEY_TIMEOUT:
        parse_timeout(options, text, state);
        return 0;
    case KEY_KEY:
        options->keys.pair_file = text;
        return 0;
    case KEY_SERVER_KEY:
        options->keys.server = text;
        return 0;
    case KEY_LEASE:
        options->lease = text;
        return 0;
    case KEY_FORCE:
        options->given |= OPTION_FORCE;
        return 0;
    case KEY_WAIT:
        options->given |= OPTION_WAIT;
        return 0;
    case KEY_PROGRESS:
        options->given |= OPTION_PROGRESS;
        options->progress = true;
        return 0;
    case 'o':
        options->given |= OPTION_OUTPUT;
        options->output = text;
        return 0;
    case KEY_LIST:
        options->given |= OPTION_LIST;
        return 0;
    case ARGP_KEY_ARG:
        take_word(options, text, state);
        return 0;
    case ARGP_KEY_END:
        options_check(options, state);
        return 0;
    default:
        return parse_bragg_option(options, key, text, state);
    }
}

/* "nudge -3": for argp the number would be an option. take_word gives it its sign back. */
static void mark_negative_words(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *const digits = argv[i] + 1;
        if (strcmp(argv[i - 1], "nudge") == 0 && argv[i][0] == '-' && *digits &&
            strspn(digits, "0123456789") == strlen(digits))
            argv[i][0] = NEGATIVE;
    }
}

static const char *default_endpoint(void)
{
    const char *const given = getenv("MERLIND_ENDPOINT");
    return given && *given ? given : "tcp://127.0.0.1:6350";
}

void options_parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){
        .endpoint = default_endpoint(),
        .keys = {.pair_file = getenv("MERLIND_KEY"), .server = getenv("MERLIND_SERVER_KEY")},
        .lease = getenv("MERLIND_LEASE"),
        .timeout_s = 5,
        .skip_start = -1,
        .skip_line = -1,
        .skip_end = -1,
    };
    static const struct argp parser = {option_table, parse_option, usage_doc, help_doc};
    argp_err_exit_status = EXIT_BAD_USAGE;
    mark_negative_words(argc, argv);
    for (int i = 1; i < argc; i++)
        options->has_program |= strcmp(argv[i], "--") == 0;
    if (argp_parse(&parser, argc, argv, 0, NULL, options) != 0)
        exit(EXIT_BAD_USAGE);
}

void options_finish(struct options *options)
{
    json_decref(options->parameters);
    json_decref(options->labels);
    options->parameters = options->labels = NULL;
}
