#include "detector/sim/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Values of DETECTORSTATUS. */
enum detector_status { STATUS_IDLE = 0, STATUS_BUSY = 1, STATUS_STANDBY = 2, STATUS_ARMED = 4 };

void command_context_init(struct command_context *context, const struct options *options,
                          const struct frame_source *source, struct acquisition *acquisition)
{
    *context =
        (struct command_context){.options = options, .source = source, .acquisition = acquisition};
    parameters_reset(&context->parameters);
    run_plan_preset(&context->parameters, options, source);
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

static enum reply_code start(struct command_context *context)
{
    if (context->standby || context->over || acquiring(context))
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
    context->standby = false;
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

/* There is never an error to clear, a chip to calibrate or to read out. */
static enum reply_code do_nothing(struct command_context *context)
{
    return REPLY_OK;
}

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
    {"CLEARERROR", do_nothing},
    {"STANDBY", standby},
    {"RESTART", restart},
    {"READCHIPTEMPS", do_nothing_when_idle},
    {"NOISEEQUALISATION", do_nothing_when_idle},
};

static enum reply_code execute_named(struct command_context *context, const char *name)
{
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
    return parameters_set(&context->parameters, name, value, acquiring(context));
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
