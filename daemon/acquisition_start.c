#include <errno.h>
#include <stdlib.h>

#include "daemon/acquisition_internal.h"

struct acquisition_plan *acquisition_make_plan(const struct config *config)
{
    struct acquisition_plan *const plan = acquisition_plan_create(config->n_virtual_detectors);
    if (!plan)
        return NULL;
    plan->version = 1;
    plan->scan = config->scan;
    plan->scan_from_header = config->scan.ny == 0;
    plan->recording = config->recording;
    plan->detector_gap = config->detector_gap;
    for (size_t i = 0; i < config->n_virtual_detectors; i++)
        plan->virtual_detectors[i] = config->virtual_detectors[i];
    return plan;
}

/* A fast run may be over before the reply to STARTACQUISITION is read. */
static const char *state_after_start(const struct acquisition *acquisition)
{
    const bool over =
        acquisition->state == ACQUISITION_IDLE || acquisition->state == ACQUISITION_DISCONNECTED;
    return over ? "finished" : acquisition_state_name(acquisition->state);
}

static json_t *start_result(const struct acquisition *acquisition,
                            const struct acquisition_plan *plan)
{
    return json_pack("{s:s, s:s, s:I, s:s}", "id", plan->id, "state",
                     state_after_start(acquisition), "expected",
                     (json_int_t)scan_geometry_positions(&plan->scan), "file", "");
}

static void answer_start(struct acquisition *acquisition, json_t *result, const char *code,
                         const char *field, const struct error *error)
{
    const acquisition_answer_fn answer = acquisition->start_answer;
    acquisition->start_answer = NULL;
    answer(acquisition->start_data, result, code, field, error);
}

static void on_ready_to_arm(void *data, const struct start_outcome *outcome)
{
    struct acquisition *const acquisition = data;
    struct acquisition_plan *const plan = acquisition->plan;
    plan->frame_period_ns = outcome->frame_period_ns;
    if (plan->detector_gap == 0)
        plan->detector_gap = outcome->gap_pixels;
    (void)ingest_expect(pipeline_ingest(acquisition->pipeline), acquisition->plan, true);
}

static void on_start_done(void *data, const struct start_outcome *outcome)
{
    struct acquisition *const acquisition = data;
    acquisition->starting = NULL;
    acquisition->idle_polls = 0;
    const struct start_refusal *const refusal = &outcome->refusal;
    if (refusal->code) {
        run_history_drop(&acquisition->history, acquisition->plan->id);
        acquisition_plan_unref(acquisition->plan);
        acquisition->plan = NULL;
        (void)ingest_expect_nothing(pipeline_ingest(acquisition->pipeline));
        acquisition_set_idle(acquisition);
        answer_start(acquisition, NULL, refusal->code, *refusal->field ? refusal->field : NULL,
                     &refusal->error);
        return;
    }
    /* Fast frames may have made the run begin before the reply to STARTACQUISITION was read. */
    if (acquisition->plan)
        acquisition_become_armed(acquisition, "waiting for the first frame");
    const struct acquisition_plan *const plan =
        acquisition->plan ? acquisition->plan : acquisition->run->plan;
    answer_start(acquisition, start_result(acquisition, plan), NULL, NULL, NULL);
}

static const char *refuse_start(const struct acquisition *acquisition,
                                const struct acquisition_start *start, struct error *error)
{
    if (acquisition->drained_for_good) {
        error_set(error, -ESHUTDOWN, "merlind is stopping");
        return "busy";
    }
    if (acquisition->recovering) {
        error_set(error, -EBUSY, "the detector is being stopped: try again in a few seconds");
        return "busy";
    }
    if (acquisition->plan || acquisition->starting || acquisition_run_goes_on(acquisition)) {
        error_set(error, -EBUSY, "a run is going on (%s): stop it first, or wait for its end",
                  acquisition_state_name(acquisition->state));
        return "busy";
    }
    if (acquisition->state == ACQUISITION_FAULT) {
        error_set(error, -EIO, "%s", acquisition->why);
        return "detector";
    }
    if (!acquisition->data_connected) {
        error_set(error, -ENOTCONN, "no data link to the detector at %s:%u: %s",
                  acquisition->config->detector_host, acquisition->config->detector_data_port,
                  acquisition->data_error.text);
        return "not_connected";
    }
    if (!start->passive && !acquisition->command_connected) {
        error_set(error, -ENOTCONN, "no command link to the detector at %s:%u: %s",
                  acquisition->config->detector_host, acquisition->config->detector_command_port,
                  acquisition->command_error.text);
        return "not_connected";
    }
    return NULL;
}

static void start_passive(struct acquisition *acquisition, acquisition_answer_fn answer, void *data)
{
    detector_settings_clear(&acquisition->known); /* somebody else will set the detector up */
    (void)ingest_expect(pipeline_ingest(acquisition->pipeline), acquisition->plan, false);
    acquisition_become_armed(acquisition, "waiting for somebody else to start the detector");
    answer(data, start_result(acquisition, acquisition->plan), NULL, NULL, NULL);
}

static void start_active(struct acquisition *acquisition, const struct acquisition_start *start,
                         acquisition_answer_fn answer, void *data)
{
    struct start_outcome outcome = {0};
    const struct start_settings settings = {
        .scan = acquisition->plan->scan,
        .trigger_given = start->trigger_given,
        .trigger = start->trigger,
        .preset = start->preset,
        .parameters = start->parameters,
        .allow_dangerous = acquisition->config->detector_allow_dangerous,
    };
    acquisition->plan->active = true;
    acquisition->start_answer = answer;
    acquisition->start_data = data;
    acquisition_remember_plan(acquisition, "arming");
    acquisition_set_state(acquisition, ACQUISITION_ARMING, "setting the detector up");
    if (!start_sequence_begin(&acquisition->starting, acquisition->client, &settings,
                              &acquisition->known, on_ready_to_arm, on_start_done, acquisition,
                              &outcome.refusal))
        on_start_done(acquisition, &outcome);
}

void acquisition_start_now(struct acquisition *acquisition, const struct acquisition_start *start,
                           acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    const char *const code = refuse_start(acquisition, start, &error);
    if (code) {
        answer(data, NULL, code, NULL, &error);
        return;
    }
    struct acquisition_plan *const plan = acquisition_make_plan(acquisition->config);
    if (!plan) {
        error_set(&error, -ENOMEM, "no memory");
        answer(data, NULL, "internal", NULL, &error);
        return;
    }
    if (start->scan_given) {
        plan->scan.ny = start->scan.ny;
        plan->scan.nx = start->scan.nx;
        plan->scan_from_header = false;
    }
    if (start->skip_given) {
        plan->scan.skip_start = start->scan.skip_start;
        plan->scan.skip_line = start->scan.skip_line;
        plan->scan.skip_end = start->scan.skip_end;
    }
    if (start->recording >= 0)
        plan->recording.enabled = start->recording;
    if (!start->passive && plan->scan.ny == 0) {
        error_set(&error, -EINVAL, "no scan shape: give args.scan or configure scan.shape");
        answer(data, NULL, "bad_value", "args.scan", &error);
        acquisition_plan_unref(plan);
        return;
    }
    if (plan->recording.enabled && recording_check(&plan->recording, 0, NULL, &error) < 0) {
        answer(data, NULL, "recording", "recording.directory", &error);
        acquisition_plan_unref(plan);
        return;
    }
    acquisition->plan = plan;
    if (start->passive)
        start_passive(acquisition, answer, data);
    else
        start_active(acquisition, start, answer, data);
}
