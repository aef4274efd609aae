#include "processing/worker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detector/frame_header.h"

/* Exposures differ by a few per cent with external triggers; a held-up detector lengthens them by
 * whole frames. */
#define STALL_FACTOR_NUMERATOR 6
#define STALL_FACTOR_DENOMINATOR 5
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
    run_drop_pending(run, worker->sink);
}

void worker_merge_if_wanted(struct worker *worker)
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

void worker_give_latest(struct worker *worker, const void *image, uint64_t number)
{
    struct run *const run = worker->run;
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

void worker_take_run(struct worker *worker, struct run *run, enum cpu_isa isa)
{
    if (worker->run == run)
        return;
    if (worker->run) {
        if (worker->run->partials[worker->index].dirty)
            partial_merge(worker);
        run_unref(worker->run);
    }
    worker->run = run_ref(run);
    worker->decode = frame_decoder(&run->format, isa);
}

void worker_let_go_of_finished_run(struct worker *worker)
{
    struct run *const run = worker->run;
    if (!run || run->partials[worker->index].dirty ||
        atomic_load_explicit(&run->phase, memory_order_acquire) != RUN_FINISHED)
        return;
    run_unref(run);
    worker->run = NULL;
}

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

struct frame_facts *worker_note_facts(struct worker *worker, const struct frame_slot *slot,
                                      uint64_t **columns)
{
    struct run *const run = worker->run;
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

bool worker_analyse_frame(struct worker *worker, const struct frame_slot *slot, void *image)
{
    struct run *const run = worker->run;
    worker->decode(image, slot->body + run->format.data_offset, &run->format);
    uint64_t *columns;
    struct frame_facts *const facts = worker_note_facts(worker, slot, &columns);
    if (!facts)
        return false;
    partial_mark_dirty(worker);
    const struct run_partial *const partial = &run->partials[worker->index];
    for (unsigned i = 0; i < run->n_products; i++) {
        const struct product *const product = &run->products[i];
        product->class->frame(product, image, columns + product->first_column, partial->own[i]);
    }
    atomic_store_explicit(&facts->state, FRAME_ANALYSED, memory_order_release);
    if (worker->delay_us)
        usleep(worker->delay_us);
    return true;
}

void worker_finish(struct worker *worker)
{
    if (worker->run) {
        if (worker->run->partials[worker->index].dirty)
            partial_merge(worker);
        run_unref(worker->run);
    }
    free(worker->images);
    free(worker->present);
}
