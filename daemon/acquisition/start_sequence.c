#include "daemon/acquisition/start_sequence.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/log.h"

#define MAX_STEPS (2 * START_PARAMETERS_MAX + 5)

struct start_step {
    enum command_type type;
    const char *name;
    struct start_parameter *wanted; /* that is set or read back; NULL: none */
    bool optional;                  /* old servers do not know it */
};

/* Pixels: two chips side by side, and the widest gap between them that is believed. */
#define QUAD_WIDTH 512
#define MAX_GAP 8

struct start_sequence {
    struct command_client *client;
    struct detector_settings *known;
    start_ready_fn ready_to_arm;
    start_done_fn done;
    void *data;
    double time_ms, period_ms;
    bool everything_sent;
    struct start_outcome outcome;
    struct detector_settings told;
    struct start_parameters parameters;
    unsigned n_steps, next;
    struct start_step steps[MAX_STEPS];
};

/* ---- what to send ---- */

static void add_step(struct start_sequence *sequence, enum command_type type, const char *name,
                     struct start_parameter *wanted, bool optional)
{
    sequence->steps[sequence->n_steps++] = (struct start_step){type, name, wanted, optional};
}

static bool is_known(const struct start_sequence *sequence, const struct start_parameter *wanted)
{
    const char *const known = detector_settings_get(sequence->known, wanted->name);
    return known && detector_values_equal(wanted->value, known);
}

/* A mode that is about to change takes times and triggers with it. */
static void forget_what_a_new_mode_changes(struct start_sequence *sequence)
{
    for (unsigned i = 0; i < sequence->parameters.n; i++) {
        const struct start_parameter *const wanted = &sequence->parameters.list[i];
        if (wanted->parameter && wanted->parameter->group == DETECTOR_GROUP_MODE &&
            !is_known(sequence, wanted))
            detector_settings_drop_after_mode(sequence->known);
    }
}

static const struct start_parameter *wanted_of(const struct start_sequence *sequence,
                                               const char *name)
{
    for (unsigned i = 0; i < sequence->parameters.n; i++) {
        if (strcasecmp(sequence->parameters.list[i].name, name) == 0)
            return &sequence->parameters.list[i];
    }
    return NULL;
}

static void add_read_back(struct start_sequence *sequence)
{
    for (unsigned i = 0; i < sequence->parameters.n; i++) {
        struct start_parameter *const wanted = &sequence->parameters.list[i];
        if (wanted->read_back)
            add_step(sequence, COMMAND_GET, wanted->parameter->name, wanted, true);
    }
    static const char *const asked[] = {"ACQUISITIONTIME", "ACQUISITIONPERIOD", "IMAGEX"};
    for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++) {
        if (!wanted_of(sequence, asked[i]))
            add_step(sequence, COMMAND_GET, asked[i], NULL, true);
    }
}

static void add_steps(struct start_sequence *sequence)
{
    sequence->n_steps = sequence->next = 0;
    sequence->everything_sent = true;
    forget_what_a_new_mode_changes(sequence);
    add_step(sequence, COMMAND_GET, "DETECTORSTATUS", NULL, false);
    for (unsigned i = 0; i < sequence->parameters.n; i++) {
        struct start_parameter *const wanted = &sequence->parameters.list[i];
        if (is_known(sequence, wanted))
            sequence->everything_sent = false;
        else
            add_step(sequence, COMMAND_SET, wanted->name, wanted, wanted->optional);
    }
    add_read_back(sequence);
    add_step(sequence, COMMAND_CMD, "STARTACQUISITION", NULL, false);
}

/* ---- the end ---- */

static void finish(struct start_sequence *sequence)
{
    sequence->done(sequence->data, &sequence->outcome);
    free(sequence);
}

static void fail(struct start_sequence *sequence, const char *code,
                 const struct start_parameter *at_fault)
{
    struct start_refusal *const refusal = &sequence->outcome.refusal;
    refusal->code = code;
    if (at_fault && at_fault->requested)
        snprintf(refusal->field, sizeof refusal->field, "args.parameters.%s", at_fault->name);
    finish(sequence);
}

/* ---- what came back ---- */

static bool accept_status(struct start_sequence *sequence, const char *value)
{
    struct error *const error = &sequence->outcome.refusal.error;
    const long status = strtol(value, NULL, 10);
    if (status == 0)
        return true;
    if (status == 3)
        error_set(error, -EIO,
                  "the detector reports an error (DETECTORSTATUS 3): clear it (merlinctl stop), or "
                  "restart the Merlin program");
    else
        error_set(
            error, -EBUSY,
            "the detector is not idle (DETECTORSTATUS %s): wait for its acquisition to end, or "
            "stop it (merlinctl stop)",
            value);
    return false;
}

/* A period the server had to lengthen is no other measurement, and continuous read-write has none.
 */
static bool is_lengthened_period(const struct start_parameter *wanted, const char *value)
{
    double asked, got;
    return strcmp(wanted->parameter->name, "ACQUISITIONPERIOD") == 0 &&
           detector_number(wanted->value, &asked) && detector_number(value, &got) && got > asked;
}

enum acceptance { ACCEPTED, REFUSED, SEND_ALL_AGAIN };

static enum acceptance accept_read_back(struct start_sequence *sequence,
                                        const struct start_parameter *wanted, const char *value)
{
    const char *const name = wanted->parameter->name;
    detector_settings_put(sequence->known, name, value);
    if (detector_values_equal(wanted->value, value))
        return ACCEPTED;
    if (!sequence->everything_sent)
        return SEND_ALL_AGAIN;
    if (is_lengthened_period(wanted, value)) {
        log_warning("detector", "the detector lengthened %s from %s to %s ms", name, wanted->value,
                    value);
        return ACCEPTED;
    }
    if (strcmp(name, "NUMFRAMESTOACQUIRE") == 0)
        error_set(&sequence->outcome.refusal.error, -ERANGE,
                  "the detector will take %s frames instead of %s: choose a smaller scan", value,
                  wanted->value);
    else
        error_set(
            &sequence->outcome.refusal.error, -ERANGE,
            "the detector took %s %s and made it %s: it does not go with its other settings, or "
            "is out of its reach; choose another value, or look at what it is set to",
            name, wanted->value, value);
    return REFUSED;
}

/* IMAGEX counts the gap pixels of a quad, raw frames have none (Merlin protocol notes 2.6). */
static void accept_width(struct start_sequence *sequence, const char *value)
{
    const unsigned long width = strtoul(value, NULL, 10);
    if (width > QUAD_WIDTH && width <= QUAD_WIDTH + MAX_GAP)
        sequence->outcome.gap_pixels = (uint32_t)(width - QUAD_WIDTH);
}

/* What a value that came back means for the run. */
static enum acceptance accept_value(struct start_sequence *sequence, const struct start_step *step,
                                    const char *value)
{
    if (strcmp(step->name, "DETECTORSTATUS") == 0)
        return accept_status(sequence, value) ? ACCEPTED : REFUSED;
    detector_settings_put(&sequence->told, step->name, value);
    if (strcmp(step->name, "ACQUISITIONTIME") == 0)
        sequence->time_ms = strtod(value, NULL);
    if (strcmp(step->name, "ACQUISITIONPERIOD") == 0)
        sequence->period_ms = strtod(value, NULL);
    if (strcmp(step->name, "IMAGEX") == 0)
        accept_width(sequence, value);
    return step->wanted ? accept_read_back(sequence, step->wanted, value) : ACCEPTED;
}

static void next_step(struct start_sequence *sequence);

static void start_over(struct start_sequence *sequence)
{
    log_notice("detector",
               "somebody else has changed the detector's settings: everything is sent again");
    detector_settings_clear(sequence->known);
    detector_settings_clear(&sequence->told);
    add_steps(sequence);
    next_step(sequence);
}

static void on_refused(struct start_sequence *sequence, const struct start_step *step, int code)
{
    const char *const value = step->type == COMMAND_SET ? step->wanted->value : "";
    if (step->type != COMMAND_GET)
        detector_settings_clear(sequence->known);
    error_set(&sequence->outcome.refusal.error, -EPROTO, "%s%s%s: %s", step->name,
              *value ? " " : "", value, command_code_text(code));
    fail(sequence, "detector", step->wanted);
}

static void on_no_reply(struct start_sequence *sequence, const struct start_step *step, int status)
{
    detector_settings_clear(sequence->known);
    error_set(&sequence->outcome.refusal.error, status, "%s: no answer from the detector: %s%s",
              step->name, strerror(-status),
              status == -ETIMEDOUT ? "; does the Merlin program respond, and is "
                                     "detector.command_port the port of its commands?"
                                   : "");
    fail(sequence, status == -ENOTCONN ? "not_connected" : "detector", NULL);
}

static void on_reply(void *data, const struct command_reply *reply)
{
    struct start_sequence *const sequence = data;
    const struct start_step *const step = &sequence->steps[sequence->next];
    enum acceptance acceptance = ACCEPTED;
    if (reply->status < 0) {
        on_no_reply(sequence, step, reply->status);
        return;
    }
    if (reply->code != COMMAND_CODE_OK && !step->optional) {
        on_refused(sequence, step, reply->code);
        return;
    }
    if (reply->code != COMMAND_CODE_OK)
        log_info("detector", "%s is not available: %s", step->name, command_code_text(reply->code));
    else if (step->type == COMMAND_SET)
        detector_settings_put(sequence->known, step->name, step->wanted->value);
    else if (step->type == COMMAND_GET)
        acceptance = accept_value(sequence, step, reply->value);
    if (acceptance == REFUSED) {
        fail(sequence, "detector", step->wanted);
    } else if (acceptance == SEND_ALL_AGAIN) {
        start_over(sequence);
    } else {
        sequence->next++;
        next_step(sequence);
    }
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
        sequence->ready_to_arm(sequence->data, &sequence->outcome);
    }
    const int r = command_client_send(sequence->client, step->type, step->name,
                                      step->type == COMMAND_SET ? step->wanted->value : NULL,
                                      on_reply, sequence);
    if (r < 0) {
        error_set(&sequence->outcome.refusal.error, r, "%s cannot be sent: %s", step->name,
                  strerror(-r));
        fail(sequence, r == -EINVAL ? "bad_value" : "not_connected", step->wanted);
    }
}

bool start_sequence_begin(struct start_sequence **out, struct command_client *client,
                          const struct start_settings *settings, struct detector_settings *known,
                          start_ready_fn ready_to_arm, start_done_fn done, void *data,
                          struct start_refusal *refusal)
{
    struct start_sequence *sequence = calloc(1, sizeof *sequence);
    if (!sequence) {
        *refusal = (struct start_refusal){.code = "internal"};
        error_set(&refusal->error, -ENOMEM, "no memory");
        return false;
    }
    if (!start_parameters_init(&sequence->parameters, settings, known, refusal)) {
        free(sequence);
        return false;
    }
    sequence->client = client;
    sequence->known = known;
    sequence->outcome.told = &sequence->told;
    sequence->ready_to_arm = ready_to_arm;
    sequence->done = done;
    sequence->data = data;
    add_steps(sequence);
    *out = sequence;
    next_step(sequence);
    return true;
}
