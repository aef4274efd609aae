#include "daemon/acquisition/recovery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/acquisition/detector_status.h"

#define POLL_MS 100
#define STOP_POLLS 10 /* a second */
#define CLEAR_DELAY_MS 3000

/*
 * One command or the timer is outstanding at a time, so that there is always exactly one event to
 * come. After the end (`done` is NULL) that event, and the closing of the timer, free it.
 */
struct recovery {
    struct command_client *client;
    recovery_done_fn done;
    void *data;
    uv_timer_t timer;
    bool reply_awaited, timer_closed;
    bool stopped, aborted, cleared; /* what was sent */
    unsigned polls;                 /* since the last action */
    long detector_status;
    json_t *actions;
};

static void free_when_over(struct recovery *recovery)
{
    if (recovery->reply_awaited || !recovery->timer_closed)
        return;
    json_decref(recovery->actions);
    free(recovery);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct recovery *const recovery = handle->data;
    recovery->timer_closed = true;
    free_when_over(recovery);
}

static void finish(struct recovery *recovery, int status)
{
    const recovery_done_fn done = recovery->done;
    recovery->done = NULL;
    uv_close((uv_handle_t *)&recovery->timer, on_timer_closed);
    const struct recovery_outcome outcome = {status, recovery->detector_status, recovery->actions};
    done(recovery->data, &outcome);
}

static void on_status(void *data, const struct command_reply *reply);
static void on_action(void *data, const struct command_reply *reply);

static void send_command(struct recovery *recovery, enum command_type type, const char *name,
                         command_reply_fn reply)
{
    const int r = command_client_send(recovery->client, type, name, NULL, reply, recovery);
    if (r < 0)
        finish(recovery, r);
    else
        recovery->reply_awaited = true;
}

static void ask_status(struct recovery *recovery)
{
    send_command(recovery, COMMAND_GET, "DETECTORSTATUS", on_status);
}

static void on_timer(uv_timer_t *timer)
{
    struct recovery *const recovery = timer->data;
    if (recovery->detector_status == DETECTOR_ERROR && recovery->aborted && !recovery->cleared) {
        recovery->cleared = true;
        json_array_append_new(recovery->actions, json_string("CLEARERROR"));
        send_command(recovery, COMMAND_CMD, "CLEARERROR", on_action);
    } else {
        ask_status(recovery);
    }
}

static void act(struct recovery *recovery, const char *command)
{
    log_notice("detector", "%s, for DETECTORSTATUS is %ld and no run is going on", command,
               recovery->detector_status);
    recovery->polls = 0;
    json_array_append_new(recovery->actions, json_string(command));
    send_command(recovery, COMMAND_CMD, command, on_action);
}

static bool is_busy(long status)
{
    return status == DETECTOR_BUSY || status == DETECTOR_ARMED;
}

/* What follows from a status: wait, do the next thing, or be done. */
static void consider(struct recovery *recovery)
{
    const bool error = recovery->detector_status == DETECTOR_ERROR;
    if (error && !recovery->aborted) {
        recovery->aborted = true;
        act(recovery, "ABORT");
    } else if (!error && !is_busy(recovery->detector_status)) {
        finish(recovery, 0);
    } else if (!error && !recovery->stopped) {
        recovery->stopped = true;
        act(recovery, "STOPACQUISITION");
    } else if (recovery->polls++ < STOP_POLLS) {
        uv_timer_start(&recovery->timer, on_timer,
                       error && !recovery->cleared ? CLEAR_DELAY_MS : POLL_MS, 0);
    } else if (!error && !recovery->aborted) {
        recovery->aborted = true;
        act(recovery, "ABORT");
    } else {
        finish(recovery, 0);
    }
}

/* false: it is over already, or over now. */
static bool take_reply(struct recovery *recovery, const struct command_reply *reply)
{
    recovery->reply_awaited = false;
    if (!recovery->done)
        free_when_over(recovery);
    else if (reply->status < 0)
        finish(recovery, reply->status);
    else
        return true;
    return false;
}

static void on_status(void *data, const struct command_reply *reply)
{
    struct recovery *const recovery = data;
    if (!take_reply(recovery, reply))
        return;
    if (reply->code != COMMAND_CODE_OK) {
        finish(recovery, -EPROTO);
        return;
    }
    recovery->detector_status = strtol(reply->value, NULL, 10);
    consider(recovery);
}

/* A refused action is no end: what counts is the status afterwards. */
static void on_action(void *data, const struct command_reply *reply)
{
    struct recovery *const recovery = data;
    if (!take_reply(recovery, reply))
        return;
    if (reply->code != COMMAND_CODE_OK)
        log_warning("detector", "%s: %s", reply->name, command_code_text(reply->code));
    if (recovery->detector_status == DETECTOR_ERROR && !recovery->cleared)
        uv_timer_start(&recovery->timer, on_timer, CLEAR_DELAY_MS, 0);
    else
        ask_status(recovery);
}

bool recovery_succeeded(const struct recovery_outcome *outcome)
{
    return outcome->status == 0 && outcome->detector_status != DETECTOR_ERROR &&
           !is_busy(outcome->detector_status);
}

void recovery_explain(const struct recovery_outcome *outcome, struct error *error)
{
    if (outcome->status == -ECANCELED)
        error_set(error, -ESHUTDOWN, "merlind is stopping");
    else if (outcome->status < 0)
        error_set(error, outcome->status, "DETECTORSTATUS: no answer from the detector: %s",
                  strerror(-outcome->status));
    else if (outcome->detector_status == DETECTOR_ERROR)
        error_set(
            error, -EIO,
            "the detector still reports an error after ABORT and CLEARERROR: restart the Merlin "
            "program");
    else
        error_set(
            error, -EBUSY,
            "the detector is still busy (DETECTORSTATUS %ld) after STOPACQUISITION and ABORT: "
            "look at the Merlin program",
            outcome->detector_status);
}

int recovery_begin(struct recovery **out, uv_loop_t *loop, struct command_client *client,
                   recovery_done_fn done, void *data)
{
    struct recovery *const recovery = calloc(1, sizeof *recovery);
    json_t *const actions = recovery ? json_array() : NULL;
    if (!actions) {
        free(recovery);
        return -ENOMEM;
    }
    *recovery = (struct recovery){
        .client = client,
        .done = done,
        .data = data,
        .detector_status = -1,
        .actions = actions,
    };
    uv_timer_init(loop, &recovery->timer);
    recovery->timer.data = recovery;
    const int r =
        command_client_send(client, COMMAND_GET, "DETECTORSTATUS", NULL, on_status, recovery);
    if (r < 0) {
        recovery->done = NULL;
        uv_close((uv_handle_t *)&recovery->timer, on_timer_closed);
        return r;
    }
    recovery->reply_awaited = true;
    *out = recovery;
    return 0;
}

void recovery_cancel(struct recovery *recovery)
{
    if (recovery)
        finish(recovery, -ECANCELED);
}
