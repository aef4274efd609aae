#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/crc32c.h"
#include "common/heartbeat.h"
#include "processing/products/frame.h"
#include "processing/ring.h"
#include "processing/run/chunk_sink.h"
#include "processing/run/frame_tap.h"
#include "processing/stage_times.h"
#include "processing/stored/chunk_reader.h"
#include "processing/worker_pace.h"

struct backlog;
struct catch_up;
struct tap_note;

/* For tests of overload: what every frame takes, and what its analysis takes more. */
struct worker_delays {
    unsigned frame_us, analysis_us;
};

/* Of an image of the chunk in hand. */
enum image_state {
    IMAGE_ABSENT,
    IMAGE_NOT_STORED, /* the frame came, and nobody wanted its image so far */
    IMAGE_THERE,
};

/* One worker: what it has in hand, and what it does with a single frame (worker.c). workers.c does
 * chunks with it. */
struct worker {
    struct ring *ring;
    const struct chunk_sink *sink;
    const struct frame_tap *tap; /* NULL: nobody wants frames as such */
    struct catch_up *catch_up;
    struct backlog *backlog;
    enum cpu_isa isa;
    struct worker_delays delays;
    struct stage_times *times; /* may be NULL */
    struct worker_pace pace;
    unsigned index;
    struct heartbeat *heartbeat;
    struct frame_forms forms; /* of the run's frames */
    uint8_t *images;          /* the chunk in hand: [n_layers][chunk_frames][height][width] */
    uint8_t *kept; /* what is packed of its frames (chunk_codec.h): the images, or behind them the
                      bit planes, [n_layers][chunk_frames][kept_size] */
    size_t kept_size;
    uint8_t *present; /* [n_layers][chunk_frames]: enum image_state */
    size_t images_size, present_size;
    struct run *run; /* the run of the last chunk; holds a reference */
    bool dirty;      /* has sums of the run that are not merged: counts as one of its `pending` */
    uint32_t given;  /* the value of the run's arrays_wanted that its merged sums answer */
    crc32c_fn crc32c;
    struct tap_note *notes; /* [n_notes], worker_tap.h; NULL: no tap */
    size_t n_notes;
    struct message_batch messages; /* of the chunk in hand, for the recording */
    struct chunk_reader reader;    /* of the run's file, once it was needed */
    unsigned epoch;                /* of the chunk in hand: epochs.h */
    bool waits;                    /* its frames are of an epoch for which a product is not ready */
    uint64_t columns[PRODUCT_MAX_COLUMNS]; /* of the frame in hand and one product */
};

/* The worker's run is this one from now on: gives back the sums of the one before. */
void worker_take_run(struct worker *worker, struct run *run);

/* An idle worker must not keep the memory of a run that is over. */
void worker_let_go_of_finished_run(struct worker *worker);

/* Gives back everything. */
void worker_finish(struct worker *worker);

/* Merges the worker's sums into those that others may read, when somebody asked. */
void worker_merge_if_asked(struct worker *worker);

/* The same when the run is over, for a worker that has nothing to do. */
void worker_merge_if_over(struct worker *worker);

/* Copies the frame's image for those who asked for the newest one of its layer. `number` is the
 * exposure's, from 1. The last frame of a run is given unasked. */
void worker_give_latest(struct worker *worker, unsigned layer, struct frame *frame,
                        uint64_t number);

/* A frame of the run, to be decoded into `room` when somebody wants its image; `set` will be
 * computed of it. */
struct frame worker_frame(struct worker *worker, const struct product_set *set,
                          const struct frame_slot *slot, void *room);

/*
 * Computes all products of the frame's layer; those that add up over frames only when it is
 * `placed`. false: no memory for its results.
 */
bool worker_analyse_frame(struct worker *worker, const struct product_set *set,
                          const struct frame_slot *slot, bool placed, struct frame *frame);

/* Notes that a frame came, to be analysed later with `set`. false: no memory. */
bool worker_defer_frame(struct worker *worker, const struct product_set *set,
                        const struct frame_slot *slot);

/* Notes that a frame came; it is not analysed. */
void worker_pass_over_frame(struct worker *worker, const struct product_set *set,
                            const struct frame_slot *slot);

/*
 * Computes all products of a placed frame that was deferred, from its image. Returns whether it had
 * been, and sets *analysed to whether it is now.
 */
bool worker_analyse_deferred(struct worker *worker, const struct product_set *set, unsigned layer,
                             uint64_t exposure, const void *image, bool *analysed);

/* Computes the products that were not ready when a placed frame of the chunk in hand was analysed.
 */
void worker_analyse_waiting(struct worker *worker, const struct product_set *set, unsigned layer,
                            uint64_t exposure, const void *image);

/* Adds a flag to a frame's row of the table without telling anything else of it. */
void worker_flag_frame(struct worker *worker, const struct frame_slot *slot);
