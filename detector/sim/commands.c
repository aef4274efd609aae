#include "detector/sim/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Values of DETECTORSTATUS. */
enum detector_status {
    STATUS_IDLE = 0,
    STATUS_BUSY = 1,
    STATUS_STANDBY = 2,
    STATUS_ERROR = 3,
    STATUS_ARMED = 4
};

/* The frames that a Merlin with these settings would send. */
static struct source_mode wanted_mode(const struct command_context *context)
{
    const struct parameters *parameters = &context->parameters;
    return (struct source_mode){
        .counter_depth = (uint32_t)parameters_number(parameters, PARAMETER_COUNTERDEPTH),
        .raw = parameters_number(parameters, PARAMETER_FILEFORMAT) == 2,
        .both_counters = parameters_number(parameters, PARAMETER_ENABLECOUNTER1) == 2,
        .colour = parameters_number(parameters, PARAMETER_COLOURMODE) == 1};
}

static bool same_mode(const struct source_mode *a, const struct source_mode *b)
{
    return a->counter_depth == b->counter_depth && a->raw == b->raw &&
           a->both_counters == b->both_counters && a->colour == b->colour;
}

/* Has the source make what the settings ask for. A file is what it is. */
static enum reply_code follow_settings(struct command_context *context)
{
    const struct source_mode mode = wanted_mode(context);
    struct error error;
    if (!context->source->reformat || same_mode(&mode, &context->mode))
        return REPLY_OK;
    if (!acquisition_quiescent(context->acquisition))
        return REPLY_BUSY;
    int result = context->source->reformat(context->source, &mode, &error);
    if (!result && (result = acquisition_source_changed(context->acquisition)))
        error_set(&error, result, "no memory for the frames of this mode");
    if (result) {
        fprintf(stderr, "merlin-sim: %s\n", error.text);
        return result == -ENOTSUP ? REPLY_OUT_OF_RANGE : REPLY_BUSY;
    }
    context->mode = mode;
    parameters_preset(&context->parameters, PARAMETER_IMAGEX, context->source->image_width);
    parameters_preset(&context->parameters, PARAMETER_IMAGEY, context->source->image_height);
    return REPLY_OK;
}

void command_context_init(struct command_context *context, const struct options *options,
                          struct frame_source *source, struct acquisition *acquisition)
{
    *context =
        (struct command_context){.options = options, .source = source, .acquisition = acquisition};
    parameters_reset(&context->parameters);
    run_plan_preset(&context->parameters, options, source);
    context->mode = wanted_mode(context);
}

bool command_report_end(struct command_context *context)
{
    struct acquisition_report report;
    if (!acquisition_take_report(context->acquisition, &report))
        return false;
    printf("done frames=%" PRIu64 " stalls=%" PRIu64 " lengthened=%" PRIu64 "\n", report.frames,
           report.stalls, report.lengthened);
    fflush(stdout);
    return true;
}

static bool acquiring(const struct command_context *context)
{
    return acquisition_state(context->acquisition) != ACQUISITION_IDLE;
}

const struct fault *command_fault(const struct command_context *context, enum fault_kind kind)
{
    const uint64_t run = context->starts + !acquiring(context);
    return fault_find(&context->options->faults, kind, run);
}

static enum reply_code start(struct command_context *context)
{
    if (context->standby || context->over || context->error_after || acquiring(context))
        return REPLY_BUSY;
    command_report_end(context);
    struct run_plan plan;
    if (run_plan_init(&plan, &context->parameters, context->options, context->source) < 0) {
        run_plan_finish(&plan);
        fprintf(stderr, "merlin-sim: no memory to start an acquisition\n");
        return REPLY_BUSY;
    }
    const uint64_t frames = plan.frames == DETECTOR_ENDLESS ? 0 : plan.frames;
    /* before the start: the line must not come after the `done` of a very short acquisition */
    printf("started frames=%" PRIu64 "\n", frames);
    fflush(stdout);
    context->error_after = command_fault(context, FAULT_STATUS3);
    context->starts++;
    const enum reply_code code = acquisition_start(context->acquisition, &plan);
    run_plan_finish(&plan);
    return code;
}

static enum reply_code stop(struct command_context *context)
{
    acquisition_stop(context->acquisition);
    return REPLY_OK;
}

static enum reply_code abort_acquisition(struct command_context *context)
{
    acquisition_abort(context->acquisition);
    return REPLY_OK;
}

static enum reply_code soft_trigger(struct command_context *context)
{
    acquisition_trigger(context->acquisition);
    return REPLY_OK;
}

static enum reply_code reset(struct command_context *context)
{
    acquisition_abort(context->acquisition);
    acquisition_drop_link(context->acquisition);
    parameters_reset(&context->parameters);
    run_plan_preset(&context->parameters, context->options, context->source);
    if (context->source->reformat) {
        parameters_preset(&context->parameters, PARAMETER_COUNTERDEPTH, context->options->depth);
        parameters_preset(&context->parameters, PARAMETER_CONTINUOUSRW,
                          context->options->depth != 24);
        parameters_preset(&context->parameters, PARAMETER_FILEFORMAT,
                          context->options->raw ? 2 : 0);
        context->mode_due = true;
    }
    context->standby = context->error_after = false;
    context->reset = true;
    return REPLY_OK;
}

static enum reply_code standby(struct command_context *context)
{
    if (acquiring(context))
        return REPLY_BUSY;
    context->standby = true;
    return REPLY_OK;
}

static enum reply_code restart(struct command_context *context)
{
    context->standby = false;
    return REPLY_OK;
}

static enum reply_code clear_error(struct command_context *context)
{
    if (!acquiring(context))
        context->error_after = false;
    return REPLY_OK;
}

/* There is no chip to calibrate or to read out. */
static enum reply_code do_nothing_when_idle(struct command_context *context)
{
    return acquiring(context) ? REPLY_BUSY : REPLY_OK;
}

static const struct {
    const char *name;
    enum reply_code (*execute)(struct command_context *context);
} command_table[] = {
    {"STARTACQUISITION", start},
    {"STOPACQUISITION", stop},
    {"ABORT", abort_acquisition},
    {"SOFTTRIGGER", soft_trigger},
    {"SWTRIGGER", soft_trigger},
    {"RESET", reset},
    {"CLEARERROR", clear_error},
    {"STANDBY", standby},
    {"RESTART", restart},
    {"READCHIPTEMPS", do_nothing_when_idle},
    {"NOISEEQUALISATION", do_nothing_when_idle},
};

/* REPLY_OK, or the answer that a fault gives in place of doing what was asked. */
static enum reply_code refusal(struct command_context *context, const char *name)
{
    const uint64_t run = context->starts + !acquiring(context);
    const struct fault_set *set = &context->options->faults;
    for (unsigned i = 0; i < set->count; i++) {
        const struct fault *fault = &set->faults[i];
        const bool spent = fault->times && context->refused[i] >= fault->times;
        if (fault->kind != FAULT_REFUSE || spent || strcasecmp(fault->name, name) != 0 ||
            (fault->run && fault->run != run))
            continue;
        context->refused[i]++;
        return (enum reply_code)fault->amount;
    }
    return REPLY_OK;
}

static enum reply_code execute_named(struct command_context *context, const char *name)
{
    const enum reply_code refused = refusal(context, name);
    if (refused)
        return refused;
    for (size_t i = 0; i < sizeof command_table / sizeof command_table[0]; i++)
        if (strcasecmp(command_table[i].name, name) == 0)
            return command_table[i].execute(context);
    return REPLY_NOT_RECOGNISED;
}

static int detector_status(const struct command_context *context)
{
    switch (acquisition_state(context->acquisition)) {
    case ACQUISITION_BUSY:
        return STATUS_BUSY;
    case ACQUISITION_ARMED:
        return context->options->old_status ? STATUS_BUSY : STATUS_ARMED;
    case ACQUISITION_IDLE:
        break;
    }
    if (context->error_after)
        return STATUS_ERROR;
    return context->standby ? STATUS_STANDBY : STATUS_IDLE;
}

static enum reply_code get(const struct command_context *context, const char *name, char *value,
                           size_t room)
{
    if (strcasecmp(name, "DETECTORSTATUS") == 0)
        snprintf(value, room, "%d", detector_status(context));
    else if (strcasecmp(name, "TCPCONNECTED") == 0)
        snprintf(value, room, "%d", acquisition_attached(context->acquisition));
    else
        return parameters_get(&context->parameters, name, value, room);
    return REPLY_OK;
}

/* DETECTORSTATUS and TCPCONNECTED are unknown to the table, so SET answers "not recognised" to them
 * as well. */
static enum reply_code set(struct command_context *context, const char *name, const char *value)
{
    if (!value)
        return REPLY_NOT_RECOGNISED;
    const enum reply_code refused = refusal(context, name);
    if (refused)
        return refused;
    const struct parameters before = context->parameters;
    enum reply_code code = parameters_set(&context->parameters, name, value, acquiring(context));
    if (code == REPLY_OK) {
        code = follow_settings(context);
        if (code != REPLY_OK)
            context->parameters = before;
    }
    return code;
}

/* Splits "TYPE,NAME,VALUE" in place. `*value` is NULL where there is none; it may hold commas. */
static void split(char *body, char **name, char **value)
{
    *name = strchr(body, ',');
    *value = NULL;
    if (!*name) {
        *name = body + strlen(body);
        return;
    }
    *(*name)++ = '\0';
    *value = strchr(*name, ',');
    if (*value)
        *(*value)++ = '\0';
}

void command_execute(struct command_context *context, const char *body, char *reply, size_t room)
{
    char text[COMMAND_REPLY_MAX / 2 + 1], value_text[PARAMETER_TEXT_MAX + 1] = "";
    char *name, *value;
    snprintf(text, sizeof text, "%s", body);
    split(text, &name, &value);
    if (context->mode_due && acquisition_quiescent(context->acquisition))
        context->mode_due = follow_settings(context) == REPLY_BUSY;
    if (strcasecmp(text, "GET") == 0) {
        const enum reply_code code = get(context, name, value_text, sizeof value_text);
        snprintf(reply, room, "GET,%s,%s,%d", name, value_text, code);
    } else if (strcasecmp(text, "SET") == 0) {
        snprintf(reply, room, "SET,%s,%d", name, set(context, name, value));
    } else if (strcasecmp(text, "CMD") == 0) {
        snprintf(reply, room, "CMD,%s,%d", name, execute_named(context, name));
    } else {
        snprintf(reply, room, "%s,%s,%d", text, name, REPLY_NOT_RECOGNISED);
    }
}
