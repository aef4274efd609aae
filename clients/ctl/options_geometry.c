#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/options_internal.h"

/* Options and words that tell how frames become positions. */

/* A whole number from `text` up to `end`, no sign, no blanks; false when it is none or above
 * `limit`. */
static bool parse_number(const char *text, const char *end, uint64_t limit, uint64_t *number)
{
    if (text == end)
        return false;
    *number = 0;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        *number = *number * 10 + (uint64_t)(*text - '0');
        if (*number > limit)
            return false;
    }
    return true;
}

/* "+3", "-3" or "3". */
static bool parse_signed(const char *text, json_int_t *number)
{
    const char *const digits = text + (*text == '+' || *text == '-');
    uint64_t size;
    if (!parse_number(digits, digits + strlen(digits), UINT32_MAX, &size))
        return false;
    *number = *text == '-' ? -(json_int_t)size : (json_int_t)size;
    return true;
}

static bool parse_shape(struct options *options, const char *text)
{
    const char *const end = text + strlen(text);
    const char *const cross = text + strcspn(text, "xX");
    uint64_t ny = 0, nx = 0;
    if (cross == end || !parse_number(text, cross, UINT32_MAX, &ny) ||
        !parse_number(cross + 1, end, UINT32_MAX, &nx) || ny == 0 || nx == 0)
        return false;
    options->given |= OPTION_SCAN;
    options->scan_ny = (unsigned)ny;
    options->scan_nx = (unsigned)nx;
    return true;
}

static void parse_skip(struct options *options, json_int_t *skip, const char *text,
                       struct argp_state *state)
{
    uint64_t number = 0;
    if (!parse_number(text, text + strlen(text), UINT32_MAX, &number))
        argp_error(state, "a number of frames to leave out is needed, not \"%s\"", text);
    options->given |= OPTION_SKIP;
    *skip = (json_int_t)number;
}

static void parse_repeats(struct options *options, const char *text, struct argp_state *state)
{
    uint64_t number = 0;
    if (!parse_number(text, text + strlen(text), UINT32_MAX, &number) || number == 0)
        argp_error(state, "--repeats is a number of passes, 1 or more, not \"%s\"", text);
    options->given |= OPTION_REPEATS;
    options->repeats = (json_int_t)number;
}

static void parse_positions(struct options *options, const char *text, struct argp_state *state)
{
    const char *const dot = strrchr(text, '.');
    if (!dot || (strcasecmp(dot, ".npy") != 0 && strcasecmp(dot, ".csv") != 0))
        argp_error(state, "--positions %s: the name must end in .npy or .csv", text);
    options->given |= OPTION_POSITIONS;
    options->positions_file = text;
}

error_t options_take_geometry(struct options *options, int key, char *text,
                              struct argp_state *state)
{
    switch (key) {
    case KEY_SCAN:
        if (!parse_shape(options, text))
            argp_error(state,
                       "--scan is NYxNX, lines by positions per line, such as 128x256, not \"%s\"",
                       text);
        return 0;
    case KEY_ORDER:
        options_check_text(text, state);
        options->given |= OPTION_ORDER;
        options->order = text;
        return 0;
    case KEY_POSITIONS:
        parse_positions(options, text, state);
        return 0;
    case KEY_REPEATS:
        parse_repeats(options, text, state);
        return 0;
    case KEY_FLYBACK:
        options->given |= OPTION_FLYBACK;
        return 0;
    case KEY_SHIFT:
        if (!parse_signed(text, &options->shift))
            argp_error(state, "--shift is a number of frames such as 3 or -3, not \"%s\"", text);
        options->given |= OPTION_SHIFT;
        return 0;
    case KEY_SKIP_START:
        parse_skip(options, &options->skip_start, text, state);
        return 0;
    case KEY_SKIP_LINE:
        parse_skip(options, &options->skip_line, text, state);
        return 0;
    case KEY_SKIP_END:
        parse_skip(options, &options->skip_end, text, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_take_view_word(struct options *options, const char *word, struct argp_state *state)
{
    if (!parse_shape(options, word))
        argp_error(state,
                   "the form is \"view\" or \"view NYxNX\", such as view 128x256, not \"%s\"",
                   word);
}

void options_take_nudge_word(struct options *options, const char *word, struct argp_state *state)
{
    if (!parse_signed(word, &options->nudge))
        argp_error(state, "the form is \"nudge FRAMES\", such as nudge +3 or nudge -3, not \"%s\"",
                   word);
}
