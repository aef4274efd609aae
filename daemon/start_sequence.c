#include "daemon/start_sequence.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"

#define MAX_STEPS 64

struct start_step {
    enum command_type type;
    char name[48];
    char value[128];
    bool optional; /* old servers do not know it */
};

struct start_sequence {
    struct command_client *client;
    start_ready_fn ready_to_arm;
    start_done_fn done;
    void *data;
    uint64_t frames;
    double time_ms, period_ms;
    struct start_outcome outcome;
    unsigned n_steps, next;
    struct start_step steps[MAX_STEPS];
};

static struct start_step *add_step(struct start_sequence *sequence, enum command_type type,
                                   const char *name)
{
    if (sequence->n_steps == MAX_STEPS)
        return NULL;
    struct start_step *const step = &sequence->steps[sequence->n_steps++];
    step->type = type;
    snprintf(step->name, sizeof step->name, "%s", name);
    return step;
}

static void add_set(struct start_sequence *sequence, const char *name, uint64_t value,
                    bool optional)
{
    struct start_step *const step = add_step(sequence, COMMAND_SET, name);
    if (!step)
        return;
    snprintf(step->value, sizeof step->value, "%" PRIu64, value);
    step->optional = optional;
}

static void add_optional_get(struct start_sequence *sequence, const char *name)
{
    struct start_step *const step = add_step(sequence, COMMAND_GET, name);
    if (step)
        step->optional = true;
}

static int add_parameter(struct start_sequence *sequence, const char *name, const json_t *value,
                         struct error *error)
{
    struct start_step *const step = add_step(sequence, COMMAND_SET, name);
    if (!step || strlen(name) >= sizeof step->name)
        return error_set(error, -EINVAL, "too many detector parameters, or a name that is too long");
    if (json_is_integer(value))
        snprintf(step->value, sizeof step->value, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(value));
    else if (json_is_real(value))
        snprintf(step->value, sizeof step->value, "%.9g", json_real_value(value));
    else if (json_is_string(value) && json_string_length(value) < sizeof step->value)
        snprintf(step->value, sizeof step->value, "%s", json_string_value(value));
    else
        return error_set(error, -EINVAL, "the value of detector parameter %s must be text or a number",
                         name);
    return 0;
}

static int add_steps(struct start_sequence *sequence, const struct start_settings *settings,
                     struct error *error)
{
    add_step(sequence, COMMAND_GET, "DETECTORSTATUS");
    add_set(sequence, "USEACQUISITIONHEADERS", 1, true);
    add_set(sequence, "RUNHEADLESS", 1, true);
    add_set(sequence, "FILEENABLE", 0, true);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)settings->parameters, name, value) {
        const int r = add_parameter(sequence, name, value, error);
        if (r < 0)
            return r;
    }
    add_set(sequence, "TRIGGERSTART", settings->trigger, false);
    add_set(sequence, "TRIGGERSTOP", 0, false);
    add_set(sequence, "NUMFRAMESTOACQUIRE", sequence->frames, false);
    add_set(sequence, "NUMFRAMESPERTRIGGER", trigger_frames(settings->trigger, &settings->scan),
            false);
    add_step(sequence, COMMAND_GET, "NUMFRAMESTOACQUIRE");
    add_optional_get(sequence, "ACQUISITIONTIME");
    add_optional_get(sequence, "ACQUISITIONPERIOD");
    if (!add_step(sequence, COMMAND_CMD, "STARTACQUISITION"))
        return error_set(error, -EINVAL, "too many detector parameters");
    return 0;
}

static void finish(struct start_sequence *sequence)
{
    if (sequence->done)
        sequence->done(sequence->data, &sequence->outcome);
    free(sequence);
}

static void fail(struct start_sequence *sequence, const char *code)
{
    sequence->outcome.code = code;
    finish(sequence);
}

/* What a value that came back means for the run. Returns false after a refusal. */
static bool accept_value(struct start_sequence *sequence, const char *name, const char *value)
{
    struct error *const error = &sequence->outcome.error;
    if (strcmp(name, "DETECTORSTATUS") == 0 && strtol(value, NULL, 10) != 0) {
        error_set(error, -EBUSY,
                  "the detector is not idle (DETECTORSTATUS %s): wait for its acquisition to end, or "
                  "stop it (merlinctl stop)",
                  value);
        return false;
    }
    if (strcmp(name, "NUMFRAMESTOACQUIRE") == 0 &&
        strtoull(value, NULL, 10) != sequence->frames) {
        error_set(error, -ERANGE,
                  "the detector will take %s frames instead of the %" PRIu64
                  " of the scan: choose a smaller scan",
                  value, sequence->frames);
        return false;
    }
    if (strcmp(name, "ACQUISITIONTIME") == 0)
        sequence->time_ms = strtod(value, NULL);
    if (strcmp(name, "ACQUISITIONPERIOD") == 0)
        sequence->period_ms = strtod(value, NULL);
    return true;
}

static void next_step(struct start_sequence *sequence);

static void on_reply(void *data, const struct command_reply *reply)
{
    struct start_sequence *const sequence = data;
    const struct start_step *const step = &sequence->steps[sequence->next];
    if (!sequence->done) {
        finish(sequence);
        return;
    }
    if (reply->status < 0) {
        error_set(&sequence->outcome.error, reply->status, "%s: no answer from the detector: %s",
                  step->name, strerror(-reply->status));
        fail(sequence, reply->status == -ENOTCONN ? "not_connected" : "detector");
        return;
    }
    if (reply->code != COMMAND_CODE_OK && !step->optional) {
        error_set(&sequence->outcome.error, -EPROTO, "%s %s: %s", step->name, step->value,
                  command_code_text(reply->code));
        fail(sequence, "detector");
        return;
    }
    if (reply->code != COMMAND_CODE_OK)
        log_info("detector", "%s is not available: %s", step->name, command_code_text(reply->code));
    else if (step->type == COMMAND_GET && !accept_value(sequence, step->name, reply->value)) {
        fail(sequence, "detector");
        return;
    }
    sequence->next++;
    next_step(sequence);
}

static void next_step(struct start_sequence *sequence)
{
    if (sequence->next == sequence->n_steps) {
        finish(sequence);
        return;
    }
    const struct start_step *const step = &sequence->steps[sequence->next];
    if (step->type == COMMAND_CMD) {
        const double period = fmax(sequence->time_ms, sequence->period_ms);
        if (isfinite(period) && period > 0 && period < 1e9)
            sequence->outcome.frame_period_ns = (uint64_t)(period * (double)NS_PER_MS);
        sequence->ready_to_arm(sequence->data, sequence->outcome.frame_period_ns);
    }
    const int r = command_client_send(sequence->client, step->type, step->name,
                                      step->type == COMMAND_SET ? step->value : NULL, on_reply,
                                      sequence);
    if (r < 0) {
        error_set(&sequence->outcome.error, r, "%s cannot be sent: %s", step->name, strerror(-r));
        fail(sequence, r == -EINVAL ? "bad_value" : "not_connected");
    }
}

int start_sequence_begin(struct start_sequence **out, struct command_client *client,
                         const struct start_settings *settings, start_ready_fn ready_to_arm,
                         start_done_fn done, void *data, struct error *error)
{
    struct start_sequence *sequence = calloc(1, sizeof *sequence);
    if (!sequence)
        return error_set(error, -ENOMEM, "no memory");
    sequence->client = client;
    sequence->frames = scan_geometry_frames(&settings->scan);
    sequence->ready_to_arm = ready_to_arm;
    sequence->done = done;
    sequence->data = data;
    const int r = add_steps(sequence, settings, error);
    if (r < 0) {
        free(sequence);
        return r;
    }
    *out = sequence;
    next_step(sequence);
    return 0;
}

void start_sequence_abandon(struct start_sequence *sequence)
{
    if (sequence)
        sequence->done = NULL;
}
