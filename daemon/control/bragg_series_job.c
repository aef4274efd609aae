#include "daemon/control/bragg_series_job.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "processing/analysis/map_drift.h"
#include "processing/bragg_run/bragg_scan.h"
#include "processing/statistics/thinning.h"

#define SEED 1

void bragg_series_job_destroy(struct series_job *job)
{
    for (size_t i = 0; i < job->series.n; i++) {
        if (job->runs)
            run_unref(job->runs[i]);
        if (job->pair) {
            free(job->pair[i].reflections);
            free(job->pair[i].phase);
        }
        if (job->thinned)
            bragg_thinning_finish(&job->thinned[i]);
    }
    free(job->thinned);
    free(job->runs);
    free(job->pair);
    labelled_series_finish(&job->series);
    json_decref(job->args);
    json_decref(job->warnings);
    json_decref(job->result);
    free(job->how);
    free(job);
}

void bragg_series_warn(struct series_job *job, size_t i, const char *what,
                       const struct error *error)
{
    char text[700];
    snprintf(text, sizeof text, "scan %.40s has no %s: %.600s", job->series.members[i].name, what,
             error->text);
    json_array_append_new(job->warnings, json_string(text));
}

/* ---- thinned frames ---- */

/* What was found in thinned frames, at positions of the scan; as it is where nothing was thinned.
 */
static void put_thinned(struct bragg_scan *scan, const struct bragg_thinning *thinned,
                        const struct bragg_scan_part *part)
{
    const uint64_t n = (uint64_t)part->ny * part->nx;
    for (uint64_t i = 0; thinned->classes && i < n; i++) {
        const int64_t frame = scan_geometry_frame_index(part->scan, part->first + i);
        const bool known = frame >= 0 && (uint64_t)frame < thinned->n_exposures;
        scan->classes[i] = known ? thinned->classes[frame] : (uint8_t)SCAN_CLASS_NOT_ANALYSED;
        scan->contrast[i] = known ? thinned->contrast[frame] : NAN;
    }
}

static int count_thinned(struct series_job *job, size_t i, struct error *error)
{
    const struct run *const run = job->runs[i];
    struct bragg_scan scan = {0};
    struct bragg_scan_part part;
    int r = bragg_scan_whole(&part, run, run_scan(run), error);
    if (r == 0)
        r = bragg_scan_init(&scan, run, &part, error);
    if (r == 0) {
        put_thinned(&scan, &job->thinned[i], &part);
        struct series_scan_maps maps = bragg_scan_series_maps(&scan, run);
        /* Those are of the frames as they were. */
        maps.found = maps.alarms = maps.contrast_alarms = (struct found_rate){0};
        r = series_scan_measure(&job->series.members[i], &maps, job->settings.confidence, error);
    }
    bragg_scan_finish(&scan);
    return r;
}

static int thin_scan(struct series_job *job, size_t i, double keep, struct error *error)
{
    struct series_scan *const member = &job->series.members[i];
    struct bragg_thinning *const thinning = &job->thinned[i];
    *thinning = (struct bragg_thinning){
        .run = job->runs[i], .keep = keep, .seed = SEED, .n_threads = job->runs[i]->n_workers};
    int r = bragg_thin(thinning, error);
    if (r == 0)
        r = count_thinned(job, i, error);
    if (r < 0)
        return r;
    member->keep = keep;
    member->dose *= keep;
    return 0;
}

/* All to the dose of the lowest; one that cannot be thinned stays as it is, and a warning says so.
 */
static int thin_all(struct series_job *job)
{
    const struct labelled_series *const series = &job->series;
    double *const doses = calloc(2 * series->n + 1, sizeof *doses), *const keep = doses + series->n;
    if (!doses)
        return error_set(&job->error, -ENOMEM, "no memory for a series");
    for (size_t i = 0; i < series->n; i++)
        doses[i] = series->members[i].dose;
    job->field = "args.thin";
    const int r = thinning_to_lowest(keep, doses, series->n, &job->error);
    for (size_t i = 0; r == 0 && i < series->n; i++) {
        struct error error = {0};
        if (job->runs[i] && keep[i] < 1 && thin_scan(job, i, keep[i], &error) < 0)
            bragg_series_warn(job, i, "thinned frames", &error);
    }
    free(doses);
    return r;
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
        put_thinned(&scan, &job->thinned[i], &part);
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

/* A scan that lacks something is in the table all the same, and a warning says so. What would be
 * circular in one is so in all, and refused. */
static int look_at_scan(struct series_job *job, size_t i)
{
    const struct series_maps *const maps = &job->maps;
    struct error error = {0};
    struct map_pass pass;
    int r = map_pass_choose(&pass, job->runs[i], NULL, MAP_PASS_NEWEST, &error);
    if (r < 0) {
        bragg_series_warn(job, i, "maps", &error);
        return 0;
    }
    if (maps->phase && (r = look_at_phase(job, i, &pass, &error)) < 0)
        bragg_series_warn(job, i, "phase", &error);
    if (r == -EDOM || r == -ENOMEM) {
        job->error = error;
        job->field = "args.phase.map";
        return r;
    }
    if (maps->before && look_at_drift(job, i, &pass, &error) < 0)
        bragg_series_warn(job, i, "drift", &error);
    if (maps->thickness && look_at_thickness(job, i, &pass, &error) < 0)
        bragg_series_warn(job, i, "thickness", &error);
    return 0;
}

/* ---- all ---- */

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

int bragg_series_look(struct series_job *job)
{
    if (job->maps.thin && thin_all(job) < 0)
        return -1;
    for (size_t i = 0; i < job->series.n; i++)
        if (job->runs[i] && look_at_scan(job, i) < 0)
            return -1;
    return job->maps.phase ? shift_all(job) : 0;
}
