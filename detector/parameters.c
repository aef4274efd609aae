#include "detector/parameters.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TIME_RESOLUTION_MS 1e-5

static const struct detector_parameter *find(const char *name, bool command)
{
    for (size_t i = 0; i < detector_n_parameters; i++) {
        const struct detector_parameter *const parameter = &detector_parameters[i];
        if ((parameter->access == DETECTOR_COMMAND) == command &&
            strcasecmp(parameter->name, name) == 0)
            return parameter;
    }
    return NULL;
}

const struct detector_parameter *detector_parameter_find(const char *name)
{
    return find(name, false);
}

const struct detector_parameter *detector_command_find(const char *name)
{
    return find(name, true);
}

const char *detector_access_name(enum detector_access access)
{
    static const char *const names[] = {
        [DETECTOR_READ] = "get",
        [DETECTOR_READ_WRITE] = "get/set",
        [DETECTOR_COMMAND] = "command",
    };
    return names[access];
}

const char *detector_type_name(enum detector_type type)
{
    static const char *const names[] = {
        [DETECTOR_INTEGER] = "integer",
        [DETECTOR_FLOAT] = "float",
        [DETECTOR_TEXT] = "text",
        [DETECTOR_CHOICE] = "choice",
    };
    return names[type];
}

bool detector_number(const char *text, double *number)
{
    char *end;
    if (!*text || text[strspn(text, "0123456789+-.eE")] != '\0')
        return false;
    *number = strtod(text, &end);
    return *end == '\0' && isfinite(*number);
}

bool detector_values_equal(const char *one, const char *other)
{
    double a, b;
    if (!detector_number(one, &a) || !detector_number(other, &b))
        return strcmp(one, other) == 0;
    return fabs(a - b) <= TIME_RESOLUTION_MS + 1e-12 * fabs(a);
}

/* ---- ranges as text ---- */

static void print_choices(const struct detector_choice *choices, char *text, size_t size)
{
    size_t n = 0;
    for (const struct detector_choice *choice = choices; choice->meaning && n < size; choice++) {
        const char *const before = choice == choices ? "" : choice[1].meaning ? ", " : " or ";
        const int wrote =
            *choice->meaning
                ? snprintf(text + n, size - n, "%s%d (%s)", before, choice->value, choice->meaning)
                : snprintf(text + n, size - n, "%s%d", before, choice->value);
        n += wrote > 0 ? (size_t)wrote : 0;
    }
}

const char *detector_parameter_range(const struct detector_parameter *parameter, char *text,
                                     size_t size)
{
    text[0] = '\0';
    if (parameter->type == DETECTOR_CHOICE)
        print_choices(parameter->choices, text, size);
    else if (parameter->type == DETECTOR_TEXT && parameter->maximum > 0)
        snprintf(text, size, "at most %.0f characters", parameter->maximum);
    else if (parameter->type != DETECTOR_TEXT && parameter->maximum > parameter->minimum)
        snprintf(text, size,
                 parameter->step > 0 ? "%.12g to %.12g in steps of %.12g" : "%.12g to %.12g",
                 parameter->minimum, parameter->maximum, parameter->step);
    return text;
}

/* ---- checks ---- */

static bool is_choice(const struct detector_parameter *parameter, double number)
{
    for (const struct detector_choice *choice = parameter->choices; choice->meaning; choice++) {
        if (number == choice->value)
            return true;
    }
    return false;
}

static bool is_allowed(const struct detector_parameter *parameter, const char *value)
{
    double number;
    if (parameter->type == DETECTOR_TEXT)
        return parameter->maximum == 0 || strlen(value) <= parameter->maximum;
    if (!detector_number(value, &number))
        return false;
    if (parameter->type == DETECTOR_CHOICE)
        return is_choice(parameter, number);
    if (parameter->type == DETECTOR_INTEGER && number != floor(number))
        return false;
    if (parameter->step > 0 && fmod(number, parameter->step) != 0)
        return false;
    return number >= parameter->minimum && number <= parameter->maximum;
}

static const char *wanted(enum detector_type type)
{
    switch (type) {
    case DETECTOR_INTEGER:
        return "a whole number, ";
    case DETECTOR_FLOAT:
        return "a number, ";
    default:
        return "";
    }
}

int detector_parameter_check(const struct detector_parameter *parameter, const char *value,
                             struct error *error)
{
    char range[320];
    if (parameter->access == DETECTOR_READ)
        return error_set(error, -EINVAL, "%s can only be read", parameter->name);
    if (parameter->access == DETECTOR_COMMAND)
        return error_set(error, -EINVAL, "%s is a command, it has no value", parameter->name);
    if (is_allowed(parameter, value))
        return 0;
    detector_parameter_range(parameter, range, sizeof range);
    return error_set(error, -EINVAL, "%s must be %s%s%s%s, not \"%.60s\"", parameter->name,
                     wanted(parameter->type), range, parameter->unit ? " " : "",
                     parameter->unit ? parameter->unit : "", value);
}
