#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/bragg_series_job.h"
#include "daemon/control/commands.h"
#include "daemon/control/commands_calibration.h"
#include "daemon/control/take_rates.h"

/* bragg_series: the table over all scans that have a label. */

/* ---- the job ---- */

static void work(void *data)
{
    struct series_job *const job = data;
    if (bragg_series_look(job) < 0)
        return;
    job->result = labelled_series_json(&job->series, &job->settings, &job->error);
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
    bragg_series_job_destroy(job);
}

/* ---- the request ---- */

static bool take_drift(struct series_job *job, const json_t *drift)
{
    struct series_maps *const maps = &job->maps;
    if (!drift)
        return true;
    maps->before = json_string_value(json_object_get(drift, "before"));
    maps->after = json_string_value(json_object_get(drift, "after"));
    job->settings.leave_out_drifted = json_is_true(json_object_get(drift, "leave_out"));
    if (!maps->before || (!maps->after && json_object_get(drift, "after")))
        request_fail(job->request, "bad_value", "args.drift",
                     "drift must be {before, after}, the names of two maps; without after it is "
                     "between the first and the last pass");
    return maps->before && (maps->after || !json_object_get(drift, "after"));
}

static bool take_rates(struct series_job *job)
{
    struct series_rates *const rates = &job->settings.rates;
    const json_t *const any = json_object_get(job->args, "rates"), *const contrast =
                                                                       json_object_get(
                                                                           job->args,
                                                                           "contrast_rates");
    struct taken_rates of_any = {0}, of_contrast = {0};
    rates->known = any && rates_take(&of_any, false, any);
    rates->any = of_any.rates;
    rates->false_measured = of_any.measures_false;
    rates->contrast_known = contrast && rates_take(&of_contrast, true, contrast);
    rates->contrast = of_contrast.rates;
    rates->contrast_measured = of_contrast.measures_true;
    rates->contrast_false_measured = of_contrast.measures_false;
    if (rates->known == (any != NULL) && rates->contrast_known == (contrast != NULL))
        return true;
    request_fail(job->request, "bad_value",
                 rates->known == (any != NULL) ? "args.contrast_rates" : "args.rates",
                 RATES_SENTENCE);
    return false;
}

static bool take_maps(struct series_job *job)
{
    const json_t *const phase = json_object_get(job->args, "phase");
    struct error error = {0};
    const char *field;
    job->maps.phase = phase != NULL;
    job->maps.thin = json_is_true(json_object_get(job->args, "thin"));
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
    const struct series_maps *const maps = &job->maps;
    const bool asked = maps->phase || maps->before || maps->thickness || maps->thin;
    struct labelled_series *const series = &job->series;
    job->runs = calloc(series->n + 1, sizeof(struct run *));
    job->pair = calloc(series->n + 1, sizeof *job->pair);
    job->thinned = calloc(series->n + 1, sizeof *job->thinned);
    if (!job->runs || !job->pair || !job->thinned)
        return -ENOMEM;
    for (size_t i = 0; asked && i < series->n; i++) {
        struct error error = {0};
        struct run *const run = acquisition_find_run(acquisition, series->members[i].name, &error);
        if (run)
            job->runs[i] = run_ref(run);
        else if (!labelled_scans_recall(acquisition_labelled_scans(acquisition), job->how,
                                        &series->members[i]))
            bragg_series_warn(job, i, "maps", &error);
    }
    return 0;
}

static char *text_of_maps(const json_t *args)
{
    json_t *const how =
        json_pack("{s:O?, s:O?, s:O?}", "phase", json_object_get(args, "phase"), "drift",
                  json_object_get(args, "drift"), "thickness", json_object_get(args, "thickness"),
                  "thin", json_object_get(args, "thin"));
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
                                 &job->settings.confidence) ||
        !take_rates(job) || !take_maps(job))
        return false;
    if (!label || (where && !json_is_object(where))) {
        request_fail(job->request, "bad_value", label ? "args.where" : "args.label",
                     label ? "where must be an object of labels and their values"
                           : "label must be the name of a label");
        return false;
    }
    struct acquisition *const acquisition = job->service->acquisition;
    acquisition_take_labelled(acquisition);
    const int r = labelled_series_init(&job->series, acquisition_labelled_scans(acquisition), label,
                                       where, &job->error);
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
        .settings.confidence = 0.95,
    };
    if (!prepare(job))
        bragg_series_job_destroy(job);
}
