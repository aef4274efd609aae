#pragma once

#include "common/error.h"
#include "daemon/acquisition/acquisition.h"
#include "daemon/acquisition/disk_events.h"
#include "daemon/acquisition/link_log.h"
#include "daemon/acquisition/pack_steps.h"
#include "daemon/acquisition/recovery.h"
#include "daemon/acquisition/run_history.h"
#include "daemon/acquisition/stall_events.h"
#include "daemon/acquisition/start_sequence.h"
#include "daemon/acquisition/stray_watch.h"
#include "daemon/logbook/logbook.h"
#include "daemon/results/live_detectors.h"
#include "detector/command_client.h"
#include "processing/stored/recompute.h"

/* What the parts of the acquisition state machine share. Belongs to the service thread wholly. */

/* How far the search for the lines of the newest run has come (acquisition_lines.c). */
struct line_search {
    bool done;
    uint64_t looked_at; /* exposures that had come when they were last looked for */
    uint64_t grown_to;  /* lines of the view while their number is unknown, else 0 */
};

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
    uint64_t doubted_ns; /* when the command link broke and the data link did not; 0: it stands */
    struct error data_error, command_error;
    struct link_log data_log, command_log;

    struct acquisition_plan *plan; /* armed or arming, its first frame has not come */
    struct start_sequence *starting;
    struct recovery *recovering;    /* a stop that brings the detector back to idle */
    struct detector_settings known; /* of the detector, on this connection */
    acquisition_answer_fn start_answer;
    void *start_data;
    struct error refused; /* a run could not begin and the detector that was started for it is to be
                             stopped, or is being; code 0: none */
    bool stop_waits;      /* until the detector is set up */
    bool plan_is_stopping; /* until ingest has seen whether frames of it were on their way */
    acquisition_answer_fn stop_answer; /* while recovering, and of a stop that waits */
    void *stop_data;

    struct run *run;            /* the newest with frames */
    struct stall_events stalls; /* of it */
    struct stray_watch strays;
    struct disk_events disk; /* of it */
    struct disk_experience disk_experience;
    struct pack_steps packing; /* of the newest run */
    struct logbook *logbook;
    json_t *directories; /* of recordings, resolved, that are known since the start */
    struct line_search lines;
    struct run_history history;
    unsigned polls, idle_polls;
    uint64_t idle_turns, last_turns; /* of ingest (ingest_turns): at the first of idle_polls, and at
                                        the newest */
    bool status_asked;
    uint64_t rate_time_ns, rate_received;
    double rate;

    struct acquisition_start
        waiting; /* a start that waits for the links; while waiting_answer is set */
    acquisition_answer_fn waiting_answer;
    void *waiting_data;

    struct live_detectors detectors;
    struct calibration calibration;
    struct kept_store *kept;
    struct bragg_plan bragg; /* in force */
    struct labelled_scans labelled;
    uint32_t settings_version;   /* raised whenever detectors or calibration change */
    uint32_t detectors_version;  /* the settings' version when the detectors changed last */
    struct recompute *recompute; /* NULL: none is going on */
    struct run *recompute_run;
    uint64_t recompute_told;              /* progress that was published */
    struct recompute_progress recomputed; /* the last that is over; not finished: there was none */

    struct frame_sums_progress *sweep; /* NULL: none is going on */
    const char *sweep_what;
    struct run *sweep_run;
    uint64_t sweep_told; /* progress that was published */

    void (*drained)(void *data);
    void *drained_data;
    bool drained_for_good; /* the pipeline has ended */
};

__attribute__((format(printf, 3, 4))) void acquisition_set_state(struct acquisition *acquisition,
                                                                 enum acquisition_state state,
                                                                 const char *why, ...);

/* What the pipeline and the command link tell (acquisition_events.c); `data` is the acquisition. */
void acquisition_on_pipeline(void *data, const struct pipeline_event *event);
void acquisition_on_command_link(void *data, bool connected, const struct error *error);

/* A recording is looked at again: there is no detector, and one run (acquisition_open.c). */
bool acquisition_is_opened(const struct acquisition *acquisition);

/* Idle, or disconnected, with the sentence that belongs to it. */
void acquisition_set_idle(struct acquisition *acquisition);

/* Frames of the newest run are expected. */
bool acquisition_run_goes_on(const struct acquisition *acquisition);

/* A directory of recordings, whose trash is looked after from now on (acquisition_fate.c). */
void acquisition_know_directory(struct acquisition *acquisition, const char *directory);

/* Tells of frames that belong to no run; `end`: nothing more will come. */
void acquisition_watch_strays(struct acquisition *acquisition, bool end);

/* The run is over: its file goes where it is to be. */
void acquisition_decide_fate(struct acquisition *acquisition, struct run *run);

/* Ends a run whose first frame never came. */
void acquisition_give_up_plan(struct acquisition *acquisition, const char *reason,
                              const char *cause, const char *detail);

/* Puts the plan into the history, where clients find it before it has a frame. */
void acquisition_remember_plan(struct acquisition *acquisition, const char *state);

void acquisition_become_armed(struct acquisition *acquisition, const char *why);

/* Starts at once, or refuses. */
void acquisition_start_now(struct acquisition *acquisition, const struct acquisition_start *start,
                           acquisition_answer_fn answer, void *data);

/* A link came up, or the detector is stopped: a start that waits for it may go on
 * (acquisition_wait.c). */
void acquisition_links_changed(struct acquisition *acquisition);

/* A recovery has come to its end: what it changed in the detector is not known any more. false,
 * with a sentence: the detector is not idle. */
bool acquisition_recovery_ended(struct acquisition *acquisition,
                                const struct recovery_outcome *outcome, struct error *error);

/* The detector is set up, or has refused: a stop that came meanwhile is carried out. */
void acquisition_stop_if_asked(struct acquisition *acquisition);

/* A run could not begin; the detector is stopped if merlind has started it
 * (acquisition_refused.c). */
void acquisition_run_refused(struct acquisition *acquisition, const struct error *error);

/* The detector is set up: false when the run that it was for could not begin meanwhile. */
bool acquisition_start_holds(struct acquisition *acquisition);

/* The detector of a run that could not begin is being stopped. */
bool acquisition_stops_refused(const struct acquisition *acquisition);

/* Whoever waits for the last run to end is told when it has. */
void acquisition_check_drained(struct acquisition *acquisition);

/* Ends the plan because nothing came for it. */
void acquisition_end_plan(struct acquisition *acquisition, enum run_end end);

/* There is no plan any more: a stop that waited for that is answered. */
void acquisition_plan_stopped(struct acquisition *acquisition);

/* A start that waits is refused now, for the reason that keeps it waiting. */
void acquisition_wait_no_longer(struct acquisition *acquisition);

/* Sees the newest run through another geometry and tells it as an event. -ENOMEM. */
int acquisition_see_as(struct acquisition *acquisition, const struct scan_geometry *scan,
                       const char *source, struct error *error);

/* Begins and ends watching DETECTORSTATUS and the frame rate (acquisition_watch.c). */
void acquisition_watch_start(struct acquisition *acquisition);
void acquisition_watch_new_run(struct acquisition *acquisition);

/* Makes the settings in force those of runs that somebody else starts, as a new version. */
void acquisition_renew_default_plan(struct acquisition *acquisition);

/* Takes what the configuration says of Bragg reflections (acquisition_bragg.c). */
void acquisition_begin_bragg(struct acquisition *acquisition);

/* Computes products again over the frames of the newest run. -EBUSY, or what kept it from
 * beginning. */
int acquisition_begin_recompute(struct acquisition *acquisition, struct product *const *products,
                                size_t n, struct error *error);

/* A run began under a plan that was made before the virtual detectors changed. */
void acquisition_renew_detectors(struct acquisition *acquisition);

/* The Bragg reflections of an opened run that are provisional are made final: what they lie on is
 * measured on its frames (acquisition_open.c). */
void acquisition_learn_again(struct acquisition *acquisition);

/* Tells how far computing again has come (acquisition_detectors.c); ends it. */
void acquisition_recompute_watch(struct acquisition *acquisition);
/* Its progress, null when nothing is computed again. */
json_t *acquisition_recompute_json(const struct acquisition *acquisition);
void acquisition_recompute_stop(struct acquisition *acquisition);

/* Tells how far a sweep over the frames has come (acquisition_sweep.c). */
void acquisition_sweep_watch(struct acquisition *acquisition);
/* Tells it to stop, and forgets it. */
void acquisition_sweep_stop(struct acquisition *acquisition);

/* A run that has ended was part of a view, and another run goes on with the next frame. */
bool acquisition_view_goes_on(const struct run *run);

/* A view is over: a pass of it that was to be recorded will not come (acquisition_view.c). */
void acquisition_view_ended(struct acquisition *acquisition, const struct run *run);
