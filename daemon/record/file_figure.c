#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/figure/figure.h"
#include "daemon/record/file_command.h"

enum option_key { KEY_FORCE = 256, KEY_RANGE, KEY_LOG, KEY_PASS };

static const struct argp_option option_table[] = {
    {"output", 'o', "NEW", 0, "The picture: NEW.svg, NEW.pdf, or NEW.tif with the numbers", 1},
    {"range", KEY_RANGE, "LOW,HIGH", 0, "Values that are black and white (least and largest)", 2},
    {"log", KEY_LOG, 0, 0, "Show the logarithm to base 10", 2},
    {"pass", KEY_PASS, "N", 0, "Which pass of a scan with several, from 1", 2},
    {"force", KEY_FORCE, 0, 0, "Replace a file that is there", 3},
    {0},
};

static const char help_doc[] =
    "Draw a map, a pattern or a profile of a recording. RESULT is its name as merlin-file info "
    "gives it, or Y,X (of a stack: N): the pattern recorded at that position.\v"
    "For example:\n\n"
    "  merlin-file figure run.h5 dark_field -o dark_field.pdf\n"
    "  merlin-file figure run.h5 12,40 -o pattern.tif\n\n"
    "More in merlin-file(1).";

enum form { FORM_SVG, FORM_PDF, FORM_TIFF };

struct figure_options {
    const char *path, *output;
    enum form form;
    bool force;
    struct figure_wish wish;
};

static void parse_range(struct figure_wish *wish, const char *text, struct argp_state *state)
{
    char *end = NULL;
    wish->low = strtod(text, &end);
    const bool separated = end != text && *end == ',';
    const char *const second = separated ? end + 1 : text;
    wish->high = strtod(second, &end);
    wish->has_range = true;
    if (!separated || end == second || *end != '\0' || !isfinite(wish->low) ||
        !isfinite(wish->high) || wish->low >= wish->high)
        argp_error(state, "--range takes two numbers, the less first, such as 0,250, not \"%s\"",
                   text);
}

static void parse_form(struct figure_options *options, struct argp_state *state)
{
    static const struct {
        const char *suffix;
        enum form form;
    } forms[] = {{".svg", FORM_SVG}, {".pdf", FORM_PDF}, {".tif", FORM_TIFF}, {".tiff", FORM_TIFF}};
    const char *const suffix = options->output ? strrchr(options->output, '.') : NULL;
    if (!options->output)
        argp_error(state, "-o NEW is missing: what the picture is to be called");
    for (size_t i = 0; suffix && i < sizeof forms / sizeof *forms; i++) {
        if (strcasecmp(suffix, forms[i].suffix) == 0) {
            options->form = forms[i].form;
            return;
        }
    }
    argp_error(state, "a picture is called .svg, .pdf or .tif, not \"%s\"", options->output);
}

static void check(struct figure_options *options, struct argp_state *state)
{
    if (!options->path || !options->wish.what)
        argp_error(state, "which file, and which of its results?");
    if (options->wish.logarithmic && options->wish.has_range && options->wish.low <= 0)
        argp_error(state, "with --log the range begins above 0");
    parse_form(options, state);
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct figure_options *const options = state->input;
    char *end;
    switch (key) {
    case 'o':
        options->output = text;
        return 0;
    case KEY_FORCE:
        options->force = true;
        return 0;
    case KEY_LOG:
        options->wish.logarithmic = true;
        return 0;
    case KEY_RANGE:
        parse_range(&options->wish, text, state);
        return 0;
    case KEY_PASS:
        options->wish.pass = strtoull(text, &end, 10) - 1;
        if (text[0] < '1' || text[0] > '9' || *end != '\0')
            argp_error(state, "--pass takes a number from 1, not \"%s\"", text);
        return 0;
    case ARGP_KEY_ARG:
        if (options->wish.what)
            argp_error(state, "\"%s\" is one word too many", text);
        *(options->path ? &options->wish.what : &options->path) = text;
        return 0;
    case ARGP_KEY_END:
        check(options, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int write_figure(const struct figure_options *options, const struct figure *figure,
                        struct error *error)
{
    struct plain_file file;
    int r = plain_file_begin(&file, options->output, options->force, error);
    if (r < 0)
        return r;
    if (options->form == FORM_TIFF)
        r = figure_tiff(figure, &file, error);
    else
        r = figure_draw(figure, options->form == FORM_PDF ? FIGURE_PDF : FIGURE_SVG, &file, error);
    if (r == 0)
        return plain_file_end(&file, error);
    plain_file_abandon(&file);
    return r;
}

int file_command_figure(int argc, char **argv)
{
    const struct argp parser = {option_table, parse_option, "FILE RESULT -o NEW", help_doc};
    struct figure_options options = {0};
    struct file_recording recording;
    struct figure figure = {0};
    struct error error = {0};
    if (argp_parse(&parser, argc, argv, 0, NULL, &options) != 0)
        return EX_USAGE;
    int r = file_recording_open(&recording, options.path, &error);
    if (r == 0)
        r = figure_read(&figure, &recording, &options.wish, &error);
    const bool reading = r < 0;
    if (r == 0)
        r = write_figure(&options, &figure, &error);
    figure_finish(&figure);
    file_recording_close(&recording);
    return r < 0 ? file_command_failed(file_exit_status(r, reading), &error) : EX_OK;
}
