#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "daemon/acquisition/acquisition_internal.h"

#define STOP_QUIET_NS (300 * NS_PER_MS)
#define SHUT_DOWN_MS 3000

/* Frames that the detector has sent by then are still taken. false: nobody will tell the end. */
static bool stop_detector(struct acquisition *acquisition, enum run_end end)
{
    if (acquisition->command_connected)
        (void)command_client_send(acquisition->client, COMMAND_CMD, "STOPACQUISITION", NULL, NULL,
                                  NULL);
    return acquisition->data_connected &&
           ingest_end_run(pipeline_ingest(acquisition->pipeline), end, STOP_QUIET_NS) == 0;
}

static json_t *stop_result(const struct acquisition *acquisition, const json_t *actions)
{
    json_t *const result = json_pack("{s:s}", "state", acquisition_state_name(acquisition->state));
    json_object_set_new(result, "actions", actions ? json_deep_copy(actions) : json_array());
    return result;
}

static const char *recovery_code(const struct recovery_outcome *outcome)
{
    return outcome->status == -ENOTCONN    ? "not_connected"
           : outcome->status == -ECANCELED ? "busy"
                                           : "detector";
}

bool acquisition_recovery_ended(struct acquisition *acquisition,
                                const struct recovery_outcome *outcome, struct error *error)
{
    acquisition->recovering = NULL;
    if (json_array_size(outcome->actions) > 0)
        detector_settings_clear(&acquisition->known);
    if (recovery_succeeded(outcome))
        return true;
    recovery_explain(outcome, error);
    return false;
}

static void on_recovered(void *data, const struct recovery_outcome *outcome)
{
    struct acquisition *const acquisition = data;
    struct error error = {0};
    if (!acquisition_recovery_ended(acquisition, outcome, &error)) {
        acquisition->stop_answer(acquisition->stop_data, NULL, recovery_code(outcome), NULL,
                                 &error);
        return;
    }
    if (acquisition->state == ACQUISITION_FAULT)
        acquisition_set_idle(acquisition);
    acquisition->stop_answer(acquisition->stop_data, stop_result(acquisition, outcome->actions),
                             NULL, NULL, NULL);
}

static bool begin_recovery(struct acquisition *acquisition, acquisition_answer_fn answer,
                           void *data)
{
    acquisition->stop_answer = answer;
    acquisition->stop_data = data;
    return recovery_begin(&acquisition->recovering, acquisition->loop, acquisition->client,
                          on_recovered, acquisition) == 0;
}

static void answer_busy(const char *why, acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    error_set(&error, -EBUSY, "%s", why);
    answer(data, NULL, "busy", NULL, &error);
}

static json_t *stop_actions(const struct acquisition *acquisition)
{
    return acquisition->command_connected ? json_pack("[s]", "STOPACQUISITION") : json_array();
}

void acquisition_end_plan(struct acquisition *acquisition, enum run_end end)
{
    if (end == RUN_END_SHUTDOWN)
        acquisition_give_up_plan(acquisition, "shutdown", "shutdown", "merlind was stopped");
    else
        acquisition_give_up_plan(acquisition, "stopped", "stopped",
                                 "stopped on request before the first frame");
}

void acquisition_plan_stopped(struct acquisition *acquisition)
{
    if (!acquisition->plan_is_stopping)
        return;
    acquisition->plan_is_stopping = false;
    if (acquisition->state == ACQUISITION_ARMED)
        acquisition_set_idle(acquisition);
    json_t *const actions = stop_actions(acquisition);
    acquisition->stop_answer(acquisition->stop_data, stop_result(acquisition, actions), NULL, NULL,
                             NULL);
    json_decref(actions);
}

/* Whether the run that is armed has begun is known to ingest alone: frames of it may be on their
 * way. */
static void stop_plan(struct acquisition *acquisition, acquisition_answer_fn answer, void *data)
{
    acquisition->plan_is_stopping = true;
    acquisition->stop_answer = answer;
    acquisition->stop_data = data;
    if (stop_detector(acquisition, RUN_END_STOPPED))
        acquisition_set_state(acquisition, acquisition->state, "stopping the detector");
    else
        acquisition_end_plan(acquisition, RUN_END_STOPPED);
}

void acquisition_stop(struct acquisition *acquisition, acquisition_answer_fn answer, void *data)
{
    /* A detector that is being set up takes no other command before it is armed. */
    if (acquisition->starting && !acquisition->stop_waits) {
        acquisition->stop_waits = true;
        acquisition->stop_answer = answer;
        acquisition->stop_data = data;
        return;
    }
    if (acquisition->starting) {
        answer_busy("the detector is being set up, and stopped then", answer, data);
        return;
    }
    if (acquisition->recovering || acquisition->plan_is_stopping) {
        answer_busy("the detector is being stopped already: try again in a few seconds", answer,
                    data);
        return;
    }
    acquisition_wait_no_longer(acquisition);
    if (acquisition->plan) {
        stop_plan(acquisition, answer, data);
        return;
    }
    const bool fault = acquisition->state == ACQUISITION_FAULT;
    const bool runs = acquisition_run_goes_on(acquisition);
    if (runs)
        (void)stop_detector(acquisition, RUN_END_STOPPED);
    if (acquisition->state == ACQUISITION_ARMED)
        acquisition_set_idle(acquisition);
    if ((!runs || fault) && acquisition->command_connected && !acquisition->drained_for_good &&
        begin_recovery(acquisition, answer, data))
        return;
    json_t *const actions = runs ? stop_actions(acquisition) : json_array();
    answer(data, stop_result(acquisition, actions), NULL, NULL, NULL);
    json_decref(actions);
}

void acquisition_stop_if_asked(struct acquisition *acquisition)
{
    if (!acquisition->stop_waits)
        return;
    acquisition->stop_waits = false;
    acquisition_stop(acquisition, acquisition->stop_answer, acquisition->stop_data);
}

static void on_shut_down_timer(uv_timer_t *timer)
{
    struct acquisition *const acquisition = timer->data;
    log_warning("acquisition",
                "the detector still sends frames %d s after it was told to stop: "
                "what it sends from now on is lost",
                SHUT_DOWN_MS / 1000);
    void (*const drained)(void *) = acquisition->drained;
    acquisition->drained = NULL;
    acquisition_end_plan(acquisition, RUN_END_SHUTDOWN);
    if (drained)
        drained(acquisition->drained_data);
}

/* Whether the detector works for merlind and has to be told. */
static bool detector_is_ours(const struct acquisition *acquisition)
{
    const struct acquisition_plan *const plan =
        acquisition_run_goes_on(acquisition) ? acquisition->run->plan : acquisition->plan;
    return plan && plan->active && !acquisition->starting;
}

void acquisition_shut_down(struct acquisition *acquisition, void (*drained)(void *data), void *data)
{
    acquisition_wait_no_longer(acquisition);
    if (acquisition_stops_refused(acquisition) ||
        (detector_is_ours(acquisition) && stop_detector(acquisition, RUN_END_SHUTDOWN))) {
        acquisition->drained = drained;
        acquisition->drained_data = data;
        uv_timer_start(&acquisition->shut_down_timer, on_shut_down_timer, SHUT_DOWN_MS, 0);
        return;
    }
    if (!acquisition->starting)
        acquisition_end_plan(acquisition, RUN_END_SHUTDOWN);
    drained(data);
}
