#include "processing/worker_chunk.h"

#include <blosc.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "processing/catch_up.h"
#include "processing/stored_chunks.h"
#include "processing/worker_message.h"

/* A worker that waits for frames of its chunk looks this often whether somebody wants its sums. */
#define LOOK_NS (200 * NS_PER_MS)
/* A chunk whose frames are this long in coming is handed over as it is, and again when there is
 * more. */
#define HAND_OVER_NS NS_PER_S
/* From this part of the ring on analysis waits: chunks are only recorded, which frees the ring. */
#define DEFER_FILL 0.5

/* The part of a chunk that outlives ring_release. */
struct chunk_work {
    struct run *run;
    const struct product_set *set;
    bool deferred; /* its frames are analysed later, from the file */
    bool recorded; /* so that all its images are wanted; else only what analysis asks for */
    int64_t first_place;
    uint32_t n_frames;                  /* in the worker's images so far */
    uint32_t in_layer[RUN_MAX_LAYERS];  /* of them, by layer */
    uint32_t submitted[RUN_MAX_LAYERS]; /* of these, handed over */
    uint32_t n_submitted;               /* in all */
};

/* ---- handing over ---- */

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
        message_batch_clear(&worker->messages);
        count_unrecorded(run, in_place, describe->n_frames);
        return;
    }
    struct compressed_chunk *const chunk = sink->acquire(sink->data, size + BLOSC_MAX_OVERHEAD);
    if (!chunk) {
        message_batch_clear(&worker->messages);
        log_error("workers", "no memory for a compressed chunk: %u frames are not recorded",
                  describe->n_frames);
        count_unrecorded(run, in_place, describe->n_frames);
        return;
    }
    chunk->run = run;
    chunk->extra = describe->extra;
    chunk->again = describe->again;
    chunk->layer = describe->layer;
    chunk->first_place = describe->first_place;
    chunk->frame_index = describe->frame_index;
    chunk->position = describe->position;
    chunk->flags = describe->flags;
    chunk->n_frames = describe->n_frames;
    chunk->size = 0;
    worker_hand_over_messages(worker, chunk);
    if (compress_images(chunk, run, images, size) < 0)
        log_error("workers", "Blosc refused a chunk of %zu bytes", size);
    sink->submit(sink->data, chunk);
}

static void submit_layer(struct worker *worker, struct chunk_work *work, unsigned layer)
{
    const size_t image_size = work->run->format.image_size;
    const uint32_t k = work->run->chunk_frames;
    uint8_t *const images = worker->images + (size_t)layer * k * image_size;
    if (!work->recorded) {
        count_unrecorded(work->run, true, work->in_layer[layer] - work->submitted[layer]);
        work->submitted[layer] = work->in_layer[layer];
        return;
    }
    for (uint32_t i = 0; i < k; i++) {
        if (worker->present[layer * k + i] == IMAGE_ABSENT)
            memset(images + i * image_size, 0, image_size);
    }
    const struct compressed_chunk describe = {
        .again = work->submitted[layer] > 0,
        .layer = layer,
        .first_place = work->first_place,
        .n_frames = work->in_layer[layer] - work->submitted[layer],
    };
    const uint64_t start = clock_monotonic_ns();
    submit(worker, work->run, images, k * image_size, &describe, true);
    worker_time_note(&worker->pace.keeping, clock_monotonic_ns() - start, describe.n_frames);
    work->submitted[layer] = work->in_layer[layer];
}

static void submit_chunk(struct worker *worker, struct chunk_work *work)
{
    for (unsigned layer = 0; layer < work->run->n_layers; layer++) {
        if (work->in_layer[layer] > work->submitted[layer])
            submit_layer(worker, work, layer);
    }
    work->n_submitted = work->n_frames;
}

static uint32_t place_in_images(const struct chunk_work *work, const struct frame_slot *slot)
{
    return (uint32_t)(slot->place - work->first_place) + slot->layer * work->run->chunk_frames;
}

static struct frame frame_in_place(struct worker *worker, const struct chunk_work *work,
                                   const struct frame_slot *slot)
{
    const size_t offset = place_in_images(work, slot) * work->run->format.image_size;
    return worker_frame(worker, work->set, slot, worker->images + offset);
}

/* Returns whether there was memory for its results. */
static bool process_frame(struct worker *worker, struct chunk_work *work,
                          const struct frame_slot *slot, struct frame *frame)
{
    const bool done = work->deferred ? worker_defer_frame(worker, work->set, slot)
                                     : worker_analyse_frame(worker, work->set, slot, true, frame);
    worker->present[place_in_images(work, slot)] =
        frame->image == frame->room ? IMAGE_THERE : IMAGE_NOT_STORED;
    work->in_layer[slot->layer]++;
    return done;
}

/* As many frames as it is worth to have at once. Returns of how many there was memory for results.
 */
static uint64_t process_some(struct worker *worker, struct chunk_work *work,
                             const struct frame_slot *slots, uint32_t n)
{
    struct frame frames[WEIGHT_IMAGES];
    uint64_t done = 0;
    for (uint32_t i = 0; i < n; i++) {
        frames[i] = frame_in_place(worker, work, &slots[i]);
        if (work->recorded)
            frame_store_image(&frames[i]);
    }
    /* The bank has the masks of all layers, and a frame needs only those of its own. */
    if (!work->deferred && work->run->n_layers == 1)
        frames_weigh_ahead(frames, n);
    for (uint32_t i = 0; i < n; i++)
        done += process_frame(worker, work, &slots[i], &frames[i]);
    return done;
}

/* The newest image of each layer among the frames [first, end) of the chunk. */
static void give_latest(struct worker *worker, const struct chunk_work *work,
                        const struct chunk *chunk, uint32_t first, uint32_t end)
{
    const struct run *const run = work->run;
    const uint32_t newest = end - first > run->n_layers ? end - run->n_layers : first;
    for (uint32_t i = newest; i < end; i++) {
        const struct frame_slot *const slot = &chunk->frames[i];
        struct frame frame = frame_in_place(worker, work, slot);
        if (worker->present[place_in_images(work, slot)] == IMAGE_THERE)
            frame.image = frame.room;
        worker_give_latest(worker, slot->layer, &frame, slot->frame_index + 1);
    }
}

static void process_frames(struct worker *worker, struct chunk_work *work,
                           const struct chunk *chunk, uint32_t n_frames)
{
    const uint64_t start = clock_monotonic_ns();
    uint64_t done = 0;
    for (uint32_t i = work->n_frames; i < n_frames; i += WEIGHT_IMAGES) {
        const uint32_t left = n_frames - i;
        done += process_some(worker, work, &chunk->frames[i],
                             left < WEIGHT_IMAGES ? left : WEIGHT_IMAGES);
    }
    if (!work->deferred)
        worker_time_note(&worker->pace.analysis, clock_monotonic_ns() - start,
                         n_frames - work->n_frames);
    give_latest(worker, work, chunk, work->n_frames, n_frames);
    struct run_counts *const counts = &work->run->counts;
    atomic_fetch_add_explicit(work->deferred ? &counts->deferred : &counts->analysed, done,
                              memory_order_relaxed);
    if (n_frames - work->n_frames != done)
        atomic_fetch_add_explicit(&counts->not_analysed, n_frames - work->n_frames - done,
                                  memory_order_relaxed);
    work->n_frames = n_frames;
}

static void process_placed_chunk(struct worker *worker, struct chunk_work *work,
                                 struct chunk *chunk)
{
    bool closed = false;
    uint64_t waited_ns = 0;
    while (!closed) {
        const uint32_t n_frames = chunk_wait(chunk, work->n_frames, LOOK_NS, &closed);
        if (n_frames > work->n_frames) {
            process_frames(worker, work, chunk, n_frames);
            waited_ns = 0;
            continue;
        }
        worker_merge_if_asked(worker);
        waited_ns += LOOK_NS;
        if (!closed && waited_ns >= HAND_OVER_NS && work->n_frames > work->n_submitted)
            submit_chunk(worker, work);
    }
    ring_release(worker->ring, chunk);
    if (work->n_frames > work->n_submitted)
        submit_chunk(worker, work);
}

/*
 * A frame without a place. A late one counts as placed; one that the geometry leaves out is
 * analysed all the same, because another geometry may give it a position; a duplicate is not.
 */
static void process_extra_frame(struct worker *worker, const struct chunk *chunk,
                                const struct frame_slot *slot, bool recorded)
{
    struct run *const run = worker->run;
    struct frame frame = worker_frame(worker, chunk->set, slot, worker->images);
    if (recorded)
        frame_store_image(&frame);
    if (slot->flags & FRAME_FLAG_DUPLICATE) {
        worker_note_message(worker, slot, NULL);
        worker_flag_frame(worker, slot);
        return;
    }
    const bool late = slot->flags & FRAME_FLAG_LATE;
    const bool analysed = worker_analyse_frame(worker, chunk->set, slot, late, &frame);
    if (late)
        atomic_fetch_add_explicit(analysed ? &run->counts.analysed : &run->counts.not_analysed, 1,
                                  memory_order_relaxed);
}

static void process_extra_chunk(struct worker *worker, struct chunk *chunk)
{
    struct run *const run = worker->run;
    bool closed;
    (void)chunk_wait(chunk, 0, UINT64_MAX, &closed);
    const struct frame_slot slot = chunk->frames[0];
    const bool recorded = worker->sink->wants(worker->sink->data, run);
    process_extra_frame(worker, chunk, &slot, recorded);
    ring_release(worker->ring, chunk);
    const struct compressed_chunk describe = {
        .extra = true,
        .layer = slot.layer,
        .first_place = slot.place,
        .position = slot.position,
        .frame_index = slot.frame_index,
        .flags = slot.flags,
        .n_frames = 1,
    };
    const bool in_place = slot.flags & FRAME_FLAG_LATE;
    if (recorded)
        submit(worker, run, worker->images, run->format.image_size, &describe, in_place);
    else
        count_unrecorded(run, in_place, 1);
}

/* ---- analysis that waits ---- */

static bool should_defer(const struct worker *worker, const struct run *run)
{
    struct ring_load load;
    if (run->recycle || !worker->sink->wants(worker->sink->data, run) ||
        !worker_pace_deferring_pays(&worker->pace))
        return false;
    ring_load(worker->ring, &load);
    return (double)load.used > DEFER_FILL * (double)load.size;
}

static void give_up_deferred(struct run *run, uint64_t n)
{
    atomic_fetch_sub_explicit(&run->counts.deferred, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&run->counts.not_analysed, n, memory_order_relaxed);
}

static void remember_deferred(struct worker *worker, const struct chunk_work *work)
{
    const struct deferred_chunk chunk = {
        .run = work->run,
        .set = work->set,
        .number = stored_chunks_number(work->run, work->first_place),
    };
    atomic_fetch_add_explicit(&work->run->pending, 1, memory_order_relaxed);
    if (catch_up_add(worker->catch_up, &chunk))
        return;
    give_up_deferred(work->run, work->n_frames);
    run_drop_pending(work->run, worker->sink);
}

/* 0, -EAGAIN (not in the file yet) or another negative errno (it never will be). */
static int read_deferred(struct worker *worker, unsigned layer, uint64_t number)
{
    struct run *const run = worker->run;
    struct error error = {0};
    /* Asked first: what was written before the recorder gave up is then seen. */
    const bool recording = worker->sink->wants(worker->sink->data, run);
    int r = worker->reader.run ? 0 : chunk_reader_init(&worker->reader, run, &error);
    if (r == 0)
        r = chunk_reader_read(&worker->reader, layer, number, &error);
    if (r == -ENOENT && recording)
        return -EAGAIN;
    if (r < 0)
        log_error("workers", "frames whose analysis was put off cannot be analysed: %s",
                  error.code ? error.text : "they are not in the file");
    return r;
}

/* Analyses what is deferred of a layer of the chunk; all of it is given up without images. */
static void analyse_deferred(struct worker *worker, const struct deferred_chunk *chunk,
                             unsigned layer, const uint8_t *images)
{
    struct run *const run = chunk->run;
    uint32_t n;
    uint64_t done = 0, failed = 0;
    const int64_t first = stored_chunks_place(run, chunk->number, &n);
    for (uint32_t i = 0; i < n; i++) {
        const int64_t exposure = scan_geometry_frame_at_place(&run->scan, (uint64_t)first + i);
        const uint8_t *const image = images ? images + i * run->format.image_size : NULL;
        bool analysed;
        if (exposure < 0 || !worker_analyse_deferred(worker, chunk->set, layer, (uint64_t)exposure,
                                                     image, &analysed))
            continue;
        done += analysed;
        failed += !analysed;
    }
    atomic_fetch_sub_explicit(&run->counts.deferred, done, memory_order_relaxed);
    atomic_fetch_add_explicit(&run->counts.analysed, done, memory_order_relaxed);
    give_up_deferred(run, failed);
}

bool worker_catch_up(struct worker *worker)
{
    struct deferred_chunk chunk;
    if (!catch_up_take(worker->catch_up, &chunk))
        return false;
    worker_take_run(worker, chunk.run);
    for (unsigned layer = 0; layer < chunk.run->n_layers; layer++) {
        const int r = read_deferred(worker, layer, chunk.number);
        /* What was analysed already will be passed over next time. */
        if (r == -EAGAIN && catch_up_add(worker->catch_up, &chunk))
            return false;
        analyse_deferred(worker, &chunk, layer, r == 0 ? worker->reader.images : NULL);
    }
    worker_merge_if_asked(worker);
    run_drop_pending(chunk.run, worker->sink);
    return true;
}

/* ---- chunks ---- */

static int make_room(struct worker *worker, const struct run *run)
{
    const size_t n_images = (size_t)run->chunk_frames * run->n_layers;
    const size_t images_size = n_images * run->format.image_size;
    if (worker->images_size < images_size) {
        free(worker->images);
        worker->images = aligned_alloc(64, (images_size + 63) / 64 * 64);
        worker->images_size = worker->images ? images_size : 0;
    }
    if (worker->present_size < n_images) {
        free(worker->present);
        worker->present = malloc(n_images);
        worker->present_size = worker->present ? n_images : 0;
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
    ring_release(worker->ring, chunk);
    count_unrecorded(run, in_place, n_frames);
    if (in_place)
        atomic_fetch_add_explicit(&run->counts.not_analysed, n_frames, memory_order_relaxed);
    log_error("workers", "no memory for a chunk of %u frames: they are lost", n_frames);
}

void worker_process_chunk(struct worker *worker, struct chunk *chunk)
{
    struct run *const run = chunk->run;
    worker_take_run(worker, run);
    if (make_room(worker, run) < 0) {
        pass_over(worker, run, chunk);
    } else {
        struct chunk_work work = {
            .run = run,
            .set = chunk->set,
            .deferred = !chunk->extra && should_defer(worker, run),
            .recorded = worker->sink->wants(worker->sink->data, run),
            .first_place = chunk->first_place,
        };
        memset(worker->present, 0, (size_t)run->chunk_frames * run->n_layers);
        if (chunk->extra)
            process_extra_chunk(worker, chunk);
        else
            process_placed_chunk(worker, &work, chunk);
        if (work.deferred)
            remember_deferred(worker, &work);
    }
    worker_merge_if_asked(worker);
    run_drop_pending(run, worker->sink);
}
