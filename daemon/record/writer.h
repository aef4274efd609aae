#pragma once

#include <stdint.h>

#include "daemon/record/recorder.h"

/*
 * What the writer thread does with what comes through the recorder's queue. All of it belongs to
 * that thread.
 */
struct writer {
    struct recorder_options options;
    uint64_t flush_interval_ns;
    uint64_t next_flush_ns;    /* monotonic */
    uint64_t sync_interval_ns; /* 0: never */
    uint64_t next_sync_ns;
    struct disk_sync *sync;
    uint64_t notes_written; /* of the logbook: those before this number are in a file */
    struct open_run *open_runs;
};

/* Takes over the caller's reference on the run until writer_end. */
void writer_begin(struct writer *writer, struct run *run);
void writer_write(struct writer *writer, const struct compressed_chunk *chunk);
/* Completes the run's file, if it has one, and the run. */
void writer_end(struct writer *writer, struct run *run);

/* Given maps of a run came whose file is closed; of one that is open they are written at its end.
 */
void writer_add_given(struct writer *writer, struct run *run);

void writer_flush_when_due(struct writer *writer);
/* UINT64_MAX: there is nothing to flush. */
uint64_t writer_time_to_flush(const struct writer *writer);

/* Runs that nobody ended: their files keep what they have and stay .partial. */
void writer_finish(struct writer *writer);
