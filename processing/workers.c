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
#include "detector/frame_header.h"

/* How long a worker sleeps at most before it looks whether somebody wants its sums. */
#define IDLE_NS (200 * NS_PER_MS)
/* A chunk whose frames are this long in coming is handed over as it is, and again when there is more. */
#define HAND_OVER_NS NS_PER_S
/* Exposures differ by a few per cent with external triggers; a held-up detector lengthens them by whole frames. */
#define STALL_FACTOR_NUMERATOR 6
#define STALL_FACTOR_DENOMINATOR 5
/* Behind the ingest thread, which must never wait for a CPU. */
#define WORKER_NICE 5

struct worker {
    struct workers *workers;
    unsigned index;
    uint8_t *images;  /* the chunk in hand: [chunk_frames][height][width] */
    uint8_t *present; /* [chunk_frames]: which of them came */
    size_t images_size, present_size;
    struct run *run; /* the run of the last chunk; holds a reference */
};

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
    frame_decode_fn decode;
    int64_t first_position;
    uint32_t n_frames;    /* in the worker's images so far */
    uint32_t n_submitted; /* of them handed over */
};

/* ---- sums and pictures that somebody asked for ---- */

static void partial_merge(struct worker *worker)
{
    struct run *const run = worker->run;
    struct run_partial *const partial = &run->partials[worker->index];
    const uint32_t wanted = atomic_load_explicit(&run->partials_wanted, memory_order_relaxed);
    pthread_mutex_lock(&partial->mutex);
    for (unsigned i = 0; i < run->n_products; i++) {
        const struct product *const product = &run->products[i];
        if (product->accumulator_size == 0)
            continue;
        product->class->merge(product, partial->shared[i], partial->own[i]);
        memset(partial->own[i], 0, product->accumulator_size);
    }
    pthread_mutex_unlock(&partial->mutex);
    partial->given = wanted;
    partial->dirty = false;
    run_drop_pending(run, &worker->workers->sink);
}

static void partial_merge_if_wanted(struct worker *worker)
{
    struct run *const run = worker->run;
    if (!run || !run->partials[worker->index].dirty)
        return;
    if (atomic_load_explicit(&run->phase, memory_order_acquire) != RUN_ACQUIRING ||
        atomic_load_explicit(&run->partials_wanted, memory_order_relaxed) !=
            run->partials[worker->index].given)
        partial_merge(worker);
}

static void partial_mark_dirty(struct worker *worker)
{
    struct run_partial *const partial = &worker->run->partials[worker->index];
    if (partial->dirty)
        return;
    partial->dirty = true;
    atomic_fetch_add_explicit(&worker->run->pending, 1, memory_order_relaxed);
}

/* The last frame of a run is given unasked, for those who look afterwards. */
static void give_latest(struct run *run, const void *image, uint64_t number)
{
    const uint32_t wanted = atomic_load_explicit(&run->latest_wanted, memory_order_relaxed);
    if (number == run->frames_to_come)
        pthread_mutex_lock(&run->latest_mutex);
    else if (wanted == atomic_load_explicit(&run->latest_given, memory_order_relaxed) ||
             pthread_mutex_trylock(&run->latest_mutex) != 0)
        return;
    if (number > run->latest_number) {
        memcpy(run->latest_image, image, run->format.image_size);
        run->latest_number = number;
        atomic_store_explicit(&run->latest_given, wanted, memory_order_relaxed);
    }
    pthread_mutex_unlock(&run->latest_mutex);
}

static void worker_take_run(struct worker *worker, struct run *run)
{
    if (worker->run == run)
        return;
    if (worker->run) {
        if (worker->run->partials[worker->index].dirty)
            partial_merge(worker);
        run_unref(worker->run);
    }
    worker->run = run_ref(run);
}

/* An idle worker must not keep the memory of a run that is over. */
static void worker_let_go_of_finished_run(struct worker *worker)
{
    struct run *const run = worker->run;
    if (!run || run->partials[worker->index].dirty ||
        atomic_load_explicit(&run->phase, memory_order_acquire) != RUN_FINISHED)
        return;
    run_unref(run);
    worker->run = NULL;
}

/* ---- one frame ---- */

static bool exposure_lengthened(struct run *run, uint64_t exposure_ns)
{
    if (exposure_ns == 0)
        return false;
    uint64_t nominal = atomic_load_explicit(&run->nominal_exposure_ns, memory_order_relaxed);
    while (nominal == 0 || exposure_ns < nominal) {
        if (atomic_compare_exchange_weak_explicit(&run->nominal_exposure_ns, &nominal, exposure_ns,
                                                  memory_order_relaxed, memory_order_relaxed))
            nominal = exposure_ns;
    }
    return exposure_ns > nominal / STALL_FACTOR_DENOMINATOR * STALL_FACTOR_NUMERATOR;
}

static struct frame_facts *note_facts(struct run *run, const struct frame_slot *slot,
                                      uint64_t **columns)
{
    struct frame_facts *const facts = frame_table_make(run->frames, slot->frame_index, columns);
    if (!facts)
        return NULL;
    facts->number = slot->number;
    facts->position = slot->position;
    frame_header_parse_time(slot->body, run->format.data_offset, &facts->timestamp_ns,
                            &facts->exposure_ns);
    uint8_t flags = slot->flags;
    if (exposure_lengthened(run, facts->exposure_ns)) {
        flags |= FRAME_FLAG_STALLED;
        atomic_fetch_add_explicit(&run->counts.stalled, 1, memory_order_relaxed);
    }
    atomic_fetch_or_explicit(&facts->flags, flags, memory_order_relaxed);
    return facts;
}

/* Decodes a frame into `image` and computes all products of it. Returns whether it was analysed. */
static bool analyse_frame(struct worker *worker, const struct chunk_work *work,
                          const struct frame_slot *slot, void *image)
{
    struct run *const run = work->run;
    work->decode(image, slot->body + run->format.data_offset, &run->format);
    uint64_t *columns;
    struct frame_facts *const facts = note_facts(run, slot, &columns);
    if (!facts)
        return false;
    partial_mark_dirty(worker);
    const struct run_partial *const partial = &run->partials[worker->index];
    for (unsigned i = 0; i < run->n_products; i++) {
        const struct product *const product = &run->products[i];
        product->class->frame(product, image, columns + product->first_column, partial->own[i]);
    }
    atomic_store_explicit(&facts->state, FRAME_ANALYSED, memory_order_release);
    if (worker->workers->delay_us)
        usleep(worker->workers->delay_us);
    return true;
}

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
    const int compressed = blosc_compress_ctx(
        settings->level, (int)settings->shuffle, run->format.pixel_size, size, images,
        chunk->bytes, chunk->capacity, codec_name(settings->codec), 0, 1);
    if (compressed <= 0)
        return -EIO;
    chunk->size = (size_t)compressed;
    chunk->raw_size = size;
    return 0;
}

/* Compresses `size` bytes of images and hands them over. `describe` carries what the sink needs to know of them. */
static void submit(struct worker *worker, struct run *run, const uint8_t *images, size_t size,
                   const struct compressed_chunk *describe, bool in_place)
{
    const struct chunk_sink *const sink = &worker->workers->sink;
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
    const uint8_t *image = NULL;
    for (uint32_t i = work->n_frames; i < n_frames; i++) {
        const struct frame_slot *const slot = &chunk->frames[i];
        const uint64_t place = (uint64_t)(slot->position - work->first_position);
        image = worker->images + place * image_size;
        analysed += analyse_frame(worker, work, slot, (void *)image);
        worker->present[place] = 1;
    }
    if (image)
        give_latest(work->run, image, chunk->frames[n_frames - 1].frame_index + 1);
    struct run_counts *const counts = &work->run->counts;
    atomic_fetch_add_explicit(&counts->analysed, analysed, memory_order_relaxed);
    if (n_frames - work->n_frames != analysed)
        atomic_fetch_add_explicit(&counts->not_analysed, n_frames - work->n_frames - analysed,
                                  memory_order_relaxed);
    work->n_frames = n_frames;
}

static void process_placed_chunk(struct worker *worker, struct chunk_work *work,
                                 struct chunk *chunk)
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
        partial_merge_if_wanted(worker);
        waited_ns += IDLE_NS;
        if (!closed && waited_ns >= HAND_OVER_NS && work->n_frames > work->n_submitted)
            submit_chunk(worker, work);
    }
    ring_release(worker->workers->ring, chunk);
    if (work->n_frames > work->n_submitted)
        submit_chunk(worker, work);
}

/* A frame without a place. A late one still has its row in the table and is analysed; a duplicate has not. */
static void process_extra_frame(struct worker *worker, const struct chunk_work *work,
                                const struct frame_slot *slot)
{
    struct run *const run = work->run;
    const bool late = slot->flags & FRAME_FLAG_LATE;
    if (late) {
        const bool analysed = analyse_frame(worker, work, slot, worker->images);
        atomic_fetch_add_explicit(analysed ? &run->counts.analysed : &run->counts.not_analysed, 1,
                                  memory_order_relaxed);
        return;
    }
    work->decode(worker->images, slot->body + run->format.data_offset, &run->format);
    if (slot->flags & FRAME_FLAG_DUPLICATE) {
        struct frame_facts *const facts = frame_table_make(run->frames, slot->frame_index, NULL);
        if (facts)
            atomic_fetch_or_explicit(&facts->flags, slot->flags, memory_order_relaxed);
        return;
    }
    struct frame_facts *const facts = note_facts(run, slot, NULL);
    if (facts)
        atomic_store_explicit(&facts->state, FRAME_RECEIVED, memory_order_release);
}

static void process_extra_chunk(struct worker *worker, const struct chunk_work *work,
                                struct chunk *chunk)
{
    bool closed;
    (void)chunk_wait(chunk, 0, UINT64_MAX, &closed);
    const struct frame_slot slot = chunk->frames[0];
    process_extra_frame(worker, work, &slot);
    ring_release(worker->workers->ring, chunk);
    const struct compressed_chunk describe = {
        .extra = true,
        .first_position = slot.position,
        .frame_index = slot.frame_index,
        .flags = slot.flags,
        .n_frames = 1,
    };
    submit(worker, work->run, worker->images, work->run->format.image_size, &describe,
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
static void pass_over(struct worker *worker, struct run *run, struct chunk *chunk)
{
    bool closed = false;
    uint32_t n_frames = 0;
    while (!closed)
        n_frames = chunk_wait(chunk, n_frames, UINT64_MAX, &closed);
    const bool in_place = !chunk->extra || (chunk->frames[0].flags & FRAME_FLAG_LATE);
    ring_release(worker->workers->ring, chunk);
    count_unrecorded(run, in_place, n_frames);
    if (in_place)
        atomic_fetch_add_explicit(&run->counts.not_analysed, n_frames, memory_order_relaxed);
    log_error("workers", "no memory for a chunk of %u frames: they are lost", n_frames);
}

static void process_chunk(struct worker *worker, struct chunk *chunk)
{
    struct run *const run = chunk->run;
    worker_take_run(worker, run);
    if (make_room(worker, run) < 0) {
        pass_over(worker, run, chunk);
    } else {
        struct chunk_work work = {
            .run = run,
            .decode = frame_decoder(&run->format, worker->workers->isa),
            .first_position = chunk->first_position,
        };
        memset(worker->present, 0, run->chunk_frames);
        if (chunk->extra)
            process_extra_chunk(worker, &work, chunk);
        else
            process_placed_chunk(worker, &work, chunk);
    }
    partial_merge_if_wanted(worker);
    run_drop_pending(run, &worker->workers->sink);
}

/* ---- life ---- */

static void worker_main(struct workers *workers, unsigned index)
{
    struct worker worker = {.workers = workers, .index = index};
    char name[16];
    snprintf(name, sizeof name, "worker-%u", index);
    pthread_setname_np(pthread_self(), name);
    setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
    for (;;) {
        const bool stopping = atomic_load_explicit(&workers->stopping, memory_order_acquire);
        const uint32_t signal = ring_signal(workers->ring);
        partial_merge_if_wanted(&worker);
        worker_let_go_of_finished_run(&worker);
        struct chunk *const chunk = ring_claim(workers->ring, signal, stopping ? 0 : IDLE_NS);
        if (chunk)
            process_chunk(&worker, chunk);
        else if (stopping)
            break;
    }
    if (worker.run) {
        if (worker.run->partials[index].dirty)
            partial_merge(&worker);
        run_unref(worker.run);
    }
    free(worker.images);
    free(worker.present);
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
            /* A ring whose chunks nobody claims would be a silent loss: fewer threads than asked for is a refusal to start. */
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
        error_set(error, r, "the system gives fewer than %u worker threads: set a smaller `workers`",
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
