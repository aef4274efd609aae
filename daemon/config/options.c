#include "daemon/config/options.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_CHECK_CONFIG = 1000,
    KEY_CHECK_HOST,
    KEY_PRINT_CONFIG,
    KEY_PRINT_EXAMPLE,
    KEY_PRINT_KEYS_SCDOC,
    KEY_PRINT_SCHEMA,
    KEY_OPEN,
    KEY_CARDS,
};

/* What the command line says, before anything of it is done. */
struct command_line {
    const char *file;
    const char *open; /* NULL: nothing */
    char **settings;  /* the values of -o, in order; points into argv */
    size_t n_settings;
    char **files; /* the arguments of --cards; points into argv */
    size_t n_files;
    int verbosity; /* -v less -q */
    int action;    /* one of the keys above, 0: run */
};

static const struct argp_option argp_options[] = {
    {"config", 'c', "FILE", 0,
     "Read the configuration from FILE (YAML, see merlind.yaml(5)); without it the defaults hold",
     1},
    {"option", 'o', "KEY=VALUE", 0,
     "Set one key, over the file; VALUE as in YAML: -o 'scan.shape=[64, 64]'", 1},
    {"check-config", KEY_CHECK_CONFIG, NULL, 0,
     "Check file and options, tell what is wrong, and exit", 2},
    {"check-host", KEY_CHECK_HOST, NULL, 0,
     "Tell what on this machine will hurt an acquisition, with remedies, and exit", 2},
    {"print-config", KEY_PRINT_CONFIG, NULL, 0,
     "Print every key with its value and where that came from, and exit", 2},
    {"print-example", KEY_PRINT_EXAMPLE, NULL, 0,
     "Print a configuration file with every key explained, and exit", 2},
    {"print-schema", KEY_PRINT_SCHEMA, NULL, 0,
     "Print the configuration's keys as a JSON Schema, and exit", 2},
    {"print-keys-scdoc", KEY_PRINT_KEYS_SCDOC, NULL, OPTION_HIDDEN, NULL, 2},
    /* By merlind itself: daemon/opened. */
    {"open", KEY_OPEN, "FILE", OPTION_HIDDEN, NULL, 2},
    {"cards", KEY_CARDS, NULL, OPTION_HIDDEN, NULL, 2},
    {"verbose", 'v', NULL, 0, "Log one level more than log.level; can be repeated", 3},
    {"quiet", 'q', NULL, 0, "Log one level less; can be repeated", 3},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct command_line *const line = state->input;
    switch (key) {
    case 'c':
        line->file = argument;
        return 0;
    case 'o':
        line->settings[line->n_settings++] = argument;
        return 0;
    case KEY_OPEN:
        line->open = argument;
        return 0;
    case 'v':
        line->verbosity++;
        return 0;
    case 'q':
        line->verbosity--;
        return 0;
    case KEY_CHECK_CONFIG:
    case KEY_CHECK_HOST:
    case KEY_PRINT_CONFIG:
    case KEY_PRINT_EXAMPLE:
    case KEY_PRINT_KEYS_SCDOC:
    case KEY_PRINT_SCHEMA:
    case KEY_CARDS:
        line->action = key;
        return 0;
    case ARGP_KEY_ARG:
        if (line->action == KEY_CARDS) {
            line->files[line->n_files++] = argument;
            return 0;
        }
        argp_error(state, "what is '%s' for? A configuration file is given with -c", argument);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = argp_options,
    .parser = parse_option,
    .doc = "Real-time acquisition for the Merlin electron detector.\v"
           "Prints `ready control=ENDPOINT results=ENDPOINT` when it may be talked to; "
           "merlinctl(1) talks to it. SIGTERM ends it cleanly.",
};

/* argp calls a hook that has no argument. */
static void (*print_libraries)(FILE *out);

static void print_version(FILE *out, struct argp_state *state)
{
    fprintf(out, "merlind %s\n", MERLIND_VERSION);
    if (print_libraries)
        print_libraries(out);
}

static enum log_level adjust_level(enum log_level level, int verbosity)
{
    const int adjusted = (int)level + verbosity;
    if (adjusted < LOG_LEVEL_ERROR)
        return LOG_LEVEL_ERROR;
    return adjusted > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : (enum log_level)adjusted;
}

/* Goes on after an error, so that all of them are told at once. */
static int load_and_check(const struct command_line *line, struct config *config, FILE *messages)
{
    int result = 0;
    if (line->file)
        result = config_load_file(config, line->file, messages);
    for (size_t i = 0; i < line->n_settings; i++) {
        const int one = config_set_option(config, line->settings[i], messages);
        result = result ? result : one;
    }
    return result == 0 ? config_check(config, messages) : result;
}

/* What there is to say goes out in one piece: at a reload the log writes to stderr as well. */
static int load_config(const struct command_line *line, struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const messages = open_memstream(&text, &size);
    const int result = messages ? load_and_check(line, config, messages) : -ENOMEM;
    if (messages)
        fclose(messages);
    if (size > 0)
        fputs(text, stderr);
    free(text);
    if (result == -ENOMEM)
        fputs("merlind: error: there is not enough memory to read the configuration\n", stderr);
    config->log_level = adjust_level(config->log_level, line->verbosity);
    snprintf(config->open, sizeof config->open, "%s", line->open ? line->open : "");
    return result;
}

/* A report that did not get through must not pass for one that did. */
static int exit_code_after_printing(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "merlind: error: cannot write to stdout: %s\n", strerror(errno));
    return EXIT_FAILURE;
}

static int act(const struct command_line *line, const struct options *options,
               const struct config *config)
{
    unsigned n_looks = 0;
    int r = 0;
    switch (line->action) {
    case KEY_CHECK_CONFIG:
        printf("%s: the configuration is right\n", line->file ? line->file : "merlind");
        break;
    case KEY_CHECK_HOST:
        n_looks = options->check_host(config, stdout);
        break;
    case KEY_PRINT_CONFIG:
        config_print(config, stdout);
        break;
    case KEY_CARDS:
        r = options->print_cards(line->files, line->n_files, stdout);
        break;
    case KEY_PRINT_EXAMPLE:
        config_print_example(stdout);
        break;
    case KEY_PRINT_SCHEMA:
        config_print_schema(stdout);
        break;
    default:
        config_print_scdoc(stdout);
        break;
    }
    const int exit_code = exit_code_after_printing();
    return exit_code == 0 && (n_looks > 0 || r < 0) ? EXIT_FAILURE : exit_code;
}

int options_load(int argc, char **argv, struct options *options, struct config *config)
{
    struct command_line line = {
        .settings = calloc((size_t)argc + 1, sizeof *line.settings),
        .files = calloc((size_t)argc + 1, sizeof *line.files),
    };
    int finished = 1;
    options->exit_code = EXIT_FAILURE;
    if (!line.settings || !line.files) {
        free(line.settings);
        free(line.files);
        fputs("merlind: error: no memory\n", stderr);
        return finished;
    }
    print_libraries = options->print_libraries;
    argp_program_version_hook = print_version;
    argp_err_exit_status = EXIT_CODE_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &line);
    config_init(config);
    if (load_config(&line, config) != 0)
        options->exit_code = EXIT_CODE_CONFIG;
    else if (line.action)
        options->exit_code = act(&line, options, config);
    else
        finished = 0;
    if (finished)
        config_finish(config);
    free(line.settings);
    free(line.files);
    return finished;
}
