#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/bragg_phase.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"
#include "processing/analysis/map_drift.h"
#include "processing/bragg_run/bragg_scan.h"

/* bragg_series: the table over all scans that have a label. */

#define SEED 1

/* Reflections against the phase of one scan, [ny][nx] each; owned. */
struct scan_pair {
    uint8_t *reflections, *phase;
    uint32_t ny, nx;
};

/* What is asked of the maps of every scan. The texts are those of the request's args. */
struct series_maps {
    bool phase;
    struct bragg_phase_wanted wanted;
    const char *before, *after, *thickness; /* NULL: not asked for */
    bool leave_out;
};

/* Between request and reply it belongs to the job's thread, but for `service` and `request`. */
struct series_job {
    const struct control_service *service;
    struct request *request;
    json_t *args; /* holds a reference */
    char *how;    /* what is asked of the maps, as text */
    struct series_maps maps;
    struct labelled_series series;
    struct run **runs;      /* [series.n] with references; NULL: not in memory */
    struct scan_pair *pair; /* [series.n] */
    double confidence;
    json_t *warnings; /* sentences */
    json_t *result;
    const char *field; /* of the request, where `error` is about it */
    struct error error;
};

static void job_destroy(struct series_job *job)
{
    for (size_t i = 0; i < job->series.n; i++) {
        if (job->runs)
            run_unref(job->runs[i]);
        if (job->pair) {
            free(job->pair[i].reflections);
            free(job->pair[i].phase);
        }
    }
    free(job->runs);
    free(job->pair);
    labelled_series_finish(&job->series);
    json_decref(job->args);
    json_decref(job->warnings);
    json_decref(job->result);
    free(job->how);
    free(job);
}

/* ---- the maps of one scan ---- */

static int cross_table(struct series_scan *member, const struct bragg_scan *scan,
                       struct scan_pair *pair, struct error *error)
{
    const size_t n = (size_t)pair->ny * pair->nx;
    uint8_t *const binary = malloc(n + 1);
    if (!binary)
        return error_set(error, -ENOMEM, "no memory for a series");
    class_binary_map(binary, scan->classes, NULL, 0, n);
    pair->reflections = binary;
    member->table = two_by_two_of(binary, pair->phase, n);
    member->has_table = true;
    return 0;
}

static int look_at_phase(struct series_job *job, size_t i, const struct map_pass *pass,
                         struct error *error)
{
    const struct run *const run = job->runs[i];
    const struct bragg_scan_part part = {
        .scan = &pass->view->scan,
        .first = pass->pass * pass->ny * pass->nx,
        .ny = pass->ny,
        .nx = pass->nx,
    };
    struct bragg_scan scan = {0};
    struct threshold threshold;
    uint8_t *phase = NULL;
    int r = bragg_scan_init(&scan, run, &part, error);
    if (r == 0)
        r = bragg_phase_make(&phase, &threshold, &job->maps.wanted, run, pass, error);
    if (r == 0) {
        job->pair[i] = (struct scan_pair){.phase = phase, .ny = pass->ny, .nx = pass->nx};
        r = cross_table(&job->series.members[i], &scan, &job->pair[i], error);
    }
    bragg_scan_finish(&scan);
    return r;
}

/* Between two maps; of one map, between the first and the newest pass. */
static int look_at_drift(struct series_job *job, size_t i, const struct map_pass *pass,
                         struct error *error)
{
    const struct series_maps *const maps = &job->maps;
    struct map_pass first = *pass;
    struct map_drift drift;
    double *before = NULL, *after = NULL;
    if (!maps->after)
        first.pass = 0;
    int r = map_values_read(&before, job->runs[i], &first, maps->before, error);
    if (r == 0)
        r = map_values_read(&after, job->runs[i], pass, maps->after ? maps->after : maps->before,
                            error);
    if (r == 0)
        r = map_drift_find(&drift, before, after, pass->ny, pass->nx, 1, error);
    if (r == 0 && !drift.found)
        r = error_set(error, -ENODATA, "the drift does not stand out of the noise of the maps");
    if (r == 0)
        job->series.members[i].drift = series_drift(drift.dy, drift.dx);
    free(before);
    free(after);
    return r;
}

static int look_at_thickness(struct series_job *job, size_t i, const struct map_pass *pass,
                             struct error *error)
{
    const uint64_t n = (uint64_t)pass->ny * pass->nx;
    double *values, sum = 0;
    uint64_t n_values = 0;
    const int r = map_values_read(&values, job->runs[i], pass, job->maps.thickness, error);
    if (r < 0)
        return r;
    for (uint64_t k = 0; k < n; k++) {
        if (isnan(values[k]))
            continue;
        sum += values[k];
        n_values++;
    }
    job->series.members[i].thickness = n_values ? sum / (double)n_values : NAN;
    free(values);
    return 0;
}

static void warn(struct series_job *job, size_t i, const char *what, const struct error *error)
{
    char text[700];
    snprintf(text, sizeof text, "scan %.40s has no %s: %.600s", job->series.members[i].name, what,
             error->text);
    json_array_append_new(job->warnings, json_string(text));
}

/* A scan that lacks something is in the table all the same, and a warning says so. What would be
 * circular in one is so in all, and refused. */
static int look_at_scan(struct series_job *job, size_t i)
{
    const struct series_maps *const maps = &job->maps;
    struct error error = {0};
    struct map_pass pass;
    int r = map_pass_choose(&pass, job->runs[i], NULL, MAP_PASS_NEWEST, &error);
    if (r < 0) {
        warn(job, i, "maps", &error);
        return 0;
    }
    if (maps->phase && (r = look_at_phase(job, i, &pass, &error)) < 0)
        warn(job, i, "phase", &error);
    if (r == -EDOM || r == -ENOMEM) {
        job->error = error;
        job->field = "args.phase.map";
        return r;
    }
    if (maps->before && look_at_drift(job, i, &pass, &error) < 0)
        warn(job, i, "drift", &error);
    if (maps->thickness && look_at_thickness(job, i, &pass, &error) < 0)
        warn(job, i, "thickness", &error);
    return 0;
}

/* ---- the job ---- */

static int shift_all(struct series_job *job)
{
    struct labelled_series *const series = &job->series;
    struct shifted_scan *const scans = malloc((series->n + 1) * sizeof *scans);
    if (!scans)
        return error_set(&job->error, -ENOMEM, "no memory for a series");
    for (size_t i = 0; i < series->n; i++) {
        const struct scan_pair *const pair = &job->pair[i];
        if (pair->reflections)
            scans[series->n_shifted++] =
                (struct shifted_scan){pair->reflections, pair->phase, pair->ny, pair->nx};
    }
    const int r =
        toroidal_shift_common(&series->shift, scans, series->n_shifted, 0, SEED, &job->error);
    free(scans);
    return r;
}

static void work(void *data)
{
    struct series_job *const job = data;
    for (size_t i = 0; i < job->series.n; i++)
        if (job->runs[i] && look_at_scan(job, i) < 0)
            return;
    if (job->maps.phase && shift_all(job) < 0)
        return;
    job->result =
        labelled_series_json(&job->series, job->maps.leave_out, job->confidence, &job->error);
    json_array_extend(json_object_get(job->result, "warnings"), job->warnings);
}

static void refuse(struct request *request, const struct error *error, const char *field)
{
    const char *const code = error->code == -ENODATA                          ? "no_data"
                             : error->code == -EDOM || error->code == -EINVAL ? "bad_value"
                                                                              : "internal";
    request_fail(request, code, field, "%s", error->text);
}

static void remember(struct series_job *job)
{
    struct labelled_scans *const scans = acquisition_labelled_scans(job->service->acquisition);
    for (size_t i = 0; i < job->series.n; i++)
        if (job->runs[i])
            labelled_scans_remember(scans, job->how, &job->series.members[i]);
}

static void done(void *data, bool cancelled)
{
    struct series_job *const job = data;
    if (cancelled) {
        request_abandon(job->request);
    } else if (!job->result) {
        refuse(job->request, &job->error, job->field);
    } else {
        remember(job);
        request_succeed(job->request, json_pack("{s:O}", "series", job->result), NULL, 0);
    }
    job_destroy(job);
}

/* ---- the request ---- */

static bool take_drift(struct series_job *job, const json_t *drift)
{
    struct series_maps *const maps = &job->maps;
    if (!drift)
        return true;
    maps->before = json_string_value(json_object_get(drift, "before"));
    maps->after = json_string_value(json_object_get(drift, "after"));
    maps->leave_out = json_is_true(json_object_get(drift, "leave_out"));
    if (!maps->before || (!maps->after && json_object_get(drift, "after")))
        request_fail(job->request, "bad_value", "args.drift",
                     "drift must be {before, after}, the names of two maps; without after it is "
                     "between the first and the last pass");
    return maps->before && (maps->after || !json_object_get(drift, "after"));
}

static bool take_maps(struct series_job *job)
{
    const json_t *const phase = json_object_get(job->args, "phase");
    struct error error = {0};
    const char *field;
    job->maps.phase = phase != NULL;
    if (phase && bragg_phase_take(&job->maps.wanted, phase, &field, &error) < 0) {
        refuse(job->request, &error, field);
        return false;
    }
    return calibration_take_name(job->request, job->args, "thickness", &job->maps.thickness) &&
           take_drift(job, json_object_get(job->args, "drift"));
}

/* Whose maps are to be looked at: those in memory. What was told of the others is recalled. */
static int find_runs(struct series_job *job)
{
    struct acquisition *const acquisition = job->service->acquisition;
    const bool asked = job->maps.phase || job->maps.before || job->maps.thickness;
    struct labelled_series *const series = &job->series;
    job->runs = calloc(series->n + 1, sizeof *job->runs);
    job->pair = calloc(series->n + 1, sizeof *job->pair);
    if (!job->runs || !job->pair)
        return -ENOMEM;
    for (size_t i = 0; asked && i < series->n; i++) {
        struct error error = {0};
        struct run *const run = acquisition_find_run(acquisition, series->members[i].name, &error);
        if (run)
            job->runs[i] = run_ref(run);
        else if (!labelled_scans_recall(acquisition_labelled_scans(acquisition), job->how,
                                        &series->members[i]))
            warn(job, i, "maps", &error);
    }
    return 0;
}

static char *text_of_maps(const json_t *args)
{
    json_t *const how =
        json_pack("{s:O?, s:O?, s:O?}", "phase", json_object_get(args, "phase"), "drift",
                  json_object_get(args, "drift"), "thickness", json_object_get(args, "thickness"));
    char *const text = how ? json_dumps(how, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(how);
    return text;
}

/* false: the request was refused. */
static bool prepare(struct series_job *job)
{
    const char *label;
    json_t *const where = json_object_get(job->args, "where");
    if (!calibration_take_name(job->request, job->args, "label", &label) ||
        !calibration_take_number(job->request, job->args, "confidence", 0.01, 0.9999,
                                 &job->confidence) ||
        !take_maps(job))
        return false;
    if (!label || (where && !json_is_object(where))) {
        request_fail(job->request, "bad_value", label ? "args.where" : "args.label",
                     label ? "where must be an object of labels and their values"
                           : "label must be the name of a label");
        return false;
    }
    int r =
        labelled_series_init(&job->series, acquisition_labelled_scans(job->service->acquisition),
                             label, where, &job->error);
    if (r < 0) {
        refuse(job->request, &job->error, "args.label");
        return false;
    }
    if (job->how && job->warnings && find_runs(job) == 0 &&
        jobs_start(job->service->jobs, work, done, job) == 0)
        return true;
    request_fail(job->request, "internal", NULL, "no memory for a series");
    return false;
}

void command_bragg_series(const struct control_service *service, struct request *request,
                          json_t *args)
{
    struct series_job *const job = calloc(1, sizeof *job);
    if (!job) {
        request_fail(request, "internal", NULL, "no memory for a series");
        return;
    }
    *job = (struct series_job){
        .service = service,
        .request = request,
        .args = json_incref(args),
        .how = text_of_maps(args),
        .warnings = json_array(),
        .confidence = 0.95,
    };
    if (!prepare(job))
        job_destroy(job);
}
