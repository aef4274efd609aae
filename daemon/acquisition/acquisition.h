#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "common/error.h"
#include "daemon/acquisition/preset.h"
#include "daemon/acquisition/trigger.h"
#include "daemon/bragg/labelled_scans.h"
#include "daemon/calibration/calibration_state.h"
#include "daemon/calibration/kept_store.h"
#include "daemon/config/config.h"
#include "daemon/logbook/logbook.h"
#include "daemon/pipeline.h"

/*
 * The acquisition state machine: what the detector and the pipeline are doing, in one word and a
 * sentence, and how runs are started and stopped. Belongs to the service thread.
 *
 *   disconnected -> idle -> arming -> armed -> acquiring -> finishing -> idle
 *
 * `armed` is also entered when somebody else arms the detector (an HDR comes), `fault` while the
 * detector reports an error.
 */
enum acquisition_state {
    ACQUISITION_DISCONNECTED,
    ACQUISITION_IDLE,
    ACQUISITION_ARMING,
    ACQUISITION_ARMED,
    ACQUISITION_ACQUIRING,
    ACQUISITION_FINISHING,
    ACQUISITION_FAULT,
};

struct acquisition;
struct frame_sums_progress;
struct live_detectors;

/* Told of what happens; called on the service thread. */
struct acquisition_observer {
    void *data;
    void (*state_changed)(void *data);
    /* `event`: "armed", "started", "ended", "finished"; `summary` as in the protocol, borrowed. */
    void (*run_event)(void *data, const char *event, const json_t *summary);
    /* A happening for the topic event/ (event.h): "stall", "geometry", "disk", "stray",
     * "recompute", "sweep". Takes over `body`. */
    void (*event)(void *data, const char *event, json_t *body);
};

/* The answer to a request: a result (owned by the callee from now on), or NULL with a code and a
 * sentence. */
typedef void (*acquisition_answer_fn)(void *data, json_t *result, const char *code,
                                      const char *field, const struct error *error);

/* What a request says of the geometry; what it leaves out stays as it is. */
struct geometry_request {
    bool scan_given, order_given, repeats_given, shift_given;
    bool skip_start_given, skip_line_given, skip_end_given;
    struct scan_geometry scan; /* the values of what is given; with a list of positions its order is
                                  SCAN_ORDER_LIST and its shape the list's */
};

struct acquisition_start {
    bool passive;
    bool view;       /* over and over, unrecorded, until stopped; not passive */
    bool find_lines; /* the flyback frames are found from exposures */
    /* Over the configured one. Its list is the caller's, and has to stay until the answer. */
    struct geometry_request geometry;
    bool trigger_given; /* else the preset's, or internal */
    enum trigger trigger;
    const struct preset *preset;   /* NULL: none */
    json_t *parameters;            /* object, may be NULL */
    char labels[PLAN_LABELS_SIZE]; /* JSON object, "": none */
    int recording;                 /* -1: as configured, 0 off, 1 on, 2 on and to be asked for */
    char directory[1024];          /* of the recording, "": as configured */
    char name[200];                /* template of its name, "": as configured */
};

/* The stream (daemon/stream/frame_stream.h) is borrowed; NULL: nobody takes frames as such. */
int acquisition_create(struct acquisition **acquisition, uv_loop_t *loop,
                       const struct config *config, struct frame_stream *stream,
                       const struct acquisition_observer *observer, struct error *error);

/* Asks the detector to stop and waits for what it still sends, then calls `drained`. Ends at once
 * when nothing is going on. */
void acquisition_shut_down(struct acquisition *acquisition, void (*drained)(void *data),
                           void *data);

/*
 * Finishes the file and the results and ends the threads (blocks); the observer hears of the last
 * events. Afterwards questions are still answered, so that those who wait for the run learn how it
 * ended, and nothing can be started.
 */
void acquisition_drain(struct acquisition *acquisition);

/* NULL does nothing. */
void acquisition_destroy(struct acquisition *acquisition);

/* Each answers exactly once, at once or later. */
void acquisition_start(struct acquisition *acquisition, const struct acquisition_start *start,
                       acquisition_answer_fn answer, void *data);
void acquisition_stop(struct acquisition *acquisition, acquisition_answer_fn answer, void *data);
void acquisition_get(struct acquisition *acquisition, const char *name,
                     acquisition_answer_fn answer, void *data);
void acquisition_set(struct acquisition *acquisition, const char *name, const char *value,
                     acquisition_answer_fn answer, void *data);

/* Sends a command to the detector as it is (but for STARTACQUISITION, which is refused). */
void acquisition_command(struct acquisition *acquisition, const char *name,
                         acquisition_answer_fn answer, void *data);

/*
 * Sees the newest run through another geometry from now on: the one in force with what the request
 * changes, and `nudge` frames added to its shift. Answers with the geometry as it is then, which
 * with nothing asked for is the present one. Tells it as an event when it is another one.
 */
void acquisition_set_geometry(struct acquisition *acquisition,
                              const struct geometry_request *request, int64_t nudge,
                              acquisition_answer_fn answer, void *data);

/* The virtual detectors in force; adds or moves (by name) or removes one, in the newest run from
 * its next chunk on and in all that follow. */
void acquisition_detectors(const struct acquisition *acquisition, acquisition_answer_fn answer,
                           void *data);
void acquisition_set_detector(struct acquisition *acquisition,
                              const struct virtual_detector_settings *settings,
                              acquisition_answer_fn answer, void *data);
void acquisition_remove_detector(struct acquisition *acquisition, const char *name,
                                 acquisition_answer_fn answer, void *data);

/* Those in force, borrowed until they are changed. */
const struct live_detectors *acquisition_live_detectors(const struct acquisition *acquisition);

/* Computes what was added or moved since the newest run began over the frames that it measured
 * before, from its file; `name` (may be NULL): only that detector. Answers at once, events tell how
 * it goes. */
void acquisition_recompute(struct acquisition *acquisition, const char *name,
                           acquisition_answer_fn answer, void *data);

/* The calibration in force, borrowed until it is changed; puts another in its place (a copy), for
 * all runs that are started from now on and detectors that are added. */
const struct calibration *acquisition_calibration(const struct acquisition *acquisition);
void acquisition_set_calibration(struct acquisition *acquisition,
                                 const struct calibration *calibration);

/* What is kept by name: references and calibrations. Borrowed. */
struct kept_store *acquisition_kept(struct acquisition *acquisition);

/*
 * Searches the newest run, which is finished, again from its file with the settings in force: with
 * a kept reference at once, as results are computed again; else *learns is a reference to the run,
 * whose search the caller has to complete (bragg_final) off the service thread. The file stays as
 * it is. A negative errno with a sentence: nothing is changed.
 */
int acquisition_search_again(struct acquisition *acquisition, struct run **learns,
                             struct error *error);

/* What is done about Bragg reflections, borrowed until it is changed. */
const struct bragg_plan *acquisition_bragg(const struct acquisition *acquisition);
/*
 * Does it as `plan` (a copy) says in all runs that follow and, while a run goes on, in that from
 * its next chunk on; what it has measured before is computed again from its file. A negative errno
 * with a sentence that begins with the key at fault: nothing is changed. *set (may be NULL): the
 * product set of the run that does so, NULL: no run goes on.
 */
int acquisition_set_bragg(struct acquisition *acquisition, const struct bragg_plan *plan,
                          const struct product_set **set, struct error *error);

/* Finished scans with labels, borrowed. */
struct labelled_scans *acquisition_labelled_scans(struct acquisition *acquisition);
/* Takes the newest run in when it is over and its event still on the way: who asked for the run has
 * seen that it is. */
void acquisition_take_labelled(struct acquisition *acquisition);

/*
 * Somebody begins to read the frames of a run from its file again (frame_sums.h), which
 * events tell of: `progress` is theirs until acquisition_sweep_end, and is told to stop when the
 * daemon ends. `what` is a literal. -EBUSY: somebody does so already. `error`: a sentence, or "".
 */
int acquisition_sweep_begin(struct acquisition *acquisition, struct run *run, const char *what,
                            struct frame_sums_progress *progress);
void acquisition_sweep_end(struct acquisition *acquisition, const char *error);

/*
 * Keeps or discards the file of a run (NULL: the newest), now or, while it goes on, when it is
 * over. Answers with {run, fate, file}.
 */
void acquisition_set_fate(struct acquisition *acquisition, const char *id, bool discard,
                          acquisition_answer_fn answer, void *data);
/* Takes a file out of the trash. */
void acquisition_take_back(struct acquisition *acquisition, const char *file,
                           acquisition_answer_fn answer, void *data);
/* Paths of directories of recordings that have a trash, borrowed. */
const json_t *acquisition_directories(const struct acquisition *acquisition);
/* Notes and series that clients tell, for the files of runs. Borrowed. */
struct logbook *acquisition_logbook(struct acquisition *acquisition);
double acquisition_trash_hours(const struct acquisition *acquisition);

/* Given maps (given_maps.h) of the newest run have changed: when they get into its file, as
 * recorder_add_given has it. */
const char *acquisition_record_given(struct acquisition *acquisition);

/* In view mode: ends the run of the view with the pass that is going on and records the next one as
 * a run of its own. Answers with its id. */
void acquisition_record_pass(struct acquisition *acquisition, acquisition_answer_fn answer,
                             void *data);

/*
 * Changes `scan` as a request says. -EINVAL with a sentence, and the member of args at fault in
 * *field, when the two do not go together. The result borrows the request's list.
 */
int geometry_request_apply(const struct geometry_request *request, struct scan_geometry *scan,
                           const char **field, struct error *error);

/* When a run's lines are to be found from exposures: looks for them among the frames that have come
 * by now. Cheap when there is nothing to do; called now and then, and when a run is over. */
void acquisition_find_lines(struct acquisition *acquisition);

/* A plan with the settings of the configuration and the detectors in force, one reference. NULL: no
 * memory. */
struct acquisition_plan *acquisition_make_plan(const struct acquisition *acquisition);

/* Threads that a run made by somebody else may reckon with, as run_create has them. */
unsigned acquisition_workers(const struct acquisition *acquisition);

/*
 * Shows a run that was not measured here (daemon/opened/opened_run.h) as if its last frame had just
 * come, and computes all its results from its file; events tell how it goes. For a daemon whose
 * configuration names a file to open, once.
 */
int acquisition_open(struct acquisition *acquisition, struct run *run, struct error *error);

/* As pipeline_stuck. */
bool acquisition_stuck(struct acquisition *acquisition, char *who, size_t size);

enum acquisition_state acquisition_state(const struct acquisition *acquisition);
const char *acquisition_state_name(enum acquisition_state state);

/* The newest run that has frames, borrowed until the next turn of the loop; NULL before the first.
 */
struct run *acquisition_run(const struct acquisition *acquisition);

/* The run with this id if it is among the newest and still in memory (run_history.h), borrowed
 * until the next turn of the loop. NULL with a sentence. */
struct run *acquisition_find_run(const struct acquisition *acquisition, const char *id,
                                 struct error *error);

/* Summary of a run (NULL: the newest), new reference; NULL when there is none with this id. */
json_t *acquisition_summary(const struct acquisition *acquisition, const char *id);

/* The members of the status that this module knows, new reference. */
json_t *acquisition_status(const struct acquisition *acquisition);

/* Asks the workers for fresh arrays (patterns, profiles) and patterns of the newest run. */
void acquisition_want_images(struct acquisition *acquisition);
