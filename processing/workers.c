#include "processing/workers.h"

#include <errno.h>
#include <omp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "processing/stored/catch_up.h"
#include "processing/worker_chunk.h"
#include "processing/worker_deferred.h"

/* How long a worker sleeps at most before it looks whether somebody wants its sums. */
#define IDLE_NS (200 * NS_PER_MS)
/* A deferred chunk may still be on its way to the file. */
#define CATCH_UP_WAIT_US 5000
/* Behind the ingest thread, which must never wait for a CPU. */
#define WORKER_NICE 5

struct workers {
    struct ring *ring;
    struct chunk_sink sink;
    struct frame_tap tap;
    bool has_tap;
    unsigned n_workers;
    struct worker_delays delays;
    struct stage_times *times;
    enum cpu_isa isa;
    struct catch_up catch_up;
    struct backlog backlog;
    pthread_t thread;
    struct heartbeat *heartbeats; /* [n_workers], each its worker's */
    uint64_t *beats_seen;         /* by workers_stuck */
    sem_t started;
    int start_result;
    _Atomic bool stopping;
};

/* ---- life ---- */

static void worker_main(struct workers *workers, unsigned index)
{
    struct worker worker = {
        .ring = workers->ring,
        .sink = &workers->sink,
        .tap = workers->has_tap ? &workers->tap : NULL,
        .catch_up = &workers->catch_up,
        .backlog = &workers->backlog,
        .isa = workers->isa,
        .crc32c = crc32c_function(workers->isa),
        .index = index,
        .heartbeat = &workers->heartbeats[index],
        .delays = workers->delays,
        .times = workers->times,
    };
    char name[16];
    snprintf(name, sizeof name, "worker-%u", index);
    pthread_setname_np(pthread_self(), name);
    setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
    for (;;) {
        heartbeat_beat(worker.heartbeat);
        const uint32_t signal = ring_signal(workers->ring); /* before anything that it tells of */
        const bool stopping = atomic_load_explicit(&workers->stopping, memory_order_acquire);
        worker_merge_if_asked(&worker);
        const bool behind = !catch_up_is_empty(&workers->catch_up);
        struct chunk *chunk = ring_claim(workers->ring, signal, 0);
        if (!chunk && !behind) {
            /* Only now: of a run that is over there may have been a ring full of chunks. */
            worker_merge_if_over(&worker);
            worker_let_go_of_finished_run(&worker);
            chunk = ring_claim(workers->ring, signal, stopping ? 0 : IDLE_NS);
        }
        if (chunk)
            worker_process_chunk(&worker, chunk);
        else if (behind && !worker_catch_up(&worker))
            usleep(CATCH_UP_WAIT_US);
        else if (!behind && stopping)
            break;
    }
    worker_finish(&worker);
}

static void *thread_main(void *data)
{
    struct workers *const workers = data;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    omp_set_dynamic(0);
#pragma omp parallel num_threads(workers->n_workers)
    {
#pragma omp single
        {
            /* A ring whose chunks nobody claims would be a silent loss: fewer threads than asked
             * for is a refusal to start. */
            if ((unsigned)omp_get_num_threads() != workers->n_workers)
                workers->start_result = -EAGAIN;
            sem_post(&workers->started);
        }
        if (workers->start_result == 0)
            worker_main(workers, (unsigned)omp_get_thread_num());
    }
    return NULL;
}

static int make_heartbeats(struct workers *workers)
{
    const size_t size = workers->n_workers * sizeof *workers->heartbeats;
    workers->heartbeats = aligned_alloc(alignof(struct heartbeat), size);
    workers->beats_seen = calloc(workers->n_workers, sizeof *workers->beats_seen);
    if (!workers->heartbeats || !workers->beats_seen)
        return -ENOMEM;
    memset(workers->heartbeats, 0, size);
    return 0;
}

static void free_heartbeats(struct workers *workers)
{
    free(workers->heartbeats);
    free(workers->beats_seen);
}

int workers_create(struct workers **out, struct ring *ring, unsigned n_workers,
                   struct chunk_sink sink, const struct workers_options *options,
                   struct error *error)
{
    struct workers *workers = calloc(1, sizeof *workers);
    if (!workers)
        return error_set(error, -ENOMEM, "no memory for the workers");
    workers->ring = ring;
    workers->sink = sink;
    workers->has_tap = options->tap != NULL;
    if (options->tap)
        workers->tap = *options->tap;
    workers->n_workers = n_workers;
    workers->delays = options->delays;
    workers->times = options->times;
    workers->backlog.size = options->backlog_size;
    workers->isa = cpu_isa_best();
    if (make_heartbeats(workers) < 0) {
        error_set(error, -ENOMEM, "no memory for the workers");
        free_heartbeats(workers);
        free(workers);
        return -ENOMEM;
    }
    catch_up_init(&workers->catch_up);
    sem_init(&workers->started, 0, 0);
    int r = -pthread_create(&workers->thread, NULL, thread_main, workers);
    if (r < 0) {
        error_set(error, r, "cannot start the workers: %s", strerror(-r));
        goto fail;
    }
    while (sem_wait(&workers->started) != 0)
        continue;
    r = workers->start_result;
    if (r < 0) {
        pthread_join(workers->thread, NULL);
        error_set(error, r,
                  "the system gives fewer than %u worker threads: set a smaller `workers`",
                  n_workers);
        goto fail;
    }
    *out = workers;
    return 0;

fail:
    catch_up_finish(&workers->catch_up);
    sem_destroy(&workers->started);
    free_heartbeats(workers);
    free(workers);
    return r;
}

void workers_destroy(struct workers *workers)
{
    if (!workers)
        return;
    atomic_store_explicit(&workers->stopping, true, memory_order_release);
    ring_nudge(workers->ring);
    pthread_join(workers->thread, NULL);
    catch_up_finish(&workers->catch_up);
    sem_destroy(&workers->started);
    free_heartbeats(workers);
    free(workers);
}

bool workers_stuck(struct workers *workers, unsigned *which)
{
    bool stuck = false;
    for (unsigned i = 0; i < workers->n_workers; i++) {
        if (heartbeat_moved(&workers->heartbeats[i], &workers->beats_seen[i]) || stuck)
            continue;
        *which = i;
        stuck = true;
    }
    return stuck;
}

struct backlog_load workers_backlog(const struct workers *workers)
{
    return (struct backlog_load){
        .size = workers->backlog.size,
        .used = atomic_load_explicit(&workers->backlog.used, memory_order_relaxed),
        .high_water = atomic_load_explicit(&workers->backlog.high_water, memory_order_relaxed),
    };
}
