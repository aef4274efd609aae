#include "processing/stored/recompute.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/huge_memory.h"
#include "processing/stored/chunk_reader.h"
#include "processing/tables/column_table.h"

/* Behind everybody. */
#define RECOMPUTE_NICE 15
/* A chunk that is not in the file yet may still be on its way through workers and writer. */
#define WAIT_US 20000
/* Of a run that has ended: so long for the writer to come to the next chunk. */
#define PATIENCE_US 10000000

/*
 * `mutex` guards `progress`; `stopping` is set by whoever destroys, `gives_way` by whoever knows
 * that frames are taken. `next` is the next chunk, `done` counts those that were seen to, `running`
 * the threads: the last one that ends tells that all is finished. The rest does not change once the
 * threads run.
 */
struct recompute {
    struct run *run; /* holds a reference */
    struct recompute_options options;
    _Atomic bool holds; /* one of the run's `pending` */
    struct product **products;
    size_t n;
    struct recomputer *recomputers; /* [run->n_workers], n_threads of them run */
    unsigned n_threads;
    _Atomic uint64_t next, done;
    _Atomic unsigned running;
    _Atomic bool stopping, gives_way;
    pthread_mutex_t mutex;
    struct recompute_progress progress;
};

/* Belongs to its thread. */
struct recomputer {
    struct recompute *recompute;
    unsigned index;
    pthread_t thread;
    struct chunk_reader reader;
    uint64_t *columns; /* [PRODUCT_MAX_COLUMNS] */
    void **sums;       /* [n]: since they were merged; NULL: the product has none */
    bool *dirty;       /* [n] */
    uint32_t given;    /* the value of the run's arrays_wanted that its merged sums answer */
};

/* ---- one frame, one chunk ---- */

static void compute(struct recomputer *recomputer, size_t which, uint64_t exposure,
                    const void *image)
{
    const struct recompute *const recompute = recomputer->recompute;
    struct product *const product = recompute->products[which];
    const struct product_class *const class = product->class;
    struct frame frame = {
        .image = image,
        .exposure = exposure,
        .epoch = epoch_of_exposure(exposure),
        .thread = recompute->run->n_workers + recomputer->index,
    };
    if (product->n_columns > 0) {
        class->frame(product, &frame, recomputer->columns);
        if (product->columns)
            (void)column_table_put(product->columns, exposure, recomputer->columns);
    }
    if (class->accumulate) {
        class->accumulate(product, exposure, &frame, recomputer->columns, recomputer->sums[which]);
        recomputer->dirty[which] = true;
    }
    atomic_fetch_add_explicit(&product->recomputed, 1, memory_order_relaxed);
    if (recompute->options.analysis_delay_us)
        usleep(recompute->options.analysis_delay_us);
}

/* Whether the frame was measured, or is to be from the file (deferred), and workers did not, and
 * will not, compute the product of it. */
static bool is_due(const struct run *run, const struct product *product, int64_t exposure)
{
    const uint64_t first = atomic_load_explicit(&product->since->first_frame, memory_order_relaxed);
    if (exposure < 0 || (uint64_t)exposure >= first)
        return false;
    const struct frame_facts *const facts = chunk_frame(run, product->layer, (uint64_t)exposure);
    return facts &&
           (atomic_load_explicit(&facts->state, memory_order_relaxed) == FRAME_ANALYSED ||
            atomic_load_explicit(&facts->flags, memory_order_relaxed) & FRAME_FLAG_DEFERRED);
}

/* Computes every due frame of the chunk and product of the layer that the reader has; `looking`:
 * only counts those that are due. Returns how many there are. */
static uint64_t compute_due(struct recomputer *recomputer, unsigned layer, uint64_t number,
                            bool looking)
{
    const struct recompute *const recompute = recomputer->recompute;
    const struct run *const run = recompute->run;
    const struct chunk_reader *const reader = &recomputer->reader;
    uint32_t n_places;
    uint64_t n = 0;
    const int64_t first = stored_chunks_place(run, number, &n_places);
    for (uint32_t i = 0; i < n_places; i++) {
        const int64_t exposure = scan_geometry_frame_at_place(&run->scan, (uint64_t)first + i);
        for (size_t j = 0; j < recompute->n; j++) {
            const struct product *const product = recompute->products[j];
            if (product->layer != layer || !is_due(run, product, exposure) ||
                !(looking || reader->there[i]))
                continue;
            if (!looking)
                compute(recomputer, j, (uint64_t)exposure,
                        reader->images + i * run->format.image_size);
            n++;
        }
    }
    return n;
}

static void merge_sums(struct recomputer *recomputer)
{
    const struct recompute *const recompute = recomputer->recompute;
    for (size_t i = 0; i < recompute->n; i++) {
        const struct product *const product = recompute->products[i];
        if (!recomputer->dirty[i])
            continue;
        product_partial_add(product, &product->partials[product->n_partials - 1],
                            recomputer->sums[i]);
        memset(recomputer->sums[i], 0, product->accumulator_size);
        recomputer->dirty[i] = false;
    }
}

/* They may be of tens of MiB, and a chunk of one: not after each. */
static void merge_if_wanted(struct recomputer *recomputer)
{
    const uint32_t wanted =
        atomic_load_explicit(&recomputer->recompute->run->arrays_wanted, memory_order_relaxed);
    if (wanted == recomputer->given)
        return;
    merge_sums(recomputer);
    recomputer->given = wanted;
}

/* ---- all of them ---- */

/* Whether the file is complete, or will never be. */
static bool is_over(const struct recompute *recompute, unsigned waited_us)
{
    const struct run *const run = recompute->run;
    const struct chunk_sink *const sink = &recompute->options.sink;
    switch (atomic_load_explicit(&run->phase, memory_order_acquire)) {
    case RUN_ACQUIRING:
        return false;
    case RUN_FINISHED:
        return true;
    default:
        return waited_us >= PATIENCE_US || !sink->wants(sink->data, run);
    }
}

/* Waits for a chunk that was received and is not in the file yet. */
static int read_chunk(struct recomputer *recomputer, unsigned layer, uint64_t number,
                      struct error *error)
{
    const struct recompute *const recompute = recomputer->recompute;
    for (unsigned waited_us = 0;; waited_us += WAIT_US) {
        /* Asked first: what is written before the end of the run is then seen. */
        const bool over = is_over(recompute, waited_us);
        const int r = chunk_reader_read(&recomputer->reader, layer, number, error);
        if (r != -ENOENT || over || recompute->stopping)
            return r;
        usleep(WAIT_US);
    }
}

/* Of several errors the first one is told. */
static void tell_error(struct recompute *recompute, const struct error *error)
{
    pthread_mutex_lock(&recompute->mutex);
    if (recompute->progress.error.code == 0)
        recompute->progress.error = *error;
    pthread_mutex_unlock(&recompute->mutex);
}

/* A chunk that cannot be read is passed over. */
static void compute_chunk(struct recomputer *recomputer, uint64_t number)
{
    struct recompute *const recompute = recomputer->recompute;
    for (unsigned layer = 0; layer < recompute->run->n_layers; layer++) {
        struct error why = {0};
        if (recompute->stopping || compute_due(recomputer, layer, number, true) == 0)
            continue;
        const int r = read_chunk(recomputer, layer, number, &why);
        if (r == 0)
            compute_due(recomputer, layer, number, false);
        else if (r != -ENOENT)
            tell_error(recompute, &why);
    }
}

static void sweep(struct recomputer *recomputer)
{
    struct recompute *const recompute = recomputer->recompute;
    const uint64_t n_chunks = recompute->progress.total / recompute->run->n_layers;
    while (!recompute->stopping && recompute->next < n_chunks) {
        merge_if_wanted(recomputer);
        if (recomputer->index > 0 && recompute->gives_way) {
            usleep(WAIT_US);
            continue;
        }
        const uint64_t number = atomic_fetch_add(&recompute->next, 1);
        if (number >= n_chunks)
            break;
        compute_chunk(recomputer, number);
        atomic_fetch_add(&recompute->done, 1);
    }
    merge_sums(recomputer);
}

/* First: who hears that the run is finished finds this finished too. */
static void end(struct recompute *recompute)
{
    pthread_mutex_lock(&recompute->mutex);
    recompute->progress.finished = true;
    pthread_mutex_unlock(&recompute->mutex);
    recompute_release(recompute);
}

static void *thread_main(void *data)
{
    struct recomputer *const recomputer = data;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_setname_np(pthread_self(), "recompute");
    setpriority(PRIO_PROCESS, (id_t)gettid(), RECOMPUTE_NICE);
    sweep(recomputer);
    if (atomic_fetch_sub(&recomputer->recompute->running, 1) == 1)
        end(recomputer->recompute);
    return NULL;
}

/* ---- life ---- */

bool recompute_release(struct recompute *recompute)
{
    if (!atomic_exchange(&recompute->holds, false))
        return false;
    run_drop_pending(recompute->run, &recompute->options.sink);
    return true;
}

static int prepare(struct recomputer *recomputer, struct error *error)
{
    const struct recompute *const recompute = recomputer->recompute;
    recomputer->columns = calloc(PRODUCT_MAX_COLUMNS, sizeof *recomputer->columns);
    recomputer->sums = calloc(recompute->n + 1, sizeof(void *));
    recomputer->dirty = calloc(recompute->n + 1, sizeof *recomputer->dirty);
    if (!recomputer->columns || !recomputer->sums || !recomputer->dirty)
        return error_set(error, -ENOMEM, "no memory to compute results again");
    for (size_t i = 0; i < recompute->n; i++) {
        const struct product *const product = recompute->products[i];
        if (!product->class->accumulate)
            continue;
        /* A thread that always gives way touches none of it. */
        recomputer->sums[i] = huge_memory_map(product->accumulator_size);
        if (!recomputer->sums[i])
            return error_set(error, -ENOMEM, "no memory to compute results again");
    }
    return chunk_reader_init(&recomputer->reader, recompute->run, error);
}

/* Also of one that was not prepared, or not whole. */
static void finish(struct recomputer *recomputer)
{
    for (size_t i = 0; recomputer->sums && i < recomputer->recompute->n; i++)
        huge_memory_unmap(recomputer->sums[i],
                          recomputer->recompute->products[i]->accumulator_size);
    free(recomputer->sums);
    free(recomputer->dirty);
    free(recomputer->columns);
    chunk_reader_finish(&recomputer->reader);
}

static int start_one(struct recompute *recompute, unsigned index, struct error *error)
{
    struct recomputer *const recomputer = &recompute->recomputers[index];
    *recomputer = (struct recomputer){.recompute = recompute, .index = index};
    int r = prepare(recomputer, error);
    if (r < 0)
        return r;
    atomic_fetch_add(&recompute->running, 1);
    r = -pthread_create(&recomputer->thread, NULL, thread_main, recomputer);
    if (r == 0)
        return 0;
    atomic_fetch_sub(&recompute->running, 1);
    return error_set(error, r, "cannot start a thread: %s", strerror(-r));
}

/* With fewer threads than the run has workers it only takes longer. */
static int start(struct recompute *recompute, struct error *error)
{
    int r = 0;
    /* One for this function: the work is not over before all threads are there. */
    atomic_store(&recompute->running, 1);
    for (unsigned i = 0; i < recompute->run->n_workers && r == 0; i++) {
        r = start_one(recompute, i, error);
        if (r < 0)
            finish(&recompute->recomputers[i]);
        else
            recompute->n_threads++;
    }
    if (recompute->n_threads > 0 && atomic_fetch_sub(&recompute->running, 1) == 1)
        end(recompute);
    return recompute->n_threads > 0 ? 0 : r;
}

int recompute_create(struct recompute **out, struct run *run, struct product *const *products,
                     size_t n, const struct recompute_options *options, struct error *error)
{
    struct recompute *const recompute = calloc(1, sizeof *recompute);
    if (!recompute)
        return error_set(error, -ENOMEM, "no memory to compute results again");
    pthread_mutex_init(&recompute->mutex, NULL);
    recompute->run = run_ref(run);
    recompute->options = *options;
    recompute->gives_way = options->gives_way;
    recompute->holds = run_take_pending(run);
    recompute->n = n;
    recompute->progress.total = stored_chunks_count(run) * run->n_layers;
    recompute->products = calloc(n ? n : 1, sizeof(struct product *));
    recompute->recomputers = calloc(run->n_workers, sizeof *recompute->recomputers);
    int r = error_set(error, -ENOMEM, "no memory to compute results again");
    if (recompute->products && recompute->recomputers) {
        memcpy(recompute->products, products, n * sizeof(struct product *));
        r = start(recompute, error);
    }
    if (r < 0)
        recompute_destroy(recompute);
    else
        *out = recompute;
    return r;
}

void recompute_give_way(struct recompute *recompute, bool gives_way)
{
    recompute->gives_way = gives_way;
}

void recompute_progress(struct recompute *recompute, struct recompute_progress *progress)
{
    pthread_mutex_lock(&recompute->mutex);
    *progress = recompute->progress;
    pthread_mutex_unlock(&recompute->mutex);
    progress->done = atomic_load(&recompute->done) * recompute->run->n_layers;
}

void recompute_destroy(struct recompute *recompute)
{
    if (!recompute)
        return;
    recompute->stopping = true;
    for (unsigned i = 0; recompute->recomputers && i < recompute->n_threads; i++) {
        pthread_join(recompute->recomputers[i].thread, NULL);
        finish(&recompute->recomputers[i]);
    }
    recompute_release(recompute);
    pthread_mutex_destroy(&recompute->mutex);
    run_unref(recompute->run);
    free(recompute->products);
    free(recompute->recomputers);
    free(recompute);
}
