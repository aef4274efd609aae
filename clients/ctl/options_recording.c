#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/options_internal.h"

/* Options of "start" that tell what is recorded, where, and under which name. */

/* A number where it is one, else a text. */
static json_t *label_value(const char *text)
{
    char *end;
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || strspn(text, "+-.0123456789eE") != strlen(text))
        return json_string(text);
    return strspn(text, "-0123456789") == strlen(text) ? json_integer(strtoll(text, NULL, 10))
                                                       : json_real(number);
}

static void parse_label(struct options *options, const char *text, struct argp_state *state)
{
    char name[64] = "";
    const char *const equals = strchr(text, '=');
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof name)
        argp_error(state, "--label is NAME=VALUE, not \"%s\"", text);
    options_check_text(text, state);
    snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - text) : 0, text);
    if (!options->labels)
        options->labels = json_object();
    json_object_set_new(options->labels, name, label_value(equals ? equals + 1 : ""));
}

error_t options_take_recording(struct options *options, int key, char *text,
                               struct argp_state *state)
{
    switch (key) {
    case KEY_RECORD:
    case KEY_NO_RECORD:
        options->given |= OPTION_RECORD;
        options->record = key == KEY_RECORD;
        return 0;
    case KEY_ASK:
        options->given |= OPTION_RECORDING;
        options->ask = true;
        return 0;
    case KEY_NAME:
        options->given |= OPTION_RECORDING;
        options_check_text(text, state);
        options->name = text;
        return 0;
    case KEY_DIRECTORY:
        options->given |= OPTION_RECORDING;
        options_check_text(text, state);
        options->directory = text;
        return 0;
    case KEY_LABEL:
        options->given |= OPTION_RECORDING;
        parse_label(options, text, state);
        return 0;
    default:
        return options_take_geometry(options, key, text, state);
    }
}
