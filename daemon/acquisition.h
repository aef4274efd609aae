#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "common/error.h"
#include "daemon/config.h"
#include "daemon/pipeline.h"
#include "daemon/preset.h"
#include "daemon/trigger.h"

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

/* Told of what happens; called on the service thread. */
struct acquisition_observer {
    void *data;
    void (*state_changed)(void *data);
    /* `event`: "armed", "started", "ended", "finished"; `summary` as in the protocol, borrowed. */
    void (*run_event)(void *data, const char *event, const json_t *summary);
};

/* The answer to a request: a result (owned by the callee from now on), or NULL with a code and a
 * sentence. */
typedef void (*acquisition_answer_fn)(void *data, json_t *result, const char *code,
                                      const char *field, const struct error *error);

struct acquisition_start {
    bool passive;
    bool scan_given, skip_given;
    struct scan_geometry scan; /* what is not given is as configured */
    bool trigger_given;        /* else the preset's, or internal */
    enum trigger trigger;
    const struct preset *preset; /* NULL: none */
    const json_t *parameters;    /* object, may be NULL */
    int recording;               /* -1: as configured, 0 off, 1 on */
};

int acquisition_create(struct acquisition **acquisition, uv_loop_t *loop,
                       const struct config *config, const struct acquisition_observer *observer,
                       struct error *error);

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

enum acquisition_state acquisition_state(const struct acquisition *acquisition);
const char *acquisition_state_name(enum acquisition_state state);

/* The newest run that has frames, borrowed until the next turn of the loop; NULL before the first.
 */
struct run *acquisition_run(const struct acquisition *acquisition);

/* Summary of a run (NULL: the newest), new reference; NULL when there is none with this id. */
json_t *acquisition_summary(const struct acquisition *acquisition, const char *id);

/* The members of the status that this module knows, new reference. */
json_t *acquisition_status(const struct acquisition *acquisition);

/* Asks the workers for fresh images of the newest run. */
void acquisition_want_images(struct acquisition *acquisition);
