#include "processing/stored/frame_sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "processing/stored/chunk_reader.h"

/* Behind ingest (0), workers and writer (5): the end of a run waits for a sweep, and so does who
 * asked. */
#define SWEEP_NICE 10
/* A chunk that is not in the file yet may still be on its way through workers and writer. */
#define WAIT_US 5000

/* `next` is the next chunk; `failed` tells all threads to end. */
struct work {
    const struct frame_sweep *sweep;
    uint64_t n_chunks;
    _Atomic uint64_t next;
    _Atomic bool failed;
};

struct sweeper {
    struct work *work;
    unsigned index;
    pthread_t thread;
    int result;
    struct error error;
};

/* ---- chunks ---- */

static bool is_wanted(const struct frame_sweep *sweep, uint64_t exposure)
{
    return !sweep->wanted || sweep->wanted(sweep->data, exposure);
}

static bool is_due(const struct frame_sweep *sweep, int64_t exposure)
{
    return exposure >= 0 && chunk_frame_analysed(sweep->run, sweep->layer, (uint64_t)exposure) &&
           is_wanted(sweep, (uint64_t)exposure);
}

/* Calls `each` for the frames of a chunk that the reader has; reader NULL: only counts those that
 * are due. */
static uint64_t for_each_frame(const struct sweeper *sweeper, uint64_t number,
                               const struct chunk_reader *reader)
{
    const struct frame_sweep *const sweep = sweeper->work->sweep;
    const struct run *const run = sweep->run;
    uint32_t n_places;
    uint64_t n = 0;
    const int64_t first = stored_chunks_place(run, number, &n_places);
    for (uint32_t i = 0; i < n_places; i++) {
        const int64_t exposure = scan_geometry_frame_at_place(&run->scan, (uint64_t)first + i);
        if (!is_due(sweep, exposure) || (reader && !reader->there[i]))
            continue;
        if (reader)
            sweep->each(sweep->data, sweeper->index, (uint64_t)exposure,
                        reader->images + i * run->format.image_size);
        n++;
    }
    return n;
}

/* The writer has seen to all frames: what is not in the file now never will be. */
static bool all_is_written(const struct run *run)
{
    const struct run_counts *const counts = &run->counts;
    const uint64_t done = atomic_load_explicit(&counts->recorded, memory_order_acquire) +
                          atomic_load_explicit(&counts->unrecorded, memory_order_acquire);
    return done >= atomic_load_explicit(&counts->placed, memory_order_relaxed) ||
           atomic_load_explicit(&run->phase, memory_order_acquire) == RUN_FINISHED;
}

static int read_chunk(struct sweeper *sweeper, struct chunk_reader *reader, uint64_t number)
{
    const struct frame_sweep *const sweep = sweeper->work->sweep;
    for (;;) {
        /* Asked first: what is written before is then seen. */
        const bool all = all_is_written(sweep->run);
        const int r = chunk_reader_read(reader, sweep->layer, number, &sweeper->error);
        if (r != -ENOENT || !sweep->waits)
            return r;
        if (all)
            return error_set(&sweeper->error, -EIO, "chunk %" PRIu64 " is not in the file", number);
        usleep(WAIT_US);
    }
}

static int sweep_chunk(struct sweeper *sweeper, struct chunk_reader *reader, uint64_t number)
{
    if (for_each_frame(sweeper, number, NULL) == 0)
        return 0;
    const int r = read_chunk(sweeper, reader, number);
    if (r == 0)
        for_each_frame(sweeper, number, reader);
    return r == -ENOENT ? 0 : r;
}

/* ---- late frames ---- */

static int read_late(struct sweeper *sweeper, struct chunk_reader *reader, uint64_t exposure)
{
    const struct frame_sweep *const sweep = sweeper->work->sweep;
    for (;;) {
        const bool all = all_is_written(sweep->run);
        const int r = chunk_reader_read_late(reader, sweep->layer, exposure, &sweeper->error);
        if (r != -ENOENT || !sweep->waits)
            return r;
        if (all)
            return error_set(&sweeper->error, -EIO, "the late frame %" PRIu64 " is not in the file",
                             exposure);
        usleep(WAIT_US);
    }
}

static int sweep_late(struct sweeper *sweeper, struct chunk_reader *reader)
{
    const struct frame_sweep *const sweep = sweeper->work->sweep;
    const uint64_t end = frame_table_end(sweep->run->frames);
    for (uint64_t i = 0; i < end; i++) {
        if (!late_frame_analysed(sweep->run, sweep->layer, i) || !is_wanted(sweep, i))
            continue;
        const int r = read_late(sweeper, reader, i);
        if (r == 0)
            sweep->each(sweep->data, sweeper->index, i, reader->images);
        else if (r != -ENOENT)
            return r;
    }
    return 0;
}

/* ---- threads ---- */

static void sweep_all(struct sweeper *sweeper)
{
    struct work *const work = sweeper->work;
    struct chunk_reader reader = {.file = -1};
    int r = chunk_reader_init(&reader, work->sweep->run, &sweeper->error);
    while (r == 0 && !atomic_load_explicit(&work->failed, memory_order_relaxed)) {
        const uint64_t number = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed);
        if (number >= work->n_chunks)
            break;
        r = sweep_chunk(sweeper, &reader, number);
    }
    if (r == 0 && sweeper->index == 0)
        r = sweep_late(sweeper, &reader);
    chunk_reader_finish(&reader);
    sweeper->result = r;
    if (r < 0)
        atomic_store_explicit(&work->failed, true, memory_order_relaxed);
}

static void *thread_main(void *data)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_setname_np(pthread_self(), "sweep");
    setpriority(PRIO_PROCESS, (id_t)gettid(), SWEEP_NICE);
    sweep_all(data);
    return NULL;
}

/* With fewer threads than asked for it only takes longer. */
static unsigned start(struct sweeper *sweepers, struct work *work)
{
    unsigned n = 0;
    for (; n < work->sweep->n_threads; n++) {
        sweepers[n] = (struct sweeper){.work = work, .index = n};
        if (pthread_create(&sweepers[n].thread, NULL, thread_main, &sweepers[n]) != 0)
            break;
    }
    return n;
}

int frame_sweep(const struct frame_sweep *sweep, struct error *error)
{
    struct work work = {.sweep = sweep, .n_chunks = stored_chunks_count(sweep->run)};
    struct sweeper *const sweepers = calloc(sweep->n_threads, sizeof *sweepers);
    const unsigned n = sweepers ? start(sweepers, &work) : 0;
    int r = n > 0 ? 0 : error_set(error, -ENOMEM, "no memory or no thread to read frames again");
    for (unsigned i = 0; i < n; i++) {
        pthread_join(sweepers[i].thread, NULL);
        if (sweepers[i].result < 0 && r == 0) {
            r = sweepers[i].result;
            if (error)
                *error = sweepers[i].error;
        }
    }
    free(sweepers);
    return r;
}
