#pragma once

#include "common/error.h"
#include "daemon/acquisition.h"
#include "daemon/recovery.h"
#include "daemon/run_history.h"
#include "daemon/start_sequence.h"
#include "detector/command_client.h"

/* What the parts of the acquisition state machine share. Belongs to the service thread wholly. */

struct acquisition {
    const struct config *config;
    struct acquisition_observer observer;
    struct pipeline *pipeline;
    struct command_client *client;
    uv_loop_t *loop;
    uv_timer_t poll, shut_down_timer, wait_timer;

    enum acquisition_state state;
    char why[600];
    bool data_connected, command_connected;
    struct error data_error, command_error;

    struct acquisition_plan *plan; /* armed or arming, its first frame has not come */
    struct start_sequence *starting;
    struct recovery *recovering;    /* a stop that brings the detector back to idle */
    struct detector_settings known; /* of the detector, on this connection */
    acquisition_answer_fn start_answer;
    void *start_data;
    acquisition_answer_fn stop_answer; /* while recovering */
    void *stop_data;

    struct run *run; /* the newest with frames */
    struct run_history history;
    unsigned polls, idle_polls;
    bool status_asked;
    uint64_t rate_time_ns, rate_received;
    double rate;

    struct acquisition_start
        waiting; /* a start that waits for the links; while waiting_answer is set */
    acquisition_answer_fn waiting_answer;
    void *waiting_data;

    void (*drained)(void *data);
    void *drained_data;
    bool drained_for_good; /* the pipeline has ended */
};

__attribute__((format(printf, 3, 4))) void acquisition_set_state(struct acquisition *acquisition,
                                                                 enum acquisition_state state,
                                                                 const char *why, ...);

/* Idle, or disconnected, with the sentence that belongs to it. */
void acquisition_set_idle(struct acquisition *acquisition);

/* Frames of the newest run are expected. */
bool acquisition_run_goes_on(const struct acquisition *acquisition);

/* Ends a run whose first frame never came. */
void acquisition_give_up_plan(struct acquisition *acquisition, const char *reason,
                              const char *cause, const char *detail);

/* Puts the plan into the history, where clients find it before it has a frame. */
void acquisition_remember_plan(struct acquisition *acquisition, const char *state);

void acquisition_become_armed(struct acquisition *acquisition, const char *why);

/* Starts at once, or refuses. */
void acquisition_start_now(struct acquisition *acquisition, const struct acquisition_start *start,
                           acquisition_answer_fn answer, void *data);

/* A link came up: a start that waits for it may go on (acquisition_wait.c). */
void acquisition_links_changed(struct acquisition *acquisition);

/* A start that waits is refused now, for the reason that keeps it waiting. */
void acquisition_wait_no_longer(struct acquisition *acquisition);

/* A plan with the settings of the configuration, one reference. NULL: no memory. */
struct acquisition_plan *acquisition_make_plan(const struct config *config);

/* Begins and ends watching DETECTORSTATUS and the frame rate (acquisition_watch.c). */
void acquisition_watch_start(struct acquisition *acquisition);
void acquisition_watch_new_run(struct acquisition *acquisition);
