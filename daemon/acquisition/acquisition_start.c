#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/acquisition/acquisition_internal.h"
#include "daemon/acquisition/armed_parameters.h"
#include "daemon/acquisition/disk_start.h"
#include "daemon/acquisition/run_directory.h"
#include "daemon/acquisition/run_geometry.h"
#include "daemon/calibration/plan_warnings.h"
#include "daemon/logbook/beam_current.h"

struct acquisition_plan *acquisition_make_plan(const struct acquisition *acquisition)
{
    const struct config *const config = acquisition->config;
    const struct live_detectors *const detectors = &acquisition->detectors;
    struct acquisition_plan *const plan = acquisition_plan_create(detectors->n);
    unsigned series;
    double unit_pa;
    if (!plan)
        return NULL;
    plan->version = acquisition->settings_version;
    plan->scan = config->scan;
    plan->scan_from_header = config->scan.ny == 0;
    plan->recording = config->recording;
    plan->current_known = beam_current_find(acquisition->logbook, &series, &unit_pa);
    plan->analysis = config->analysis;
    bragg_plan_copy(&plan->bragg, &acquisition->bragg);
    calibration_copy(&plan->calibration, &acquisition->calibration);
    calibration_complete_rings(&plan->calibration, &plan->analysis.variance_settings.rings);
    plan->detector_gap = config->detector_gap;
    for (size_t i = 0; i < detectors->n; i++) {
        virtual_detector_settings_copy(&plan->virtual_detectors[i], &detectors->settings[i]);
        calibration_complete_detector(&plan->calibration, &plan->virtual_detectors[i]);
    }
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
    return json_pack("{s:s, s:s, s:I, s:s, s:o}", "id", plan->id, "state",
                     state_after_start(acquisition), "expected", (json_int_t)plan_expected(plan),
                     "file", "", "warnings", plan_warnings(plan, NULL));
}

static void answer_start(struct acquisition *acquisition, json_t *result, const char *code,
                         const char *field, const struct error *error)
{
    const acquisition_answer_fn answer = acquisition->start_answer;
    acquisition->start_answer = NULL;
    answer(acquisition->start_data, result, code, field, error);
}

static bool is_set_to(const struct detector_settings *settings, const char *name, const char *value)
{
    const char *const known = detector_settings_get(settings, name);
    return known && strcmp(known, value) == 0;
}

/* Images per exposure as far as this connection knows; 0: their headers have to tell. */
static uint32_t known_layers(const struct detector_settings *known)
{
    const bool both = is_set_to(known, "ENABLECOUNTER1", "2");
    if (is_set_to(known, "COLOURMODE", "1"))
        return both ? 8 : 4;
    return both ? 2 : 0;
}

static void on_ready_to_arm(void *data, const struct start_outcome *outcome)
{
    struct acquisition *const acquisition = data;
    struct acquisition_plan *const plan = acquisition->plan;
    plan->frame_period_ns = outcome->frame_period_ns;
    plan->layers = known_layers(&acquisition->known);
    free(plan->detector_parameters);
    plan->detector_parameters = armed_parameters_text(&acquisition->known, outcome->told);
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
        acquisition->refused = (struct error){0};
        run_history_drop(&acquisition->history, acquisition->plan->id);
        acquisition_plan_unref(acquisition->plan);
        acquisition->plan = NULL;
        (void)ingest_expect_nothing(pipeline_ingest(acquisition->pipeline));
        acquisition_set_idle(acquisition);
        answer_start(acquisition, NULL, refusal->code, *refusal->field ? refusal->field : NULL,
                     &refusal->error);
        acquisition_stop_if_asked(acquisition);
        return;
    }
    /* Fast frames may have made the run begin before the reply to STARTACQUISITION was read. */
    struct acquisition_plan *const plan =
        acquisition_plan_ref(acquisition->plan ? acquisition->plan : acquisition->run->plan);
    if (acquisition_start_holds(acquisition) && acquisition->plan)
        acquisition_become_armed(acquisition, "waiting for the first frame");
    answer_start(acquisition, start_result(acquisition, plan), NULL, NULL, NULL);
    acquisition_plan_unref(plan);
    acquisition_stop_if_asked(acquisition);
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
    if (acquisition->plan || acquisition->starting || acquisition_run_goes_on(acquisition) ||
        acquisition->state == ACQUISITION_ACQUIRING /* from pass to pass of a view */) {
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

/* A parameter that the request sets to a number, whatever the case of its name. */
static bool requested_number(const struct acquisition_start *start, const char *name, double *value)
{
    const char *key;
    json_t *given;
    char text[DETECTOR_VALUE_SIZE];
    json_object_foreach(start->parameters, key, given)
    {
        if (strcasecmp(key, name) == 0)
            return start_parameter_text(given, text, sizeof text) && detector_number(text, value);
    }
    return false;
}

/* More than any scan has: a burst that is not told in full ends continuous read-write with it. */
#define FRAMES_WITHOUT_END UINT32_MAX

/*
 * The scan as far as the detector has to know it. Where lines are still to be found it is one long
 * line of as many frames as were asked for; a scan that goes over and over has as many passes as
 * there can be, and its lines.
 */
static struct scan_geometry scan_to_trigger(const struct acquisition_plan *plan,
                                            const struct acquisition_start *start)
{
    struct scan_geometry scan = plan->scan;
    double frames = 0;
    if (plan->find_lines && requested_number(start, "NUMFRAMESTOACQUIRE", &frames)) {
        const bool known = frames >= 1 && frames < FRAMES_WITHOUT_END;
        scan = (struct scan_geometry){.ny = 1, .nx = known ? (uint32_t)frames : FRAMES_WITHOUT_END};
    }
    if (plan->unending) {
        scan.skip_start = 0;
        scan.repeats = (uint32_t)(FRAMES_WITHOUT_END / scan_geometry_pass_frames(&scan));
    }
    return scan;
}

/* Parameters of the request; a scan that goes over and over asks for frames until it is stopped.
 * New reference, may be NULL. */
static json_t *parameters_to_set(const struct acquisition_plan *plan,
                                 const struct acquisition_start *start)
{
    double frames;
    json_t *const parameters = json_object();
    json_object_update(parameters, start->parameters);
    if (plan->unending && !requested_number(start, "NUMFRAMESTOACQUIRE", &frames))
        json_object_set_new(parameters, "NUMFRAMESTOACQUIRE", json_integer(0));
    return parameters;
}

static void start_active(struct acquisition *acquisition, const struct acquisition_start *start,
                         acquisition_answer_fn answer, void *data)
{
    struct start_outcome outcome = {0};
    json_t *const parameters = parameters_to_set(acquisition->plan, start);
    const struct start_settings settings = {
        .scan = scan_to_trigger(acquisition->plan, start),
        .trigger_given = start->trigger_given,
        .trigger = start->trigger,
        .preset = start->preset,
        .parameters = parameters,
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
    json_decref(parameters);
}

/* ---- the plan of a request ---- */

/* Nobody knows the flyback frames yet, so nobody can work out how many frames a scan has. */
static int plan_line_search(struct acquisition_plan *plan, const struct acquisition_start *start,
                            const char **field, struct error *error)
{
    *field = "args.flyback";
    if (plan->scan.order == SCAN_ORDER_LIST)
        return error_set(error, -EINVAL,
                         "a list of positions has no lines to find: leave flyback out");
    if (plan->scan.skip_line > 0 && start->geometry.skip_line_given)
        return error_set(error, -EINVAL,
                         "skip.line and flyback exclude each other: the flyback frames are either "
                         "known or found");
    if (scan_geometry_passes(&plan->scan) > 1 || start->view)
        return error_set(error, -EINVAL, "lines are found in a single pass only: leave %s out",
                         start->view ? "flyback" : "repeats");
    plan->find_lines = true;
    plan->scan_from_header = false;
    plan->scan.skip_line = 0;
    double frames;
    *field = "args.parameters";
    if (!start->passive && !requested_number(start, "NUMFRAMESTOACQUIRE", &frames))
        return error_set(error, -EINVAL,
                         "with flyback \"exposure\" the number of frames is not known: give "
                         "NUMFRAMESTOACQUIRE in args.parameters (0: until stopped)");
    return 0;
}

/* Where the beam is parked the map is the signal against time: a line of so many frames. */
#define PARKED_FRAMES 4096

/* Over and over; without a shape the beam is parked. */
static int plan_view(struct acquisition_plan *plan, const struct acquisition_start *start,
                     const char **field, struct error *error)
{
    *field = "args.repeats";
    if (start->geometry.repeats_given)
        return error_set(error, -EINVAL,
                         "a view goes over and over until it is stopped: leave repeats out");
    *field = "args.recording";
    if (start->recording > 0)
        return error_set(error, -EINVAL,
                         "a view is not recorded: \"record\" (merlinctl record) records its next "
                         "pass");
    if (plan->scan.ny == 0) {
        plan->scan.order = SCAN_ORDER_RASTER;
        plan->scan.ny = 1;
        plan->scan.nx = PARKED_FRAMES;
    }
    plan->scan.repeats = SCAN_REPEATS_UNENDING;
    plan->scan_from_header = false;
    plan->unending = true;
    plan->recording.enabled = false;
    return 0;
}

/* -EINVAL with field and sentence. */
static int fill_plan(struct acquisition_plan *plan, const struct acquisition_start *start,
                     const char **field, struct error *error)
{
    struct scan_geometry scan = plan->scan;
    if (geometry_request_apply(&start->geometry, &scan, field, error) < 0)
        return -EINVAL;
    /* The request's list is borrowed; the plan may outlive it. */
    scan_list_ref(scan.list);
    plan->scan = scan;
    plan->scan_from_header = scan.ny == 0;
    if (start->recording >= 0)
        plan->recording.enabled = start->recording > 0;
    plan->recording.ask = start->recording == 2;
    if (*start->name)
        memcpy(plan->recording.name, start->name, sizeof plan->recording.name);
    memcpy(plan->labels, start->labels, sizeof plan->labels);
    if (start->find_lines)
        return plan_line_search(plan, start, field, error);
    if (start->view)
        return plan_view(plan, start, field, error);
    *field = "args.scan";
    if (!start->passive && plan->scan.ny == 0)
        return error_set(error, -EINVAL, "no scan shape: give args.scan or configure scan.shape");
    return 0;
}

void acquisition_start_now(struct acquisition *acquisition, const struct acquisition_start *start,
                           acquisition_answer_fn answer, void *data)
{
    struct error error = {0};
    const char *code = refuse_start(acquisition, start, &error);
    if (code) {
        answer(data, NULL, code, NULL, &error);
        return;
    }
    struct acquisition_plan *const plan = acquisition_make_plan(acquisition);
    const char *field = "args.directory";
    if (!plan) {
        error_set(&error, -ENOMEM, "no memory");
        code = "internal";
        field = NULL;
    } else if (*start->directory && run_directory_resolve(acquisition->config, start->directory,
                                                          plan->recording.directory, &error) < 0) {
        code = error.code == -EACCES ? "forbidden" : "recording";
    } else if (fill_plan(plan, start, &field, &error) < 0) {
        code = "bad_value";
    } else if (plan->recording.enabled && disk_check_start(acquisition, plan, start, &error) < 0) {
        code = "recording";
        field = "recording.directory";
    }
    if (code) {
        answer(data, NULL, code, field, &error);
        acquisition_plan_unref(plan);
        return;
    }
    if (plan->recording.enabled)
        acquisition_know_directory(acquisition, plan->recording.directory);
    acquisition->plan = plan;
    if (start->passive)
        start_passive(acquisition, answer, data);
    else
        start_active(acquisition, start, answer, data);
}
