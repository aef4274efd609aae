#include "daemon/acquisition/start_parameters.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"

/* The command socket takes plain decimal text: no exponent. */
static void print_real(double value, char *text, size_t size)
{
    snprintf(text, size, "%.9f", value);
    char *end = text + strlen(text);
    while (end > text && end[-1] == '0')
        *--end = '\0';
    if (end > text && end[-1] == '.')
        end[-1] = '\0';
}

bool start_parameter_text(const json_t *value, char *text, size_t size)
{
    if (json_is_integer(value))
        snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value) && fabs(json_real_value(value)) < 1e15)
        print_real(json_real_value(value), text, size);
    else if (json_is_string(value) && json_string_length(value) < size)
        snprintf(text, size, "%s", json_string_value(value));
    else
        return false;
    return true;
}

static bool refuse(struct start_refusal *refusal, const char *code, const char *name)
{
    refusal->code = code;
    snprintf(refusal->field, sizeof refusal->field, "args.parameters%s%s", *name ? "." : "", name);
    return false;
}

/* ---- the list ---- */

static struct start_parameter *find(struct start_parameters *parameters, const char *name)
{
    for (unsigned i = 0; i < parameters->n; i++) {
        if (strcasecmp(parameters->list[i].name, name) == 0)
            return &parameters->list[i];
    }
    return NULL;
}

static struct start_parameter *add(struct start_parameters *parameters, const char *name)
{
    if (parameters->n == START_PARAMETERS_MAX)
        return NULL;
    struct start_parameter *const added = &parameters->list[parameters->n++];
    *added = (struct start_parameter){.parameter = detector_parameter_find(name)};
    added->read_back = added->parameter && added->parameter->read_back;
    snprintf(added->name, sizeof added->name, "%s", name);
    return added;
}

/* A setting of ours, unless the request has its own. */
static void want(struct start_parameters *parameters, const char *name, uint64_t value,
                 bool optional)
{
    struct start_parameter *const added = find(parameters, name) ? NULL : add(parameters, name);
    if (!added)
        return;
    added->optional = optional;
    snprintf(added->value, sizeof added->value, "%" PRIu64, value);
}

/* ---- the request's own ---- */

static bool name_is_valid(const char *name)
{
    if (!*name || strlen(name) >= DETECTOR_NAME_SIZE)
        return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    }
    return true;
}

static bool check_requested(const struct start_parameter *requested, bool allow_dangerous,
                            struct start_refusal *refusal)
{
    const struct detector_parameter *const parameter = requested->parameter;
    if (!parameter) {
        log_info("detector", "%s is a parameter that merlind does not know: it is sent unchecked",
                 requested->name);
        return true;
    }
    if (detector_parameter_check(parameter, requested->value, &refusal->error) < 0)
        return refuse(refusal, "bad_value", requested->name);
    if (!parameter->dangerous)
        return true;
    if (!allow_dangerous) {
        error_set(&refusal->error, -EPERM,
                  "%s can damage the detector or its calibration: to allow it set "
                  "detector.allow_dangerous: true in merlind's configuration",
                  parameter->name);
        return refuse(refusal, "forbidden", requested->name);
    }
    log_notice("detector", "%s will be set to %s, as detector.allow_dangerous permits",
               parameter->name, requested->value);
    return true;
}

static bool take_requested(struct start_parameters *parameters, const char *name,
                           const json_t *value, bool allow_dangerous, struct start_refusal *refusal)
{
    char text[DETECTOR_VALUE_SIZE];
    if (!name_is_valid(name)) {
        error_set(&refusal->error, -EINVAL,
                  "a parameter name is letters, digits and _, for example ACQUISITIONTIME");
        return refuse(refusal, "bad_value", "");
    }
    if (find(parameters, name)) {
        error_set(&refusal->error, -EINVAL, "%s is there twice", name);
        return refuse(refusal, "bad_value", name);
    }
    if (!start_parameter_text(value, text, sizeof text)) {
        error_set(&refusal->error, -EINVAL,
                  "the value of %s must be a number, or a text of at most %d "
                  "characters",
                  name, DETECTOR_VALUE_SIZE - 1);
        return refuse(refusal, "bad_value", name);
    }
    struct start_parameter *const requested = add(parameters, name);
    if (!requested) {
        error_set(&refusal->error, -EINVAL, "too many detector parameters in one request");
        return refuse(refusal, "bad_value", name);
    }
    requested->requested = true;
    snprintf(requested->value, sizeof requested->value, "%s", text);
    return check_requested(requested, allow_dangerous, refusal);
}

/* ---- what every run needs ---- */

static bool requests(struct start_parameters *parameters, const char *name, double value)
{
    const struct start_parameter *const found = find(parameters, name);
    double number;
    return found && detector_number(found->value, &number) && number == value;
}

/* The trigger that will hold: TRIGGERSTART of the request, its trigger, its preset's. */
static enum trigger effective_trigger(struct start_parameters *parameters,
                                      const struct start_settings *settings)
{
    const struct start_parameter *const own = find(parameters, "TRIGGERSTART");
    double number;
    if (own && detector_number(own->value, &number) && number >= TRIGGER_INTERNAL &&
        number <= TRIGGER_SOFT)
        return (enum trigger)number;
    if (settings->preset && !settings->trigger_given)
        return settings->preset->trigger;
    return settings->trigger;
}

static void want_preset(struct start_parameters *parameters, const struct start_settings *settings)
{
    const struct preset *const preset = settings->preset;
    const bool possible =
        !requests(parameters, "COUNTERDEPTH", 24) && !requests(parameters, "ENABLECOUNTER1", 2);
    if (preset->continuous >= 0)
        want(parameters, "CONTINUOUSRW", preset->continuous && possible, false);
    want(parameters, "NUMFRAMESPERTRIGGER", preset_frames(preset, &settings->scan), false);
}

static void want_for_run(struct start_parameters *parameters, const struct start_settings *settings)
{
    const enum trigger trigger = effective_trigger(parameters, settings);
    if (settings->preset)
        want_preset(parameters, settings);
    want(parameters, "TRIGGERSTART", trigger, false);
    want(parameters, "TRIGGERSTOP", 0, false);
    want(parameters, "NUMFRAMESTOACQUIRE", scan_geometry_frames(&settings->scan), false);
    want(parameters, "NUMFRAMESPERTRIGGER", trigger_frames(trigger, &settings->scan), false);
    want(parameters, "FILEENABLE", 0, true);
    want(parameters, "RUNHEADLESS", 1, true);
    want(parameters, "USEACQUISITIONHEADERS", 1, true);
}

static enum detector_group group_of(const struct start_parameter *parameter)
{
    return parameter->parameter ? parameter->parameter->group : DETECTOR_GROUP_OTHER;
}

/* By group; within one as they came. */
static void sort(struct start_parameters *parameters)
{
    for (unsigned i = 1; i < parameters->n; i++) {
        const struct start_parameter moved = parameters->list[i];
        unsigned j = i;
        for (; j > 0 && group_of(&parameters->list[j - 1]) > group_of(&moved); j--)
            parameters->list[j] = parameters->list[j - 1];
        parameters->list[j] = moved;
    }
}

static bool check_together(struct start_parameters *parameters,
                           const struct detector_settings *known, struct start_refusal *refusal)
{
    struct detector_settings asked = {0};
    for (unsigned i = 0; i < parameters->n; i++)
        detector_settings_put(&asked, parameters->list[i].name, parameters->list[i].value);
    const char *culprit;
    if (detector_settings_check(&asked, known, &culprit, &refusal->error) == 0)
        return true;
    const struct start_parameter *const found = find(parameters, culprit);
    refuse(refusal, "bad_value", found ? found->name : culprit);
    if (found && !found->requested)
        snprintf(refusal->field, sizeof refusal->field, "args.preset");
    return false;
}

bool start_parameters_init(struct start_parameters *parameters,
                           const struct start_settings *settings,
                           const struct detector_settings *known, struct start_refusal *refusal)
{
    parameters->n = 0;
    *refusal = (struct start_refusal){0};
    const char *name;
    json_t *value;
    json_object_foreach(settings->parameters, name, value)
    {
        if (parameters->n >= START_PARAMETERS_MAX - 8) {
            error_set(&refusal->error, -EINVAL, "too many detector parameters in one request");
            return refuse(refusal, "bad_value", "");
        }
        if (!take_requested(parameters, name, value, settings->allow_dangerous, refusal))
            return false;
    }
    want_for_run(parameters, settings);
    sort(parameters);
    return check_together(parameters, known, refusal);
}
