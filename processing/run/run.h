#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/episode.h"
#include "common/error.h"
#include "detector/acquisition_header.h"
#include "detector/pixel_format.h"
#include "processing/products/acquisition_plan.h"
#include "processing/products/epochs.h"
#include "processing/run/chunk_store.h"
#include "processing/run/product_set.h"
#include "processing/run/stall_watch.h"
#include "processing/tables/frame_table.h"

/*
 * A run: one acquisition of the detector from its HDR (or first frame) to its end, with all its
 * results.
 *
 * Who owns what, in the order in which it is written:
 *   - plan, hdr, format, layers, scan, chunk_frames, recycle, store, remarks: set by the ingest
 *     thread (of a run from a file: by whoever reads it) before the first chunk is published, then
 *     only read. The publication of the chunk (or of the run through run_current) orders them.
 *   - counts: each counter is added to by the thread named beside it, relaxed; exact once `phase`
 *     is RUN_FINISHED, a good picture before. Readers must not expect the identities to hold to the
 *     last frame while frames move.
 *   - frames: see frame_table.h. epochs: see epochs.h. products and sets: see product_set.h; added
 *     to under products_mutex (run_products.c), by the ingest thread before the run is published,
 *     then by the service thread and, at the end, the finisher; published by store-release of
 *     n_products and of set. bragg: see run_bragg.c.
 *   - view: the newest geometry through which results are seen; published by the service thread
 *     with a store-release, older ones stay until the run is freed. excluded: likewise.
 *   - recording: under its own mutex, apart from the run, which readers have const; written by the
 *     writer thread, read by the service thread. Never touched on a frame's path.
 *   - beam: the writer thread when all frames are in; published by a store-release of beam_known.
 *   - pending: 1 for the ingest thread while the run lasts, 1 for each chunk that is not done, 1
 *     for each worker with unmerged sums, 1 for a recompute.h that goes on. Whoever takes it to 0
 *     tells the chunk sink that the run is over; by then every chunk was handed over.
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
    RUN_END_PASS,     /* of an unending scan: the next pass is recorded as a run of its own */
    RUN_END_SHUTDOWN, /* the daemon is stopping */
};

struct run_counts {
    /* ingest thread */
    _Atomic uint64_t received, placed, skipped, duplicate, surplus, rejected;
    /* workers */
    _Atomic uint64_t analysed, deferred, not_analysed;
    _Atomic uint64_t no_room;   /* of not_analysed: too slow, not recorded, and the backlog was full
                                 */
    _Atomic uint64_t saturated; /* placed frames with a pixel at full scale */
    /* run_check_stalls */
    _Atomic uint64_t stalled;
    /* writer thread, and workers while nothing is recorded: frames in place; those in /entry/extra
     */
    _Atomic uint64_t recorded, unrecorded, extra_recorded, extra_unrecorded;
    /* the frame stream: handed to somebody (its thread); not taken (that and workers). The rest of
     * those that workers gave wait. */
    _Atomic uint64_t streamed, unstreamed;
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

/* What becomes of a recording when the run is over. */
enum run_fate { RUN_KEEP, RUN_ASK /* not yet told: as discard */, RUN_DISCARD };

#define RUN_MAX_LAYERS 8
#define RUN_MAX_PRODUCTS 1024
#define RUN_MAX_REMARKS 32

/* The newest analysed pattern of a layer, copied by a worker when `wanted` and `given` differ;
 * image and number under the mutex. */
struct run_latest {
    pthread_mutex_t mutex;
    _Atomic uint32_t wanted, given;
    void *image;
    uint64_t number; /* of the exposure, from 1; 0: none yet */
};

/* The beam on the specimen while the frames of a run were exposed. */
struct run_beam {
    double current_pa; /* mean over the exposures */
    double exposure_s; /* mean of a frame */
    bool measured;     /* by a series of samples; else it is the calibrated current */
};

/* A geometry through which results are seen, and since when. Immutable; holds a reference of its
 * list. */
struct run_view {
    struct scan_geometry scan;
    uint32_t version;   /* from 1: the run's own */
    const char *source; /* "request", "configuration", "header", "nudge", "exposures" */
    uint64_t frame;     /* frames received when it was changed */
    uint64_t time_ns;   /* UNIX time */
    struct run_view *older;
};

struct run {
    _Atomic unsigned references;
    struct acquisition_plan *plan;
    char *hdr; /* text of the acquisition header, NULL when there was none */
    size_t hdr_size;
    struct acquisition_header acquisition; /* parsed; meaningful when hdr is set */
    struct pixel_format format;
    bool colour;       /* layers are those of colour mode, not counters */
    unsigned n_layers; /* messages of an exposure: 1; 2 with both counters, 4 or 8 in colour mode */
    struct scan_geometry scan; /* of storage, in force for the whole run: the plan's, or the
                                  header's. What people see goes through run_scan */
    uint64_t recycle; /* rows of frame and column tables are counted modulo this (an unending scan);
                         0: every exposure has its own */
    uint64_t expected; /* placed frames of a complete run, all layers: 0 unknown */
    uint64_t
        frames_to_come;    /* exposures the detector will make, 0 unknown or until it is stopped */
    uint32_t chunk_frames; /* k: places of a chunk, each with n_layers images */
    uint64_t started_ns;   /* UNIX time of the first byte of the run */
    _Atomic uint64_t ended_ns;
    _Atomic uint64_t last_frame_ns; /* monotonic time of the newest arrival */
    _Atomic int phase;              /* enum run_phase */
    _Atomic int end;                /* enum run_end */
    _Atomic uint64_t pending;
    struct run_counts counts;
    struct episode loss;        /* run_loss.h */
    struct frame_table *frames; /* row: exposure * n_layers + layer (exposure modulo recycle) */
    struct column_table *stored, *stored_late; /* stored_chunks.h */
    struct chunk_store store;                  /* of a run that was read from a file; else zero */
    struct epochs epochs;
    pthread_mutex_t products_mutex;
    unsigned n_remarks;
    char *remarks[RUN_MAX_REMARKS];             /* run_remarks.h */
    struct run_bragg *bragg;                    /* run_bragg.h */
    struct product *products[RUN_MAX_PRODUCTS]; /* all there ever were */
    _Atomic unsigned n_products;
    _Atomic(struct product_set *) set;       /* the newest */
    _Atomic(struct run_view *) view;         /* the newest */
    _Atomic(struct run_excluded *) excluded; /* run_excluded.h */
    _Atomic(struct run_glass *) glass;       /* run_glass.h */
    unsigned n_workers;
    _Atomic uint32_t arrays_wanted;
    struct stall_watch *stalls; /* stall_watch.h */
    struct run_recording *recording;
    _Atomic int fate;                         /* enum run_fate; set by the service thread */
    _Atomic unsigned pack_step, pack_changes; /* of RECORDING_CODEC_AUTO: the step in force, and
                                                 how often it changed; service thread */
    _Atomic bool recording_wanted; /* the recorder takes chunks of this run; recorder only, see
                                      chunk_sink.wants */
    struct run_beam beam;          /* only read once beam_known is set */
    _Atomic bool beam_known;
    struct run_latest latest[RUN_MAX_LAYERS];
};

/* What the first frame of a run tells of all of them. */
struct run_frames {
    const struct pixel_format *format;
    unsigned n_layers;
    bool colour;        /* the layers are those of colour mode, not counters */
    const uint8_t *hdr; /* copied; NULL: there was none */
    size_t hdr_size;
};

/*
 * Makes a run. Takes a reference on the plan. Chooses scan, chunk size and products. -EINVAL with a
 * sentence when the plan does not fit the frames.
 */
int run_create(struct run **run, struct acquisition_plan *plan, const struct run_frames *frames,
               unsigned n_workers, struct error *error);
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

/* What a layer is called: "counter0", "counter1", "layer0" to "layer7"; "" when there is only one.
 */
const char *run_layer_name(const struct run *run, unsigned layer);

/* ---- seeing: any thread, any time ---- */

/* The geometry through which results are seen now. Valid as long as the run. */
const struct scan_geometry *run_scan(const struct run *run);
const struct run_view *run_view(const struct run *run);

/* Sees everything through another geometry from now on, what was measured before included; nothing
 * that is stored moves. Takes a reference of the geometry's list. `source`: see struct run_view, a
 * literal. Service thread only. -ENOMEM. */
int run_set_view(struct run *run, const struct scan_geometry *scan, const char *source);

/*
 * Finds a map or an array (pattern, profile) of the newest product set by name. With several layers
 * names are LAYER/NAME, and NAME alone is that of the first layer. Returns its product and sets
 * *which, or NULL.
 */
const struct product *run_find_map(const struct run *run, const char *name, unsigned *which);
const struct product *run_find_array(const struct run *run, const char *name, unsigned *which);

/*
 * Writes the values of `count` positions of a map from `first` on, seen through `scan`: uint64_t,
 * double or uint8_t each, as the map's dtype says, 0, NaN or the map's own value where nothing was
 * measured; and, when `measured`
 * is not NULL, a uint8_t each: 1 measured, 0 not. Positions run along the rows of the scan. The
 * recorder sees the run through run->scan, whose positions are those of the file.
 */
void run_map_positions(const struct run *run, const struct scan_geometry *scan,
                       const struct product *product, unsigned map, uint64_t first, uint64_t count,
                       void *values, uint8_t *measured);

/* Which positions have an analysed frame of a layer: a uint8_t each, 1 or 0 (may be NULL). Returns
 * how many have. */
uint64_t run_measured(const struct run *run, const struct scan_geometry *scan, unsigned layer,
                      uint64_t first, uint64_t count, uint8_t *measured);

/* Shape of maps seen through `scan`: passes, ny, nx; for an unknown shape 1, 1 and the number of
 * frames received so far. */
struct run_map_shape {
    uint64_t passes, ny, nx;
};
struct run_map_shape run_map_shape(const struct run *run, const struct scan_geometry *scan);

/*
 * An array over all workers' shares as they were last given: uint64_t or double each, as its dtype
 * says, C order. Ask with run_want_arrays first and come back later for a fresh one; once the run
 * is RUN_FINISHED it is complete. -ENOMEM: zeros.
 */
int run_array(const struct run *run, const struct product *product, unsigned which, void *values);

/*
 * The sums that a product's arrays are made of, of all workers' shares likewise: an accumulator for
 * its class's `array`, and for free(). For whoever wants several arrays of a product: to merge
 * shares of the variance of 512 x 512 pixels is 36 MiB each. NULL: no memory.
 */
void *run_sums(const struct product *product);
void run_want_arrays(struct run *run);

/* Looks for places where the detector was held up among the frames that came since the last time;
 * marks them (FRAME_FLAG_STALLED) and counts them. See stall_watch.h. */
void run_check_stalls(struct run *run);

/* Whether the images of its frames can be read again: it is being recorded, or comes from a file.
 * Any thread. */
bool run_has_images(const struct run *run);

/* Adds one to `pending`, so that the run is not finished before it is taken away again. false: it
 * is being finished already. Any thread. */
bool run_take_pending(struct run *run);

/* Decides the fate of `pending`: takes one away and tells the sink when it was the last. Any
 * thread. */
struct chunk_sink;
void run_drop_pending(struct run *run, const struct chunk_sink *sink);
