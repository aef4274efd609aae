#include "daemon/jobs.h"

#include <errno.h>
#include <stdlib.h>
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
};

static void on_work(uv_work_t *request)
{
    const struct job *const job = request->data;
    setpriority(PRIO_PROCESS, (id_t)gettid(), JOBS_NICE);
    job->work(job->data);
}

static void on_done(uv_work_t *request, int status)
{
    struct job *const job = request->data;
    job->done(job->data, status < 0 || job->jobs->closed);
    free(job);
}

int jobs_start(struct jobs *jobs, void (*work)(void *data),
               void (*done)(void *data, bool cancelled), void *data)
{
    struct job *const job = calloc(1, sizeof *job);
    if (!job)
        return -ENOMEM;
    *job = (struct job){.jobs = jobs, .work = work, .done = done, .data = data};
    job->request.data = job;
    const int r =
        jobs->closed ? -ECANCELED : uv_queue_work(jobs->loop, &job->request, on_work, on_done);
    if (r < 0)
        free(job);
    return r;
}

void jobs_close(struct jobs *jobs)
{
    jobs->closed = true;
}
