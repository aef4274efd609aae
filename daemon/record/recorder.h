#pragma once

#include <stdint.h>

#include "common/error.h"
#include "daemon/record/disk_watch.h"
#include "processing/run/chunk_sink.h"
#include "processing/stage_times.h"

/*
 * The recorder: one writer thread, the only one in the daemon that calls HDF5, and a pool of
 * buffers between it and the workers. It compresses nothing and computes nothing. Layout of the
 * file: merlind-file(5).
 *
 * Who owns what: a compressed_chunk belongs to the worker from acquire to submit and to the writer
 * thread from then until it goes back to the pool. Runs are announced by begin and closed by finish
 * through the same queue as their chunks, so that the writer sees them in order.
 */
struct logbook;
struct recorder;

/* Recording stops while so much of the disk is still free (less of a small one), bytes. */
#define RECORDER_KEEPS_FREE ((uint64_t)8 << 20)

/* Called on the writer thread when a run's file is closed (or was never wanted): run->phase is
 * RUN_FINISHED, counts are exact. */
typedef void (*recorder_finished_fn)(void *data, struct run *run);

/* The summary of a run as one JSON object (schemas/protocol.md), for free(); NULL: no memory.
 * Called on the writer thread. */
typedef char *(*recorder_summary_fn)(const struct run *run);

struct recorder_options {
    unsigned n_workers;
    double flush_interval_s;          /* how often a reader of the growing file sees news */
    const char *directory;            /* whose disk is watched at first */
    double sync_interval_s;           /* how often that is brought to the disk; 0: never */
    recorder_summary_fn summary;      /* for /entry/statistics; may be NULL */
    struct logbook *logbook;          /* notes and series for the files, borrowed; may be NULL */
    const char *configuration;        /* for the files, borrowed; may be NULL */
    struct stage_times *times;        /* borrowed; may be NULL */
    recorder_finished_fn on_finished; /* may be NULL */
    void *data;                       /* for on_finished */
};

int recorder_create(struct recorder **recorder, const struct recorder_options *options,
                    struct error *error);

/* Completes what was handed over, closes files, ends the thread. NULL does nothing. Nobody may use
 * the sink any more. */
void recorder_destroy(struct recorder *recorder);

struct chunk_sink recorder_sink(struct recorder *recorder);

/* Given maps (given_maps.h) of a run have changed. Returns when they get into the file: "off" (it
 * has none), "at_end" (when it is closed), "now" (it is closed, they are added). One thread. */
const char *recorder_add_given(struct recorder *recorder, struct run *run);

/* How far the writer is behind the workers. */
struct recorder_load {
    unsigned waiting, buffers; /* chunks that wait to be written or are, of how many there can be */
    uint64_t bytes_waiting;    /* of these, compressed */
    double behind_s;           /* since what it is at was handed to it; 0: nothing waits */
};
void recorder_load(const struct recorder *recorder, struct recorder_load *load);

/* The disk of recordings: that of `directory` from now on (one thread), and how it is. */
void recorder_watch_disk(struct recorder *recorder, const char *directory);
void recorder_disk(const struct recorder *recorder, struct disk_view *view);

/* Is it a directory in which files may be made, by its rights alone? Nothing is written. The
 * sentence in `error` has the remedy. */
int recording_check_directory(const char *directory, struct error *error);

/*
 * Can a run with these settings be recorded now? The directory must exist, be a directory and be
 * writable, and its file system must have room for `bytes_needed` (0: not known, then for 64 MiB).
 * The sentence in `error` names the directory, the numbers and the remedy. `bytes_free` (may be
 * NULL) receives what is free.
 */
int recording_check(const struct recording_settings *settings, uint64_t bytes_needed,
                    uint64_t *bytes_free, struct error *error);
