#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/record/file_geometry.h"
#include "daemon/record/file_reshape.h"

enum option_key {
    KEY_SCAN = FILE_KEY_JSON + 1,
    KEY_ORDER,
    KEY_SKIP_START,
    KEY_SKIP_LINE,
    KEY_SKIP_END,
    KEY_SHIFT,
    KEY_REPEATS,
    KEY_POSITIONS,
    KEY_LAST,
    KEY_ALLOW_MISSING,
};

static const struct argp_option option_table[] = {
    {"output", 'o', "NEW", 0, "The new file; it appears when it is whole", 1},
    {0, 0, 0, 0, "What is not given stays as it is:", 2},
    {"scan", KEY_SCAN, "NYxNX", 0, "Lines and positions per line", 2},
    {"order", KEY_ORDER, "raster|serpentine", 0,
     "All lines from left to right, or every second one from right to left", 2},
    {"skip-start", KEY_SKIP_START, "N", 0, "N frames before the first line have no position", 2},
    {"skip-line", KEY_SKIP_LINE, "N", 0, "N frames after each line have none (flyback)", 2},
    {"skip-end", KEY_SKIP_END, "N", 0, "N frames after each pass have none", 2},
    {"shift", KEY_SHIFT, "N", 0, "The scan began N frames later (-N: earlier)", 2},
    {"repeats", KEY_REPEATS, "N", 0, "N passes one after the other", 2},
    {"positions", KEY_POSITIONS, "FILE.npy", 0,
     "A list of positions in the order of time: an array [n, 2] of y, x", 2},
    {"last", KEY_LAST, 0, 0,
     "What is not given is as in the newest geometry of the run: what the operator nudged it to",
     2},
    {0, 0, 0, 0, "", 3},
    {"allow-missing", KEY_ALLOW_MISSING, 0, 0,
     "Take a scan with more positions than there are frames; those left over stay empty", 3},
    {"force", FILE_KEY_FORCE, 0, 0, "Replace a file that is there", 3},
    {"json", FILE_KEY_JSON, 0, 0, "Tell what was done as one JSON object", 3},
    {0},
};

static const char help_doc[] =
    "Make a new file of a recording, with its frames at the scan positions of another geometry. "
    "The original is not touched."
    "\vFor example, a scan that began three frames late and has two flyback frames per line:\n\n"
    "  merlin-file reshape run.h5 -o right.h5 --scan 128x128 --skip-line 2 --shift 3\n\n"
    "More in merlin-file(1).";

/* A whole number up to `limit`; anything else ends the program. */
static uint64_t parse_count(const char *option, const char *text, uint64_t limit,
                            struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number > limit)
        argp_error(state, "%s takes a whole number from 0, not \"%s\"", option, text);
    return number;
}

static int64_t parse_shift(const char *text, struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number > (int64_t)FILE_SCAN_MAX ||
        number < -(int64_t)FILE_SCAN_MAX)
        argp_error(state, "--shift takes a number of frames such as 3 or -2, not \"%s\"", text);
    return number;
}

static void parse_scan(struct scan_geometry *asked, const char *text, struct argp_state *state)
{
    char *end = NULL;
    const unsigned long long ny = strtoull(text, &end, 10);
    const bool crossed = end != text && (*end == 'x' || *end == 'X');
    const char *const second = crossed ? end + 1 : text;
    const unsigned long long nx = strtoull(second, &end, 10);
    if (!crossed || strspn(text, "0123456789xX") != strlen(text) || end == second || *end != '\0' ||
        ny == 0 || nx == 0 || ny > UINT32_MAX || nx > UINT32_MAX)
        argp_error(state,
                   "--scan is NYxNX, lines by positions per line, such as 128x256, not "
                   "\"%s\"",
                   text);
    asked->ny = (uint32_t)ny;
    asked->nx = (uint32_t)nx;
}

static void parse_order(struct scan_geometry *asked, const char *text, struct argp_state *state)
{
    if (strcmp(text, "raster") == 0)
        asked->order = SCAN_ORDER_RASTER;
    else if (strcmp(text, "serpentine") == 0)
        asked->order = SCAN_ORDER_SERPENTINE;
    else
        argp_error(state, "--order is raster or serpentine, not \"%s\"%s", text,
                   strcmp(text, "list") == 0 ? " (a list comes with --positions)" : "");
}

static error_t parse_geometry(struct reshape_options *options, int key, char *text,
                              struct argp_state *state)
{
    struct scan_geometry *const asked = &options->asked;
    switch (key) {
    case KEY_SCAN:
        options->has_scan = true;
        parse_scan(asked, text, state);
        return 0;
    case KEY_ORDER:
        options->has_order = true;
        parse_order(asked, text, state);
        return 0;
    case KEY_SKIP_START:
        options->has_start = true;
        asked->skip_start = parse_count("--skip-start", text, FILE_SCAN_MAX, state);
        return 0;
    case KEY_SKIP_LINE:
        options->has_line = true;
        asked->skip_line = (uint32_t)parse_count("--skip-line", text, UINT32_MAX, state);
        return 0;
    case KEY_SKIP_END:
        options->has_end = true;
        asked->skip_end = parse_count("--skip-end", text, FILE_SCAN_MAX, state);
        return 0;
    case KEY_SHIFT:
        options->has_shift = true;
        asked->shift = parse_shift(text, state);
        return 0;
    case KEY_REPEATS:
        options->has_repeats = true;
        asked->repeats = (uint32_t)parse_count("--repeats", text, UINT32_MAX - 1, state);
        if (asked->repeats == 0)
            argp_error(state, "--repeats is at least 1");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool asks_for_something(const struct reshape_options *options)
{
    return options->has_scan || options->has_order || options->has_start || options->has_line ||
           options->has_end || options->has_shift || options->has_repeats || options->positions ||
           options->last;
}

static void check(const struct reshape_options *options, struct argp_state *state)
{
    if (!asks_for_something(options))
        argp_error(state, "what is to change? Give --last, or some of --scan, --order, "
                          "--skip-start, --skip-line, --skip-end, --shift, --repeats, --positions");
    if (options->positions && options->has_order)
        argp_error(state, "--order does not go with --positions");
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct reshape_options *const options = state->input;
    switch (key) {
    case KEY_POSITIONS:
        options->positions = text;
        return 0;
    case KEY_LAST:
        options->last = true;
        return 0;
    case KEY_ALLOW_MISSING:
        options->allow_missing = true;
        return 0;
    case ARGP_KEY_END:
        (void)file_options_take(&options->file, key, text, state);
        check(options, state);
        return 0;
    default:
        return file_options_take(&options->file, key, text, state) == 0
                   ? 0
                   : parse_geometry(options, key, text, state);
    }
}

void reshape_options_parse(struct reshape_options *options, int argc, char **argv)
{
    static const struct argp parser = {option_table, parse_option, "FILE -o NEW", help_doc};
    *options = (struct reshape_options){.file.needs_output =
                                            "where to? The new file is named with -o NEW"};
    if (argp_parse(&parser, argc, argv, 0, NULL, options) != 0)
        exit(EX_USAGE);
}
