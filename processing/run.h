#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "detector/acquisition_header.h"
#include "detector/pixel_format.h"
#include "processing/acquisition_plan.h"
#include "processing/frame_table.h"
#include "processing/product.h"

/*
 * A run: one acquisition of the detector from its HDR (or first frame) to its end, with all its
 * results.
 *
 * Who owns what, in the order in which it is written:
 *   - plan, hdr, format, scan, products, chunk_frames: set by the ingest thread before the first
 * chunk is published, then only read. The publication of the chunk (or of the run through
 * run_current) orders them.
 *   - counts: each counter is added to by the thread named beside it, relaxed; exact once `phase`
 * is RUN_FINISHED, a good picture before. Readers must not expect the identities to hold to the
 * last frame while frames move.
 *   - frames: see frame_table.h.
 *   - partials: see run_partials below.
 *   - recording: under its own mutex; written by the writer thread, read by the service thread.
 * Never touched on a frame's path.
 *   - pending: 1 for the ingest thread while the run lasts, 1 for each chunk that is not done, 1
 * for each worker with unmerged sums. Whoever takes it to 0 tells the chunk sink that the run is
 * over; by then every chunk was handed over.
 */
enum run_phase {
    RUN_ACQUIRING, /* frames are expected */
    RUN_FINISHING, /* the last frame is in; chunks, file and final results are being completed */
    RUN_FINISHED,
};

/* What ended a run. Whether it is complete is another question: run_reason. */
enum run_end {
    RUN_END_NONE,     /* not yet */
    RUN_END_LAST,     /* the last frame came */
    RUN_END_IDLE,     /* the detector went idle before that */
    RUN_END_FAULT,    /* the detector reported an error */
    RUN_END_STOPPED,  /* somebody asked to stop */
    RUN_END_LINK,     /* the data link broke */
    RUN_END_NEXT_RUN, /* a new HDR came */
    RUN_END_SHUTDOWN, /* the daemon is stopping */
};

struct run_counts {
    /* ingest thread */
    _Atomic uint64_t received, placed, skipped, duplicate, surplus, rejected;
    /* workers */
    _Atomic uint64_t analysed, deferred, not_analysed, stalled;
    /* writer thread, and workers while nothing is recorded: frames in place; those in /entry/extra
     */
    _Atomic uint64_t recorded, unrecorded, extra_recorded, extra_unrecorded;
};

enum recording_state {
    RECORDING_OFF, /* not asked for */
    RECORDING_OPENING,
    RECORDING_ACTIVE,
    RECORDING_FAILED, /* `error` says why; what was written so far is kept and closed */
    RECORDING_CLOSED, /* closed clean and renamed */
};

struct run_recording {
    pthread_mutex_t mutex;
    enum recording_state state;
    char
        path[1100]; /* where the file is now: NAME.h5.partial, then NAME.h5; "" before it is made */
    char error[500];
    uint64_t bytes_raw, bytes_written; /* pixels before and after compression */
};

/*
 * One worker's share of the sums of a run. `own` and `dirty` are touched by its worker only. A
 * worker that has made `own` dirty counts as one of the run's `pending` until it has merged `own`
 * into `shared` (under the mutex) and cleared it, which it does when somebody asked for fresh
 * images or when the run is over. The service thread reads `shared` under the mutex. So when the
 * run is over all is in `shared`.
 */
struct run_partial {
    pthread_mutex_t mutex;
    void **own, **shared; /* one accumulator per product, NULL where it has none */
    bool dirty;
    uint32_t given; /* the value of partials_wanted that `shared` answers; worker only */
};

struct run {
    _Atomic unsigned references;
    struct acquisition_plan *plan;
    char *hdr; /* text of the acquisition header, NULL when there was none */
    size_t hdr_size;
    struct acquisition_header acquisition; /* parsed; meaningful when hdr is set */
    struct pixel_format format;
    struct scan_geometry scan; /* in force: the plan's, or the header's */
    uint64_t expected; /* placed frames of a complete run: ny * nx, or the HDR's count, 0 unknown */
    uint64_t frames_to_come; /* frames the detector will send, 0 unknown or until it is stopped */
    uint32_t chunk_frames;   /* k */
    uint64_t started_ns;     /* UNIX time of the first byte of the run */
    _Atomic uint64_t ended_ns;
    _Atomic uint64_t last_frame_ns; /* monotonic time of the newest arrival */
    _Atomic int phase;              /* enum run_phase */
    _Atomic int end;                /* enum run_end */
    _Atomic uint64_t pending;
    struct run_counts counts;
    _Atomic uint64_t nominal_exposure_ns;
    struct frame_table *frames;
    unsigned n_products;
    struct product *products;
    unsigned n_workers;
    struct run_partial *partials; /* one per worker */
    _Atomic uint32_t partials_wanted;
    struct run_recording recording;
    _Atomic bool recording_wanted; /* the recorder takes chunks of this run; recorder only, see
                                      chunk_sink.wants */
    /* The newest analysed pattern, copied by a worker when `latest_wanted` and `latest_given`
     * differ; image and number under latest_mutex. */
    pthread_mutex_t latest_mutex;
    _Atomic uint32_t latest_wanted, latest_given;
    void *latest_image;
    uint64_t latest_number; /* 0: none yet */
};

/*
 * Makes a run for frames of `format`. `hdr` (may be NULL) is copied. Takes a reference on the plan.
 * Chooses scan, chunk size and products. -EINVAL with a sentence when the plan does not fit the
 * frames.
 */
int run_create(struct run **run, struct acquisition_plan *plan, const struct pixel_format *format,
               const uint8_t *hdr, size_t hdr_size, unsigned n_workers, struct error *error);
struct run *run_ref(struct run *run);
void run_unref(struct run *run);

/*
 * Frames of the scan that did not come: expected - placed once the run is over; before, those that
 * later ones have overtaken. 0 when the number expected is unknown.
 */
uint64_t run_missing(const struct run *run);

/*
 * How a run ended, in the words of the protocol: "complete" (every expected frame is there),
 * "short" (it ended by itself and frames are missing), "stopped", "shutdown", "" (not yet).
 */
const char *run_reason(const struct run *run);

/* What ended it: "last_frame", "detector_idle", "detector_error", "stopped", "link", "next_run",
 * "shutdown", "". */
const char *run_end_name(enum run_end end);
const char *recording_state_name(enum recording_state state);

/* Finds a map by name. Returns its product and sets *map, or NULL. */
const struct product *run_find_map(const struct run *run, const char *name, unsigned *map);

/*
 * Writes the values of `count` positions of a map from `first` on: uint64_t or double each, as the
 * map's dtype says, 0 or NaN where nothing was measured; and, when `measured` is not NULL, a
 * uint8_t each: 1 measured, 0 not. Positions run along the rows of the scan. Any thread, any time.
 */
void run_map_positions(const struct run *run, const struct product *product, unsigned map,
                       uint64_t first, uint64_t count, void *values, uint8_t *measured);

/* All columns of the frame at a position; NULL while it is not analysed. */
const uint64_t *run_columns_at(const struct run *run, uint64_t position);

/* Shape of the run's maps: ny, nx; for a stack 1 and the number of frames received so far. */
void run_map_shape(const struct run *run, uint64_t *ny, uint64_t *nx);

/* Decides the fate of `pending`: takes one away and tells the sink when it was the last. Any
 * thread. */
struct chunk_sink;
void run_drop_pending(struct run *run, const struct chunk_sink *sink);

/*
 * The image of an image product over all workers' shares as they were last given: uint64_t
 * [height][width]. Ask with run_want_images first and come back later for a fresh one; once the run
 * is RUN_FINISHED it is complete.
 */
void run_image(struct run *run, const struct product *product, uint64_t *image);
void run_want_images(struct run *run);
