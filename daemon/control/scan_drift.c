#include "daemon/control/scan_drift.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/results/map_values.h"
#include "processing/analysis/map_drift.h"
#include "processing/run/run.h"

struct drift_job {
    struct scan_drift *owner;
    struct run *run; /* holds a reference */
    json_t *row;     /* holds a reference */
    void (*found)(void *data, json_t *row, json_t *drift);
    void *data;
    char map[64];
    double *before, *now; /* owned */
    uint32_t ny, nx;      /* of now */
    bool comparable;      /* before has the same shape */
    struct map_drift drift;
    struct error error;
};

void scan_drift_init(struct scan_drift *drift, struct jobs *jobs)
{
    *drift = (struct scan_drift){.jobs = jobs};
}

void scan_drift_finish(struct scan_drift *drift)
{
    free(drift->before);
    drift->before = NULL;
}

void scan_drift_begin(struct scan_drift *drift, const char *map)
{
    scan_drift_finish(drift);
    snprintf(drift->map, sizeof drift->map, "%s", map ? map : "");
}

static void compute(void *data)
{
    struct drift_job *const job = data;
    struct map_pass pass;
    if (map_pass_choose(&pass, job->run, NULL, MAP_PASS_NEWEST, &job->error) < 0 ||
        map_values_read(&job->now, job->run, &pass, job->map, &job->error) < 0)
        return;
    job->comparable = job->before && pass.ny == job->ny && pass.nx == job->nx;
    job->ny = pass.ny;
    job->nx = pass.nx;
    if (job->comparable)
        map_drift_find(&job->drift, job->before, job->now, job->ny, job->nx, 1, &job->error);
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *drift_json(const struct drift_job *job)
{
    const struct map_drift *const drift = &job->drift;
    if (job->error.code < 0 || !job->comparable)
        return json_pack("{s:n, s:b, s:s}", "drift", "found", 0, "detail",
                         job->error.code < 0 ? job->error.text
                                             : "the scan before has another shape");
    return json_pack("{s:[o, o], s:o, s:o, s:b, s:s}", "drift", number(drift->dy),
                     number(drift->dx), "error", number(drift->error), "quality",
                     number(drift->quality), "found", drift->found, "detail", "");
}

static void finish(void *data, bool cancelled)
{
    struct drift_job *const job = data;
    if (!cancelled) {
        struct scan_drift *const owner = job->owner;
        owner->busy = false;
        free(owner->before);
        owner->before = job->now;
        job->now = NULL;
        owner->ny = job->ny;
        owner->nx = job->nx;
        if (job->before)
            job->found(job->data, job->row, drift_json(job));
    }
    free(job->before);
    free(job->now);
    json_decref(job->row);
    run_unref(job->run);
    free(job);
}

void scan_drift_look(struct scan_drift *drift, struct run *run, json_t *row,
                     void (*found)(void *data, json_t *row, json_t *drift), void *data)
{
    if (!*drift->map || drift->busy || !run)
        return;
    struct drift_job *const job = calloc(1, sizeof *job);
    if (!job)
        return;
    *job = (struct drift_job){
        .owner = drift,
        .run = run_ref(run),
        .row = json_incref(row),
        .found = found,
        .data = data,
        .before = drift->before,
        .ny = drift->ny,
        .nx = drift->nx,
    };
    snprintf(job->map, sizeof job->map, "%s", drift->map);
    drift->before = NULL;
    drift->busy = true;
    if (jobs_start(drift->jobs, compute, finish, job) < 0)
        finish(job, true);
}
