#include "daemon/jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Behind ingest (0), workers and writer (5). A thread that has gone back once cannot come forward
 * again, so it is the same for all. */
#define JOBS_NICE 10

struct job {
    uv_work_t request;
    struct jobs *jobs;
    void (*work)(void *data);
    void (*done)(void *data, bool cancelled);
    void *data;
    bool is_long;
};

static void on_work(uv_work_t *request)
{
    const struct job *const job = request->data;
    setpriority(PRIO_PROCESS, (id_t)gettid(), JOBS_NICE);
    job->work(job->data);
}

/* The next one may be asked for by whoever is told that this one is done. */
static void on_done(uv_work_t *request, int status)
{
    struct job *const job = request->data;
    if (job->is_long)
        job->jobs->has_long = false;
    job->done(job->data, status < 0 || job->jobs->closed);
    free(job);
}

static int start(const struct job *described)
{
    struct job *const job = malloc(sizeof *job);
    if (!job)
        return -ENOMEM;
    *job = *described;
    job->request.data = job;
    const int r = job->jobs->closed
                      ? -ECANCELED
                      : uv_queue_work(job->jobs->loop, &job->request, on_work, on_done);
    if (r < 0)
        free(job);
    return r;
}

int jobs_start(struct jobs *jobs, void (*work)(void *data),
               void (*done)(void *data, bool cancelled), void *data)
{
    return start(&(struct job){.jobs = jobs, .work = work, .done = done, .data = data});
}

int jobs_start_long(struct jobs *jobs, void (*work)(void *data),
                    void (*done)(void *data, bool cancelled), void *data, struct error *error)
{
    if (jobs->has_long)
        return error_set(error, -EBUSY,
                         "another measurement on the frames of a run is going on: wait for its "
                         "end");
    const int r = start(
        &(struct job){.jobs = jobs, .work = work, .done = done, .data = data, .is_long = true});
    if (r < 0)
        return error_set(error, r, "the measurement cannot be started: %s", strerror(-r));
    jobs->has_long = true;
    return 0;
}

void jobs_close(struct jobs *jobs)
{
    jobs->closed = true;
}
