#include "daemon/record/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"
#include "common/probe.h"
#include "daemon/record/disk_sync.h"
#include "daemon/record/given_results.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/recording_status.h"
#include "daemon/record/run_beam.h"
#include "daemon/record/run_file.h"
#include "daemon/record/settings_text.h"
#include "processing/run/given_maps.h"

/* A run between its announcements. */
struct open_run {
    struct open_run *next;
    struct run *run;       /* with the reference that came with writer_begin */
    struct run_file *file; /* NULL: not recorded, or no longer */
    bool stopped;          /* the file takes no more images, but its end */
};

static char *summarise(const struct writer *writer, const struct run *run)
{
    return writer->options.summary ? writer->options.summary(run) : NULL;
}

static void abandon(struct open_run *open, const struct error *error)
{
    recording_set_failed(open->run, error);
    recording_set_path(open->run, run_file_path(open->file));
    run_file_abandon(open->file, error->text);
    open->file = NULL;
}

static void open_file(struct writer *writer, struct open_run *open)
{
    struct error error = {0};
    char *const summary = summarise(writer, open->run);
    const struct run_file_extras extras = {writer->options.configuration, writer->options.logbook,
                                           writer->notes_written};
    if (run_file_create(&open->file, open->run, summary, &extras, &error) < 0) {
        open->file = NULL;
        recording_set_failed(open->run, &error);
    } else {
        recording_set_state(open->run, RECORDING_ACTIVE, run_file_partial_path(open->file));
        log_info("record", "recording run %s to %s", open->run->plan->id,
                 run_file_partial_path(open->file));
    }
    free(summary);
}

void writer_begin(struct writer *writer, struct run *run)
{
    struct open_run *const open = calloc(1, sizeof *open);
    if (!open) {
        const struct error error = {-ENOMEM, "no memory to record the run"};
        if (run->plan->recording.enabled)
            recording_set_failed(run, &error);
        return;
    }
    open->run = run;
    open->next = writer->open_runs;
    writer->open_runs = open;
    if (run->plan->recording.enabled)
        open_file(writer, open);
}

static struct open_run *find_open_run(const struct writer *writer, const struct run *run)
{
    struct open_run *open = writer->open_runs;
    while (open && open->run != run)
        open = open->next;
    return open;
}

/* A late frame is recorded out of place but belongs to the scan. */
static bool belongs_to_scan(const struct compressed_chunk *chunk)
{
    return !chunk->extra || (chunk->flags & FRAME_FLAG_LATE);
}

/* Workers add to the same counters when they find that a chunk is not wanted. */
static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void count_chunk(const struct compressed_chunk *chunk, bool recorded)
{
    struct run_counts *const counts = &chunk->run->counts;
    if (belongs_to_scan(chunk))
        count(recorded ? &counts->recorded : &counts->unrecorded, chunk->n_frames);
    else
        count(recorded ? &counts->extra_recorded : &counts->extra_unrecorded, chunk->n_frames);
}

static void flush(struct writer *writer, struct open_run *open)
{
    struct error error = {0};
    if (!open->file || !run_file_has_news(open->file))
        return;
    char *const summary = summarise(writer, open->run);
    const uint64_t began = clock_monotonic_ns();
    const int r = run_file_flush(open->file, summary, &error);
    stage_times_add(writer->options.times, STAGE_FLUSH, began);
    if (r < 0)
        abandon(open, &error);
    free(summary);
}

/* The disk is nearly full: what is in the file stays, and the rest of the room is for its end. */
static void stop(struct writer *writer, struct open_run *open)
{
    struct error error = {0};
    const struct run_counts *const counts = &open->run->counts;
    error_set(&error, -ENOSPC,
              "the disk is full (%s); recording was stopped after %" PRIu64
              " images, which are in %.250s",
              write_error_remedy(ENOSPC), counter_read(&counts->recorded),
              run_file_partial_path(open->file));
    recording_set_failed(open->run, &error);
    open->stopped = true;
    flush(writer, open);
}

/* Returns whether the chunk is in the file. */
static bool record_chunk(struct writer *writer, struct open_run *open,
                         const struct compressed_chunk *chunk)
{
    struct error error = {0};
    /* An empty one could not be compressed, which the worker has told of. */
    if (!open || !open->file || open->stopped || chunk->size == 0)
        return false;
    if (!run_file_has_room(open->file, chunk->size)) {
        stop(writer, open);
        return false;
    }
    const uint64_t began = clock_monotonic_ns();
    const int r = run_file_write(open->file, chunk, &error);
    stage_times_add(writer->options.times, STAGE_WRITE, began);
    if (r < 0) {
        abandon(open, &error);
        return false;
    }
    recording_add_bytes(open->run, chunk->again ? 0 : chunk->raw_size, chunk->size);
    return true;
}

void writer_write(struct writer *writer, const struct compressed_chunk *chunk)
{
    const bool recorded = record_chunk(writer, find_open_run(writer, chunk->run), chunk);
    PROBE4(chunk_written, chunk->first_place, chunk->n_frames, chunk->size, recorded);
    count_chunk(chunk, recorded);
}

/* After a failure the kernel may have thrown away what it could not write. */
static void check_sync(struct writer *writer, const struct open_run *open)
{
    struct error error = {0};
    const char *const path = run_file_partial_path(open->file);
    const int failure = disk_sync_take_failure(writer->sync, path);
    if (failure == 0)
        return;
    error_set(&error, -failure,
              "cannot bring %.250s to the disk: %s; what was recorded may be lost; %s", path,
              strerror(failure), write_error_remedy(failure));
    recording_mark(open->run, &error);
}

/* Behind a flush: what is on the disk then is a file that can be read. */
static void sync_when_due(struct writer *writer)
{
    const uint64_t now = clock_monotonic_ns();
    if (writer->sync_interval_ns == 0 || now < writer->next_sync_ns)
        return;
    for (const struct open_run *open = writer->open_runs; open; open = open->next) {
        if (!open->file)
            continue;
        check_sync(writer, open);
        disk_sync_ask(writer->sync, run_file_descriptor(open->file),
                      run_file_partial_path(open->file));
    }
    writer->next_sync_ns = now + writer->sync_interval_ns;
}

/* Somebody may have moved or deleted what is being written. */
static void check_place(const struct open_run *open)
{
    struct error error = {0};
    if (open->file && run_file_check_place(open->file, &error) < 0)
        recording_mark(open->run, &error);
}

void writer_flush_when_due(struct writer *writer)
{
    if (clock_monotonic_ns() < writer->next_flush_ns)
        return;
    for (struct open_run *open = writer->open_runs; open; open = open->next)
        flush(writer, open);
    for (const struct open_run *open = writer->open_runs; open; open = open->next)
        check_place(open);
    sync_when_due(writer);
    /* From now: flushing that takes long must not take all the time. */
    writer->next_flush_ns = clock_monotonic_ns() + writer->flush_interval_ns;
}

static void tell_closed(const struct open_run *open)
{
    const char *const path = run_file_final_path(open->file);
    if (open->stopped)
        recording_set_path(open->run, path);
    else
        recording_set_state(open->run, RECORDING_CLOSED, path);
    log_info("record", "run %s is in %s", open->run->plan->id, path);
}

static void complete_file(struct writer *writer, struct open_run *open)
{
    struct error error = {0};
    /* Its failure would pass unseen by the last sync of the file, which shares the descriptor. */
    disk_sync_wait(writer->sync);
    check_sync(writer, open);
    char *const summary = summary_once_closed(summarise(writer, open->run),
                                              run_file_final_path(open->file), open->stopped);
    if (run_file_complete(open->file, summary, &error) < 0) {
        abandon(open, &error);
    } else {
        tell_closed(open);
        writer->notes_written = run_file_next_note(open->file);
        run_file_destroy(open->file);
    }
    open->file = NULL;
    free(summary);
}

/* What came while the file was being closed, or afterwards. The recording as such is whole, so a
 * failure is told and changes nothing. Not tried again for the same maps. */
static void add_given(struct run *run)
{
    char path[sizeof run->recording->path];
    struct error error = {0};
    pthread_mutex_lock(&run->recording->mutex);
    const bool closed = run->recording->state == RECORDING_CLOSED;
    snprintf(path, sizeof path, "%s", run->recording->path);
    pthread_mutex_unlock(&run->recording->mutex);
    if (!closed || !given_results_are_due(run))
        return;
    if (run_file_add_given(path, run, &error) < 0)
        log_error("record", "maps that were put after run %s are not in its file: %s",
                  run->plan->id, error.text);
    else
        log_info("record", "maps were added to %s", path);
}

void writer_add_given(struct writer *writer, struct run *run)
{
    if (!find_open_run(writer, run))
        add_given(run);
}

static void forget_open_run(struct writer *writer, struct open_run *open)
{
    struct open_run **at = &writer->open_runs;
    while (*at && *at != open)
        at = &(*at)->next;
    if (*at)
        *at = open->next;
    free(open);
}

void writer_end(struct writer *writer, struct run *run)
{
    struct open_run *const open = find_open_run(writer, run);
    /* All frames are there: the marks of this look go into the file and the summary. */
    run_check_stalls(run);
    run_beam_find(run, writer->options.logbook);
    if (open && open->file) {
        given_maps_renew(run);
        complete_file(writer, open);
        add_given(run);
    }
    if (open)
        forget_open_run(writer, open);
    atomic_store_explicit(&run->phase, RUN_FINISHED, memory_order_release);
    if (writer->options.on_finished)
        writer->options.on_finished(writer->options.data, run);
    run_unref(run);
}

void writer_finish(struct writer *writer)
{
    static const struct error error = {-ECANCELED, "the recorder was stopped before the run ended"};
    while (writer->open_runs) {
        struct open_run *const open = writer->open_runs;
        struct run *const run = open->run;
        flush(writer, open);
        if (open->file)
            abandon(open, &error);
        forget_open_run(writer, open);
        run_unref(run);
    }
}

uint64_t writer_time_to_flush(const struct writer *writer)
{
    const uint64_t now = clock_monotonic_ns();
    if (!writer->open_runs)
        return UINT64_MAX;
    return writer->next_flush_ns > now ? writer->next_flush_ns - now : 0;
}
