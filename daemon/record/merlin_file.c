#include <argp.h>
#include <errno.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/blosc_filter.h"
#include "daemon/record/file_command.h"
#include "daemon/record/file_crash.h"
#include "daemon/record/file_output.h"
#include "daemon/record/hdf5_error.h"

/* Visible, for it is glibc that looks for it. */
__attribute__((visibility("default"))) const char *argp_program_version =
    "merlin-file " MERLIND_VERSION;

static const struct file_command commands[] = {
    {"info", "FILE", "What is in a file, on one screen", file_command_info},
    {"reshape", "FILE -o NEW", "A new file with the frames at other scan positions",
     file_command_reshape},
    {"export", "FILE -o NAME", "The .mib and .hdr that the detector sent, bit for bit",
     file_command_export},
    {"verify", "FILE", "Is every frame in it what the detector sent?", file_command_verify},
    {"recover", "FILE -o NEW", "A whole file of one that a crash left (.partial)",
     file_command_recover},
    {"figure", "FILE RESULT -o NEW", "A map, pattern or profile as .svg, .pdf or .tif",
     file_command_figure},
    {"slim", "FILE -o NEW", "The results without the patterns, to take home", file_command_slim},
};

#define N_COMMANDS (sizeof commands / sizeof *commands)

int file_command_failed(int status, const struct error *error)
{
    fprintf(stderr, "merlin-file: %s\n", error->text);
    return status;
}

int file_exit_status(int code, bool reading)
{
    switch (code) {
    case -EINTR:
        return 128 + (file_interrupted() ? file_interrupted() : SIGINT);
    case -ENOMEM:
        return EX_OSERR;
    case -EBADMSG:
    case -EINVAL:
    case -ENODATA:
    case -ENOTSUP:
        return EX_DATAERR;
    case -EBUSY:
        return EX_TEMPFAIL;
    case -EIO:
        return EX_IOERR;
    default:
        return reading ? EX_NOINPUT : EX_CANTCREAT;
    }
}

int file_command_flush(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "merlin-file: cannot write to stdout: %s\n", strerror(errno));
    return status ? status : EX_CANTCREAT;
}

/* ---- the words before the subcommand ---- */

static const struct file_command *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

struct first_words {
    const struct file_command *command;
    int at; /* where in argv it stands */
};

static error_t parse_first(int key, char *text, struct argp_state *state)
{
    struct first_words *const words = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        words->command = find_command(text);
        if (!words->command)
            argp_error(state, "there is no command \"%s\"", text);
        /* The rest belongs to the command. */
        words->at = state->next - 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_END:
        if (!words->command)
            argp_error(state, "which command? For example \"merlin-file info FILE\"");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* "info FILE\nreshape FILE -o NEW ..." for the usage, the same with explanations for the help. */
static char *list_commands(bool explained)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct file_command *const command = &commands[i];
        if (explained)
            fprintf(out, "  %-8s %s\n", command->name, command->what);
        else
            fprintf(out, "%s%s %s", i ? "\n" : "", command->name, command->words);
    }
    fclose(out);
    return text;
}

static char *help_text(const char *list)
{
    char *text = NULL;
    const int length =
        asprintf(&text,
                 "Look into the files that merlind records, and make new ones of them.\v"
                 "Commands:\n%s\n\"merlin-file COMMAND --help\" tells the options of a command; "
                 "more in merlin-file(1).",
                 list ? list : "");
    return length < 0 ? NULL : text;
}

static struct first_words parse_first_words(int argc, char **argv)
{
    char *const usage = list_commands(false), *const list = list_commands(true);
    char *const help = help_text(list);
    const struct argp parser = {NULL, parse_first, usage, help};
    struct first_words words = {0};
    if (argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &words) != 0)
        exit(EX_USAGE);
    free(help);
    free(list);
    free(usage);
    return words;
}

static int run_command(const struct file_command *command, int argc, char **argv)
{
    char name[64];
    snprintf(name, sizeof name, "merlin-file %s", command->name);
    argv[0] = name;
    return command->run(argc, argv);
}

/* After a failure HDF5 would try again at exit what has just failed; everything is closed by us. */
static int start_hdf5(void)
{
    if (H5dont_atexit() < 0 || blosc_filter_register() < 0)
        return -1;
    hdf5_errors_capture();
    file_crash_watch();
    return 0;
}

int main(int argc, char **argv)
{
    argp_err_exit_status = EX_USAGE;
    const struct first_words words = parse_first_words(argc, argv);
    if (start_hdf5() < 0) {
        fprintf(stderr, "merlin-file: the HDF5 library does not start\n");
        return EX_SOFTWARE;
    }
    return file_command_flush(run_command(words.command, argc - words.at, argv + words.at));
}
