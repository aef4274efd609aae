#include "processing/worker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detector/frame_header.h"
#include "processing/tables/column_table.h"
#include "processing/worker_message.h"

/* ---- sums ---- */

static void merge(struct worker *worker)
{
    struct run *const run = worker->run;
    const uint32_t wanted = atomic_load_explicit(&run->arrays_wanted, memory_order_relaxed);
    const unsigned n = atomic_load_explicit(&run->n_products, memory_order_acquire);
    for (unsigned i = 0; i < n; i++) {
        const struct product *const product = run->products[i];
        if (product->partials)
            product_partial_give(product, &product->partials[worker->index]);
    }
    worker->given = wanted;
    worker->dirty = false;
    run_drop_pending(run, worker->sink);
}

void worker_merge_if_asked(struct worker *worker)
{
    struct run *const run = worker->run;
    if (run && worker->dirty &&
        atomic_load_explicit(&run->arrays_wanted, memory_order_relaxed) != worker->given)
        merge(worker);
}

void worker_merge_if_over(struct worker *worker)
{
    struct run *const run = worker->run;
    if (run && worker->dirty &&
        atomic_load_explicit(&run->phase, memory_order_acquire) != RUN_ACQUIRING)
        merge(worker);
}

static void mark_dirty(struct worker *worker)
{
    if (worker->dirty)
        return;
    worker->dirty = true;
    atomic_fetch_add_explicit(&worker->run->pending, 1, memory_order_relaxed);
}

/* ---- runs ---- */

static void let_go(struct worker *worker)
{
    if (worker->dirty)
        merge(worker);
    chunk_reader_finish(&worker->reader);
    frame_forms_finish(&worker->forms);
    run_unref(worker->run);
    worker->run = NULL;
}

void worker_take_run(struct worker *worker, struct run *run)
{
    if (worker->run == run)
        return;
    if (worker->run)
        let_go(worker);
    worker->run = run_ref(run);
    worker->given = 0;
    worker->pace = (struct worker_pace){0};
    frame_forms_init(&worker->forms, &run->format, worker->isa);
}

void worker_let_go_of_finished_run(struct worker *worker)
{
    if (worker->run && !worker->dirty &&
        atomic_load_explicit(&worker->run->phase, memory_order_acquire) == RUN_FINISHED)
        let_go(worker);
}

void worker_finish(struct worker *worker)
{
    if (worker->run)
        let_go(worker);
    message_batch_finish(&worker->messages);
    free(worker->images);
    free(worker->present);
    free(worker->notes);
}

/* ---- frames ---- */

void worker_give_latest(struct worker *worker, unsigned layer, struct frame *frame, uint64_t number)
{
    struct run *const run = worker->run;
    struct run_latest *const latest = &run->latest[layer];
    const uint32_t wanted = atomic_load_explicit(&latest->wanted, memory_order_relaxed);
    if (number == run->frames_to_come)
        pthread_mutex_lock(&latest->mutex);
    else if (wanted == atomic_load_explicit(&latest->given, memory_order_relaxed) ||
             pthread_mutex_trylock(&latest->mutex) != 0)
        return;
    if (number > latest->number) {
        memcpy(latest->image, frame_image(frame), run->format.image_size);
        latest->number = number;
        atomic_store_explicit(&latest->given, wanted, memory_order_relaxed);
    }
    pthread_mutex_unlock(&latest->mutex);
}

static struct frame_facts *frame_row(const struct worker *worker, uint64_t exposure, unsigned layer)
{
    const struct run *const run = worker->run;
    const uint64_t row = run->recycle ? exposure % run->recycle : exposure;
    return frame_table_make(run->frames, row * run->n_layers + layer);
}

static void note_facts(const struct worker *worker, const struct product_set *set,
                       const struct frame_slot *slot, struct frame_facts *facts)
{
    atomic_fetch_or_explicit(&facts->flags, slot->flags, memory_order_relaxed);
    /* Rows that are used again belong to several frames at once. */
    if (worker->run->recycle)
        return;
    facts->settings = (uint16_t)set->version;
    facts->number = slot->number;
    facts->position = slot->position;
    frame_header_parse_time(slot->body, worker->run->format.data_offset, &facts->timestamp_ns,
                            &facts->exposure_ns);
}

void worker_flag_frame(struct worker *worker, const struct frame_slot *slot)
{
    struct frame_facts *const facts = frame_row(worker, slot->frame_index, slot->layer);
    if (facts)
        atomic_fetch_or_explicit(&facts->flags, slot->flags, memory_order_relaxed);
}

static bool compute_columns(struct worker *worker, const struct product *product,
                            struct frame *frame)
{
    product->class->frame(product, frame, worker->columns);
    return !product->columns ||
           column_table_put(product->columns, frame->exposure, worker->columns);
}

static bool compute(struct worker *worker, const struct product *product, uint64_t exposure,
                    bool placed, struct frame *frame)
{
    const struct product_class *const class = product->class;
    if (class->learn && frame->teaches)
        class->learn(product, frame);
    if (product->n_columns > 0 && !(class->ready && frame->waits) &&
        !compute_columns(worker, product, frame))
        return false;
    if (placed && class->accumulate) {
        struct product_partial *const partial = &product->partials[worker->index];
        class->accumulate(product, exposure, frame, worker->columns, partial->own);
        partial->dirty = true;
    }
    return true;
}

/* What a product found remarkable in the frame. */
static void note_flag(struct run *run, struct frame_facts *facts, uint8_t flag, bool placed)
{
    atomic_fetch_or_explicit(&facts->flags, flag, memory_order_relaxed);
    if (placed && flag == FRAME_FLAG_SATURATED)
        atomic_fetch_add_explicit(&run->counts.saturated, 1, memory_order_relaxed);
}

/* All products of a frame; publishes that it is analysed. */
static bool analyse(struct worker *worker, const struct product_set *set, unsigned layer,
                    uint64_t exposure, bool placed, struct frame *frame, struct frame_facts *facts)
{
    mark_dirty(worker);
    bool analysed = true;
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        if (product->layer != layer)
            continue;
        analysed &= compute(worker, product, exposure, placed, frame);
        if (product->flag && worker->columns[0] > 0)
            note_flag(worker->run, facts, product->flag, placed);
    }
    atomic_store_explicit(&facts->state, analysed ? FRAME_ANALYSED : FRAME_RECEIVED,
                          memory_order_release);
    if (worker->delays.analysis_us)
        usleep(worker->delays.analysis_us);
    return analysed;
}

struct frame worker_frame(struct worker *worker, const struct product_set *set,
                          const struct frame_slot *slot, void *room)
{
    struct frame frame =
        frame_of_payload(&worker->forms, slot->body + worker->run->format.data_offset, room);
    frame.shared = set->shared;
    return frame;
}

/* Returns the frame's row. NULL: no memory. */
static struct frame_facts *take_frame(struct worker *worker, const struct product_set *set,
                                      const struct frame_slot *slot)
{
    struct frame_facts *const facts = frame_row(worker, slot->frame_index, slot->layer);
    heartbeat_beat(worker->heartbeat);
    if (facts) {
        note_facts(worker, set, slot, facts);
        worker_note_message(worker, slot, facts);
    }
    if (worker->delays.frame_us)
        usleep(worker->delays.frame_us);
    return facts;
}

/* What products that learn need to know of the frame. */
static void place_frame(const struct worker *worker, uint64_t exposure, bool teaches,
                        struct frame *frame)
{
    frame->exposure = exposure;
    frame->epoch = worker->epoch;
    frame->thread = worker->index;
    frame->waits = worker->waits;
    frame->teaches = teaches;
}

static struct frame frame_again(struct worker *worker, const struct product_set *set,
                                uint64_t exposure, const void *image)
{
    struct frame frame = {.image = image, .forms = &worker->forms, .shared = set->shared};
    heartbeat_beat(worker->heartbeat);
    place_frame(worker, exposure, true, &frame);
    return frame;
}

bool worker_analyse_frame(struct worker *worker, const struct product_set *set,
                          const struct frame_slot *slot, bool placed, struct frame *frame)
{
    struct frame_facts *const facts = take_frame(worker, set, slot);
    place_frame(worker, slot->frame_index, placed && !(slot->flags & FRAME_FLAG_LATE), frame);
    return facts && analyse(worker, set, slot->layer, slot->frame_index, placed, frame, facts);
}

bool worker_defer_frame(struct worker *worker, const struct product_set *set,
                        const struct frame_slot *slot)
{
    struct frame_facts *const facts = take_frame(worker, set, slot);
    if (!facts)
        return false;
    atomic_fetch_or_explicit(&facts->flags, FRAME_FLAG_DEFERRED, memory_order_relaxed);
    atomic_store_explicit(&facts->state, FRAME_RECEIVED, memory_order_release);
    return true;
}

void worker_pass_over_frame(struct worker *worker, const struct product_set *set,
                            const struct frame_slot *slot)
{
    struct frame_facts *const facts = take_frame(worker, set, slot);
    if (facts)
        atomic_store_explicit(&facts->state, FRAME_RECEIVED, memory_order_release);
}

bool worker_analyse_deferred(struct worker *worker, const struct product_set *set, unsigned layer,
                             uint64_t exposure, const void *image, bool *analysed)
{
    struct frame_facts *const facts = frame_row(worker, exposure, layer);
    *analysed = false;
    if (!facts || atomic_load_explicit(&facts->state, memory_order_acquire) != FRAME_RECEIVED ||
        !(atomic_load_explicit(&facts->flags, memory_order_relaxed) & FRAME_FLAG_DEFERRED))
        return false;
    struct frame frame = frame_again(worker, set, exposure, image);
    *analysed = image && analyse(worker, set, layer, exposure, true, &frame, facts);
    return true;
}

/* Frames that were deferred as well have all their products already, or will get them there. */
void worker_analyse_waiting(struct worker *worker, const struct product_set *set, unsigned layer,
                            uint64_t exposure, const void *image)
{
    const struct frame_facts *const facts = frame_row(worker, exposure, layer);
    struct frame frame = frame_again(worker, set, exposure, image);
    if (!facts || atomic_load_explicit(&facts->state, memory_order_acquire) != FRAME_ANALYSED ||
        (atomic_load_explicit(&facts->flags, memory_order_relaxed) & FRAME_FLAG_LATE))
        return;
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        if (product->layer == layer && product->class->ready)
            (void)compute_columns(worker, product, &frame);
    }
}
