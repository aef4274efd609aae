#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/acquisition/acquisition_internal.h"

/* What takes seconds and is asked for by a person: on a thread, while the service goes on. */

/* `finished` is set by the thread (store-release of what it did); all else belongs to the service
 * thread. */
struct running_job {
    struct acquisition_job job;
    pthread_t thread;
    _Atomic bool finished;
};

static void *thread_main(void *data)
{
    struct running_job *const running = data;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_setname_np(pthread_self(), "job");
    running->job.work(running->job.data);
    atomic_store_explicit(&running->finished, true, memory_order_release);
    return NULL;
}

int acquisition_do_job(struct acquisition *acquisition, const struct acquisition_job *job,
                       struct error *error)
{
    if (acquisition->job)
        return error_set(error, -EBUSY,
                         "another measurement on the frames of a run is going on: wait for its "
                         "end");
    struct running_job *const running = calloc(1, sizeof *running);
    if (!running)
        return error_set(error, -ENOMEM, "no memory");
    running->job = *job;
    const int r = -pthread_create(&running->thread, NULL, thread_main, running);
    if (r < 0) {
        free(running);
        return error_set(error, r, "cannot start a thread: %s", strerror(-r));
    }
    acquisition->job = running;
    return 0;
}

void acquisition_job_wait(struct acquisition *acquisition)
{
    struct running_job *const running = acquisition->job;
    if (!running)
        return;
    pthread_join(running->thread, NULL);
    /* The next one may be asked for at once. */
    acquisition->job = NULL;
    running->job.done(running->job.data);
    free(running);
}

void acquisition_job_watch(struct acquisition *acquisition)
{
    if (acquisition->job && atomic_load_explicit(&acquisition->job->finished, memory_order_acquire))
        acquisition_job_wait(acquisition);
}
