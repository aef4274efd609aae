#include "processing/workers.h"

#include <blosc.h>
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
#include "processing/worker.h"

/* How long a worker sleeps at most before it looks whether somebody wants its sums. */
#define IDLE_NS (200 * NS_PER_MS)
/* A chunk whose frames are this long in coming is handed over as it is, and again when there is
 * more. */
#define HAND_OVER_NS NS_PER_S
/* Behind the ingest thread, which must never wait for a CPU. */
#define WORKER_NICE 5

struct workers {
    struct ring *ring;
    struct chunk_sink sink;
    unsigned n_workers;
    unsigned delay_us;
    enum cpu_isa isa;
    pthread_t thread;
    sem_t started;
    int start_result;
    _Atomic bool stopping;
};

/* The part of a chunk that outlives ring_release. */
struct chunk_work {
    struct run *run;
    int64_t first_position;
    uint32_t n_frames;    /* in the worker's images so far */
    uint32_t n_submitted; /* of them handed over */
};

/* ---- chunks ---- */

static void count_unrecorded(struct run *run, bool in_place, uint32_t n_frames)
{
    atomic_fetch_add_explicit(in_place ? &run->counts.unrecorded : &run->counts.extra_unrecorded,
                              n_frames, memory_order_relaxed);
}

static const char *codec_name(enum recording_codec codec)
{
    switch (codec) {
    case RECORDING_CODEC_ZSTD:
        return BLOSC_ZSTD_COMPNAME;
    case RECORDING_CODEC_BLOSCLZ:
        return BLOSC_BLOSCLZ_COMPNAME;
    case RECORDING_CODEC_LZ4:
        break;
    }
    return BLOSC_LZ4_COMPNAME;
}

static int compress_images(struct compressed_chunk *chunk, const struct run *run,
                           const uint8_t *images, size_t size)
{
    const struct recording_settings *const settings = &run->plan->recording;
    const int compressed = blosc_compress_ctx(settings->level, (int)settings->shuffle,
                                              run->format.pixel_size, size, images, chunk->bytes,
                                              chunk->capacity, codec_name(settings->codec), 0, 1);
    if (compressed <= 0)
        return -EIO;
    chunk->size = (size_t)compressed;
    chunk->raw_size = size;
    return 0;
}

/* Compresses `size` bytes of images and hands them over. `describe` carries what the sink needs to
 * know of them. */
static void submit(struct worker *worker, struct run *run, const uint8_t *images, size_t size,
                   const struct compressed_chunk *describe, bool in_place)
{
    const struct chunk_sink *const sink = worker->sink;
    if (!sink->wants(sink->data, run)) {
        count_unrecorded(run, in_place, describe->n_frames);
        return;
    }
    struct compressed_chunk *const chunk = sink->acquire(sink->data, size + BLOSC_MAX_OVERHEAD);
    if (!chunk) {
        log_error("workers", "no memory for a compressed chunk: %u frames are not recorded",
                  describe->n_frames);
        count_unrecorded(run, in_place, describe->n_frames);
        return;
    }
    chunk->run = run;
    chunk->extra = describe->extra;
    chunk->again = describe->again;
    chunk->first_position = describe->first_position;
    chunk->frame_index = describe->frame_index;
    chunk->flags = describe->flags;
    chunk->n_frames = describe->n_frames;
    chunk->size = 0;
    if (compress_images(chunk, run, images, size) < 0)
        log_error("workers", "Blosc refused a chunk of %zu bytes", size);
    sink->submit(sink->data, chunk);
}

static void submit_chunk(struct worker *worker, struct chunk_work *work)
{
    const size_t image_size = work->run->format.image_size;
    for (uint32_t i = 0; i < work->run->chunk_frames; i++) {
        if (!worker->present[i])
            memset(worker->images + i * image_size, 0, image_size);
    }
    const struct compressed_chunk describe = {
        .again = work->n_submitted > 0,
        .first_position = work->first_position,
        .n_frames = work->n_frames - work->n_submitted,
    };
    submit(worker, work->run, worker->images, work->run->chunk_frames * image_size, &describe,
           true);
    work->n_submitted = work->n_frames;
}

static void process_frames(struct worker *worker, struct chunk_work *work,
                           const struct chunk *chunk, uint32_t n_frames)
{
    const size_t image_size = work->run->format.image_size;
    uint64_t analysed = 0;
    uint8_t *image = NULL;
    for (uint32_t i = work->n_frames; i < n_frames; i++) {
        const struct frame_slot *const slot = &chunk->frames[i];
        const uint64_t place = (uint64_t)(slot->position - work->first_position);
        image = worker->images + place * image_size;
        analysed += worker_analyse_frame(worker, slot, image);
        worker->present[place] = 1;
    }
    if (image)
        worker_give_latest(worker, image, chunk->frames[n_frames - 1].frame_index + 1);
    struct run_counts *const counts = &work->run->counts;
    atomic_fetch_add_explicit(&counts->analysed, analysed, memory_order_relaxed);
    if (n_frames - work->n_frames != analysed)
        atomic_fetch_add_explicit(&counts->not_analysed, n_frames - work->n_frames - analysed,
                                  memory_order_relaxed);
    work->n_frames = n_frames;
}

static void process_placed_chunk(struct workers *workers, struct worker *worker,
                                 struct chunk_work *work, struct chunk *chunk)
{
    bool closed = false;
    uint64_t waited_ns = 0;
    while (!closed) {
        const uint32_t n_frames = chunk_wait(chunk, work->n_frames, IDLE_NS, &closed);
        if (n_frames > work->n_frames) {
            process_frames(worker, work, chunk, n_frames);
            waited_ns = 0;
            continue;
        }
        worker_merge_if_wanted(worker);
        waited_ns += IDLE_NS;
        if (!closed && waited_ns >= HAND_OVER_NS && work->n_frames > work->n_submitted)
            submit_chunk(worker, work);
    }
    ring_release(workers->ring, chunk);
    if (work->n_frames > work->n_submitted)
        submit_chunk(worker, work);
}

/* A frame without a place. A late one still has its row in the table and is analysed; a duplicate
 * has not. */
static void process_extra_frame(struct worker *worker, const struct frame_slot *slot)
{
    struct run *const run = worker->run;
    const bool late = slot->flags & FRAME_FLAG_LATE;
    if (late) {
        const bool analysed = worker_analyse_frame(worker, slot, worker->images);
        atomic_fetch_add_explicit(analysed ? &run->counts.analysed : &run->counts.not_analysed, 1,
                                  memory_order_relaxed);
        return;
    }
    worker->decode(worker->images, slot->body + run->format.data_offset, &run->format);
    if (slot->flags & FRAME_FLAG_DUPLICATE) {
        struct frame_facts *const facts = frame_table_make(run->frames, slot->frame_index, NULL);
        if (facts)
            atomic_fetch_or_explicit(&facts->flags, slot->flags, memory_order_relaxed);
        return;
    }
    struct frame_facts *const facts = worker_note_facts(worker, slot, NULL);
    if (facts)
        atomic_store_explicit(&facts->state, FRAME_RECEIVED, memory_order_release);
}

static void process_extra_chunk(struct workers *workers, struct worker *worker, struct chunk *chunk)
{
    struct run *const run = worker->run;
    bool closed;
    (void)chunk_wait(chunk, 0, UINT64_MAX, &closed);
    const struct frame_slot slot = chunk->frames[0];
    process_extra_frame(worker, &slot);
    ring_release(workers->ring, chunk);
    const struct compressed_chunk describe = {
        .extra = true,
        .first_position = slot.position,
        .frame_index = slot.frame_index,
        .flags = slot.flags,
        .n_frames = 1,
    };
    submit(worker, run, worker->images, run->format.image_size, &describe,
           slot.flags & FRAME_FLAG_LATE);
}

static int make_room(struct worker *worker, const struct run *run)
{
    const size_t images_size = run->chunk_frames * run->format.image_size;
    if (worker->images_size < images_size) {
        free(worker->images);
        worker->images = aligned_alloc(64, (images_size + 63) / 64 * 64);
        worker->images_size = worker->images ? images_size : 0;
    }
    if (worker->present_size < run->chunk_frames) {
        free(worker->present);
        worker->present = malloc(run->chunk_frames);
        worker->present_size = worker->present ? run->chunk_frames : 0;
    }
    return worker->images && worker->present ? 0 : -ENOMEM;
}

/* Without memory to work in: the frames are counted and let go. */
static void pass_over(struct workers *workers, struct run *run, struct chunk *chunk)
{
    bool closed = false;
    uint32_t n_frames = 0;
    while (!closed)
        n_frames = chunk_wait(chunk, n_frames, UINT64_MAX, &closed);
    const bool in_place = !chunk->extra || (chunk->frames[0].flags & FRAME_FLAG_LATE);
    ring_release(workers->ring, chunk);
    count_unrecorded(run, in_place, n_frames);
    if (in_place)
        atomic_fetch_add_explicit(&run->counts.not_analysed, n_frames, memory_order_relaxed);
    log_error("workers", "no memory for a chunk of %u frames: they are lost", n_frames);
}

static void process_chunk(struct workers *workers, struct worker *worker, struct chunk *chunk)
{
    struct run *const run = chunk->run;
    worker_take_run(worker, run, workers->isa);
    if (make_room(worker, run) < 0) {
        pass_over(workers, run, chunk);
    } else {
        struct chunk_work work = {
            .run = run,
            .first_position = chunk->first_position,
        };
        memset(worker->present, 0, run->chunk_frames);
        if (chunk->extra)
            process_extra_chunk(workers, worker, chunk);
        else
            process_placed_chunk(workers, worker, &work, chunk);
    }
    worker_merge_if_wanted(worker);
    run_drop_pending(run, &workers->sink);
}

/* ---- life ---- */

static void worker_main(struct workers *workers, unsigned index)
{
    struct worker worker = {.sink = &workers->sink, .index = index, .delay_us = workers->delay_us};
    char name[16];
    snprintf(name, sizeof name, "worker-%u", index);
    pthread_setname_np(pthread_self(), name);
    setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
    for (;;) {
        const bool stopping = atomic_load_explicit(&workers->stopping, memory_order_acquire);
        const uint32_t signal = ring_signal(workers->ring);
        worker_merge_if_wanted(&worker);
        worker_let_go_of_finished_run(&worker);
        struct chunk *const chunk = ring_claim(workers->ring, signal, stopping ? 0 : IDLE_NS);
        if (chunk)
            process_chunk(workers, &worker, chunk);
        else if (stopping)
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

int workers_create(struct workers **out, struct ring *ring, unsigned n_workers,
                   struct chunk_sink sink, unsigned delay_us, struct error *error)
{
    struct workers *workers = calloc(1, sizeof *workers);
    if (!workers)
        return error_set(error, -ENOMEM, "no memory for the workers");
    workers->ring = ring;
    workers->sink = sink;
    workers->n_workers = n_workers;
    workers->delay_us = delay_us;
    workers->isa = cpu_isa_best();
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
    sem_destroy(&workers->started);
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
    sem_destroy(&workers->started);
    free(workers);
}
