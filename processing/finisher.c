#include "processing/finisher.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.h"
#include "processing/bragg_run/bragg_final.h"
#include "processing/bragg_run/bragg_injection.h"

/* Runs that can wait; one more is finished as it is. */
#define WAITING_MAX 64
/* Behind ingest (0), workers and writer (5); the next scan waits for it. */
#define FINISHER_NICE 10

struct finisher {
    struct chunk_sink next;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    struct run *waiting[WAITING_MAX];
    unsigned n;
    bool stopping;
};

/* ---- the sink ---- */

static void sink_begin(void *data, struct run *run)
{
    const struct chunk_sink *const next = &((struct finisher *)data)->next;
    next->begin(next->data, run);
}

static bool sink_wants(void *data, const struct run *run)
{
    const struct chunk_sink *const next = &((struct finisher *)data)->next;
    return next->wants(next->data, run);
}

static struct compressed_chunk *sink_acquire(void *data, size_t capacity)
{
    const struct chunk_sink *const next = &((struct finisher *)data)->next;
    return next->acquire(next->data, capacity);
}

static void sink_submit(void *data, struct compressed_chunk *chunk)
{
    const struct chunk_sink *const next = &((struct finisher *)data)->next;
    next->submit(next->data, chunk);
}

static bool hand_over(struct finisher *finisher, struct run *run)
{
    pthread_mutex_lock(&finisher->mutex);
    const bool room = finisher->n < WAITING_MAX;
    if (room)
        finisher->waiting[finisher->n++] = run;
    pthread_cond_signal(&finisher->changed);
    pthread_mutex_unlock(&finisher->mutex);
    return room;
}

static void sink_finish(void *data, struct run *run)
{
    struct finisher *const finisher = data;
    const bool due = bragg_final_is_due(run) || bragg_found_is_due(run);
    if (!due || !hand_over(finisher, run))
        finisher->next.finish(finisher->next.data, run);
}

struct chunk_sink finisher_sink(struct finisher *finisher)
{
    return (struct chunk_sink){
        .data = finisher,
        .begin = sink_begin,
        .wants = sink_wants,
        .acquire = sink_acquire,
        .submit = sink_submit,
        .finish = sink_finish,
    };
}

/* ---- the thread ---- */

/* Waits for a run. NULL: there will be none any more. */
static struct run *take(struct finisher *finisher)
{
    struct run *run = NULL;
    pthread_mutex_lock(&finisher->mutex);
    while (finisher->n == 0 && !finisher->stopping)
        pthread_cond_wait(&finisher->changed, &finisher->mutex);
    if (finisher->n > 0) {
        run = finisher->waiting[0];
        finisher->n--;
        memmove(finisher->waiting, finisher->waiting + 1, finisher->n * sizeof(struct run *));
    }
    pthread_mutex_unlock(&finisher->mutex);
    return run;
}

/* Classes first, then how often what they are made from is found. A film without a pattern that has
 * no reflection has none to put one into. */
static void finish(struct run *run)
{
    struct error error = {0};
    if (bragg_final_is_due(run) && bragg_final(run, &error) < 0)
        log_error("run", "run %s: %s", run->plan->id, error.text);
    error = (struct error){0};
    const int r = bragg_found_measure(run, &error);
    if (r < 0 && r != -ENODATA)
        log_warning("run", "run %s: how often its reflections are found was not measured: %s",
                    run->plan->id, error.text);
}

static void *thread_main(void *data)
{
    struct finisher *const finisher = data;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_setname_np(pthread_self(), "finisher");
    setpriority(PRIO_PROCESS, (id_t)gettid(), FINISHER_NICE);
    for (struct run *run = take(finisher); run; run = take(finisher)) {
        finish(run);
        finisher->next.finish(finisher->next.data, run);
    }
    return NULL;
}

/* ---- life ---- */

int finisher_create(struct finisher **out, struct chunk_sink next, struct error *error)
{
    struct finisher *const finisher = calloc(1, sizeof *finisher);
    if (!finisher)
        return error_set(error, -ENOMEM, "no memory for the finisher");
    finisher->next = next;
    pthread_mutex_init(&finisher->mutex, NULL);
    pthread_cond_init(&finisher->changed, NULL);
    const int r = -pthread_create(&finisher->thread, NULL, thread_main, finisher);
    if (r < 0) {
        free(finisher);
        return error_set(error, r, "cannot start the finisher's thread: %s", strerror(-r));
    }
    *out = finisher;
    return 0;
}

void finisher_destroy(struct finisher *finisher)
{
    if (!finisher)
        return;
    pthread_mutex_lock(&finisher->mutex);
    finisher->stopping = true;
    pthread_cond_signal(&finisher->changed);
    pthread_mutex_unlock(&finisher->mutex);
    pthread_join(finisher->thread, NULL);
    pthread_cond_destroy(&finisher->changed);
    pthread_mutex_destroy(&finisher->mutex);
    free(finisher);
}
