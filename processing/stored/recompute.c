#include "processing/stored/recompute.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "processing/stored/chunk_reader.h"
#include "processing/tables/column_table.h"

/* Behind everybody. */
#define RECOMPUTE_NICE 15
/* A chunk that is not in the file yet may still be on its way through workers and writer. */
#define WAIT_US 20000
/* Of a run that has ended: so long for the writer to come to the next chunk. */
#define PATIENCE_US 10000000

/*
 * `mutex` guards `progress`; `stopping` is set by whoever destroys; all else belongs to the thread
 * once it runs.
 */
struct recompute {
    struct run *run; /* holds a reference */
    struct recompute_options options;
    _Atomic bool holds; /* one of the run's `pending` */
    struct product **products;
    size_t n;
    struct chunk_reader reader;
    uint64_t *columns; /* [PRODUCT_MAX_COLUMNS] */
    pthread_t thread;
    bool has_thread;
    _Atomic bool stopping;
    pthread_mutex_t mutex;
    struct recompute_progress progress;
};

/* ---- one frame, one chunk ---- */

static void compute(struct recompute *recompute, struct product *product, uint64_t exposure,
                    const void *image)
{
    const struct product_class *const class = product->class;
    struct frame frame = {
        .image = image,
        .exposure = exposure,
        .epoch = epoch_of_exposure(exposure),
        .thread = recompute->run->n_workers,
    };
    if (product->n_columns > 0) {
        class->frame(product, &frame, recompute->columns);
        if (product->columns)
            (void)column_table_put(product->columns, exposure, recompute->columns);
    }
    if (class->accumulate) {
        struct product_partial *const partial = &product->partials[product->n_partials - 1];
        class->accumulate(product, exposure, &frame, recompute->columns, partial->own);
        partial->dirty = true;
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
static uint64_t compute_due(struct recompute *recompute, unsigned layer, uint64_t number,
                            bool looking)
{
    const struct run *const run = recompute->run;
    const struct chunk_reader *const reader = &recompute->reader;
    uint32_t n_places;
    uint64_t n = 0;
    const int64_t first = stored_chunks_place(run, number, &n_places);
    for (uint32_t i = 0; i < n_places; i++) {
        const int64_t exposure = scan_geometry_frame_at_place(&run->scan, (uint64_t)first + i);
        for (size_t j = 0; j < recompute->n; j++) {
            struct product *const product = recompute->products[j];
            if (product->layer != layer || !is_due(run, product, exposure) ||
                !(looking || reader->there[i]))
                continue;
            if (!looking)
                compute(recompute, product, (uint64_t)exposure,
                        reader->images + i * run->format.image_size);
            n++;
        }
    }
    return n;
}

static void merge_sums(struct recompute *recompute)
{
    for (size_t i = 0; i < recompute->n; i++) {
        const struct product *const product = recompute->products[i];
        if (product->partials)
            product_partial_give(product, &product->partials[product->n_partials - 1]);
    }
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
static int read_chunk(struct recompute *recompute, unsigned layer, uint64_t number,
                      struct error *error)
{
    for (unsigned waited_us = 0;; waited_us += WAIT_US) {
        /* Asked first: what is written before the end of the run is then seen. */
        const bool over = is_over(recompute, waited_us);
        const int r = chunk_reader_read(&recompute->reader, layer, number, error);
        if (r != -ENOENT || over || recompute->stopping)
            return r;
        usleep(WAIT_US);
    }
}

static void tell(struct recompute *recompute, uint64_t done)
{
    pthread_mutex_lock(&recompute->mutex);
    recompute->progress.done = done;
    pthread_mutex_unlock(&recompute->mutex);
}

/* 0, or the first error; chunks that cannot be read are passed over. */
static int sweep(struct recompute *recompute, struct error *error)
{
    const struct run *const run = recompute->run;
    const uint64_t n_chunks = recompute->progress.total / run->n_layers;
    int status = 0;
    for (uint64_t number = 0; number < n_chunks; number++) {
        for (unsigned layer = 0; layer < run->n_layers; layer++) {
            if (recompute->stopping)
                return -ECANCELED;
            if (compute_due(recompute, layer, number, true) == 0)
                continue;
            struct error why = {0};
            const int r = read_chunk(recompute, layer, number, &why);
            if (r == 0)
                compute_due(recompute, layer, number, false);
            else if (r != -ENOENT && status == 0) {
                status = r;
                *error = why;
            }
        }
        merge_sums(recompute);
        tell(recompute, (number + 1) * run->n_layers);
    }
    return status;
}

static void *thread_main(void *data)
{
    struct recompute *const recompute = data;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_setname_np(pthread_self(), "recompute");
    setpriority(PRIO_PROCESS, (id_t)gettid(), RECOMPUTE_NICE);
    struct error error = {0};
    const int r = sweep(recompute, &error);
    merge_sums(recompute);
    /* First: who hears that the run is finished finds this finished too. */
    pthread_mutex_lock(&recompute->mutex);
    recompute->progress.finished = true;
    if (r < 0)
        recompute->progress.error = error;
    pthread_mutex_unlock(&recompute->mutex);
    recompute_release(recompute);
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

static int start(struct recompute *recompute, struct error *error)
{
    int r = chunk_reader_init(&recompute->reader, recompute->run, error);
    if (r < 0)
        return r;
    r = -pthread_create(&recompute->thread, NULL, thread_main, recompute);
    if (r < 0)
        return error_set(error, r, "cannot start a thread: %s", strerror(-r));
    recompute->has_thread = true;
    return 0;
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
    recompute->holds = run_take_pending(run);
    recompute->n = n;
    recompute->progress.total = stored_chunks_count(run) * run->n_layers;
    recompute->products = calloc(n ? n : 1, sizeof(struct product *));
    recompute->columns = calloc(PRODUCT_MAX_COLUMNS, sizeof *recompute->columns);
    int r = error_set(error, -ENOMEM, "no memory to compute results again");
    if (recompute->products && recompute->columns) {
        memcpy(recompute->products, products, n * sizeof(struct product *));
        r = start(recompute, error);
    }
    if (r < 0)
        recompute_destroy(recompute);
    else
        *out = recompute;
    return r;
}

void recompute_progress(struct recompute *recompute, struct recompute_progress *progress)
{
    pthread_mutex_lock(&recompute->mutex);
    *progress = recompute->progress;
    pthread_mutex_unlock(&recompute->mutex);
}

void recompute_destroy(struct recompute *recompute)
{
    if (!recompute)
        return;
    recompute->stopping = true;
    if (recompute->has_thread)
        pthread_join(recompute->thread, NULL);
    recompute_release(recompute);
    chunk_reader_finish(&recompute->reader);
    pthread_mutex_destroy(&recompute->mutex);
    run_unref(recompute->run);
    free(recompute->products);
    free(recompute->columns);
    free(recompute);
}
