#include "daemon/record/recorder.h"

#include <errno.h>
#include <hdf5.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/queue.h"
#include "daemon/record/blosc_filter.h"
#include "daemon/record/disk_sync.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/recording_status.h"
#include "daemon/record/writer.h"

#define BUFFERS_PER_WORKER 4
#define BUFFERS_MORE 16
/* Runs that may be announced while the writer is behind. */
#define ANNOUNCEMENTS 256
#define ALIGNMENT 64
/* Behind the ingest thread, which must never wait for a CPU. */
#define WRITER_NICE 5
/* Of flushing and of syncing. */
#define INTERVAL_MIN_S 0.01
#define INTERVAL_MAX_S 3600.0

enum item_kind { ITEM_BEGIN, ITEM_CHUNK, ITEM_FINISH, ITEM_GIVEN, ITEM_STOP };

/* What goes through the queue: a chunk, or an announcement about a run. Each comes from its own
 * list of free ones. */
struct item {
    enum item_kind kind;
    struct run *run; /* announcements: with a reference from ITEM_BEGIN to ITEM_FINISH */
    struct compressed_chunk chunk;
    uint64_t submitted_ns; /* monotonic */
};

/*
 * Who owns what: `items` and `n_buffers` are set before the thread starts; `writer` then belongs to
 * the thread. An item belongs to whoever popped it from a queue. Only the writer thread waits on
 * `work`; workers may wait on `free_chunks` when it is behind; there are so many announcements that
 * nobody ever waits on `free_announcements` in earnest. The queue of work has room for all items,
 * so a push never fails.
 */
struct recorder {
    struct queue work, free_chunks, free_announcements;
    unsigned n_buffers;
    struct item *items; /* n_buffers chunks, then the announcements */
    struct writer writer;
    pthread_t thread;
    _Atomic(struct run *) given_announced; /* whose ITEM_GIVEN is on its way; only compared */
    _Atomic uint64_t bytes_waiting;        /* raised by workers, lowered by the writer */
    _Atomic uint64_t busy_since_ns; /* when the writer's work was handed to it, 0: it has none */
    struct disk_watch *watch;
};

/* ---- the writer thread ---- */

/* Returns false when the thread is to end. */
static bool handle(struct recorder *recorder, struct item *item)
{
    switch (item->kind) {
    case ITEM_CHUNK:
        stage_times_add(recorder->writer.options.times, STAGE_WAIT, item->submitted_ns);
        writer_write(&recorder->writer, &item->chunk);
        atomic_fetch_sub_explicit(&recorder->bytes_waiting, item->chunk.size, memory_order_relaxed);
        queue_push_always(&recorder->free_chunks, item);
        return true;
    case ITEM_BEGIN:
        writer_begin(&recorder->writer, item->run);
        break;
    case ITEM_FINISH:
        writer_end(&recorder->writer, item->run);
        break;
    case ITEM_GIVEN:
        atomic_store_explicit(&recorder->given_announced, NULL, memory_order_seq_cst);
        writer_add_given(&recorder->writer, item->run);
        run_unref(item->run);
        break;
    case ITEM_STOP:
        return false;
    }
    queue_push_always(&recorder->free_announcements, item);
    return true;
}

static void be_busy_since(struct recorder *recorder, uint64_t ns)
{
    atomic_store_explicit(&recorder->busy_since_ns, ns, memory_order_relaxed);
}

static void *write_all(void *data)
{
    struct recorder *const recorder = data;
    struct writer *const writer = &recorder->writer;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_setname_np(pthread_self(), "writer");
    setpriority(PRIO_PROCESS, (id_t)gettid(), WRITER_NICE);
    /* A library that is stuck on a bad disk must not hold up the end of the process. */
    H5dont_atexit();
    hdf5_errors_capture();
    if (blosc_filter_register() < 0)
        log_error("record", "HDF5 does not take the Blosc filter: nothing can be recorded");
    hdf5_error_forget();
    bool more = true;
    while (more) {
        if (queue_length(&recorder->work) == 0)
            be_busy_since(recorder, 0);
        struct item *const item = queue_wait(&recorder->work, writer_time_to_flush(writer));
        be_busy_since(recorder, item ? item->submitted_ns : clock_monotonic_ns());
        if (item)
            more = handle(recorder, item);
        writer_flush_when_due(writer);
    }
    writer_finish(writer);
    /* The library keeps the last failure per thread, in memory that nobody else frees. */
    H5Eclear2(H5E_DEFAULT);
    return NULL;
}

/* ---- the sink: ingest and workers ---- */

static void announce(struct recorder *recorder, enum item_kind kind, struct run *run)
{
    struct item *item;
    do {
        item = queue_wait(&recorder->free_announcements, UINT64_MAX);
    } while (!item);
    item->kind = kind;
    item->run = run;
    item->submitted_ns = clock_monotonic_ns();
    queue_push_always(&recorder->work, item);
}

static void sink_begin(void *data, struct run *run)
{
    const bool enabled = run->plan->recording.enabled;
    recording_set_state(run, enabled ? RECORDING_OPENING : RECORDING_OFF, NULL);
    atomic_store_explicit(&run->recording_wanted, enabled, memory_order_relaxed);
    announce(data, ITEM_BEGIN, run_ref(run));
}

/* Whoever finds the file not closed yet has raised the maps' revision before, which the writer
 * looks at again when it has closed it. */
const char *recorder_add_given(struct recorder *recorder, struct run *run)
{
    pthread_mutex_lock(&run->recording->mutex);
    const enum recording_state state = run->recording->state;
    pthread_mutex_unlock(&run->recording->mutex);
    if (state == RECORDING_OFF || state == RECORDING_FAILED)
        return "off";
    if (state != RECORDING_CLOSED)
        return "at_end";
    if (atomic_exchange_explicit(&recorder->given_announced, run, memory_order_seq_cst) != run)
        announce(recorder, ITEM_GIVEN, run_ref(run));
    return "now";
}

static bool sink_wants(void *data, const struct run *run)
{
    return atomic_load_explicit(&run->recording_wanted, memory_order_relaxed);
}

static bool make_room(struct compressed_chunk *chunk, size_t capacity)
{
    const size_t size = (capacity + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (chunk->capacity >= capacity)
        return true;
    free(chunk->bytes);
    chunk->bytes = aligned_alloc(ALIGNMENT, size);
    chunk->capacity = chunk->bytes ? size : 0;
    return chunk->bytes != NULL;
}

static struct compressed_chunk *sink_acquire(void *data, size_t capacity)
{
    struct recorder *const recorder = data;
    struct item *item;
    do {
        item = queue_wait(&recorder->free_chunks, UINT64_MAX);
    } while (!item);
    if (!make_room(&item->chunk, capacity)) {
        queue_push_always(&recorder->free_chunks, item);
        return NULL;
    }
    item->chunk = (struct compressed_chunk){
        .bytes = item->chunk.bytes,
        .capacity = item->chunk.capacity,
        .messages = item->chunk.messages,
    };
    message_batch_clear(&item->chunk.messages);
    return &item->chunk;
}

static void sink_submit(void *data, struct compressed_chunk *chunk)
{
    struct recorder *const recorder = data;
    struct item *const item = (struct item *)((char *)chunk - offsetof(struct item, chunk));
    item->kind = ITEM_CHUNK;
    item->submitted_ns = clock_monotonic_ns();
    atomic_fetch_add_explicit(&recorder->bytes_waiting, chunk->size, memory_order_relaxed);
    queue_push_always(&recorder->work, item);
}

static void sink_finish(void *data, struct run *run)
{
    announce(data, ITEM_FINISH, run);
}

struct chunk_sink recorder_sink(struct recorder *recorder)
{
    return (struct chunk_sink){
        .data = recorder,
        .begin = sink_begin,
        .wants = sink_wants,
        .acquire = sink_acquire,
        .submit = sink_submit,
        .finish = sink_finish,
    };
}

void recorder_load(const struct recorder *recorder, struct recorder_load *load)
{
    const size_t free_now = queue_length(&recorder->free_chunks);
    const uint64_t now = clock_monotonic_ns();
    const uint64_t since = atomic_load_explicit(&recorder->busy_since_ns, memory_order_relaxed);
    *load = (struct recorder_load){
        .buffers = recorder->n_buffers,
        .waiting = free_now < recorder->n_buffers ? recorder->n_buffers - (unsigned)free_now : 0,
        .bytes_waiting = atomic_load_explicit(&recorder->bytes_waiting, memory_order_relaxed),
        .behind_s = since && now > since ? (double)(now - since) / (double)NS_PER_S : 0,
    };
}

void recorder_watch_disk(struct recorder *recorder, const char *directory)
{
    disk_watch_follow(recorder->watch, directory);
}

void recorder_disk(const struct recorder *recorder, struct disk_view *view)
{
    disk_watch_look(recorder->watch, view);
}

/* ---- life ---- */

static void recorder_free(struct recorder *recorder)
{
    disk_watch_destroy(recorder->watch);
    disk_sync_destroy(recorder->writer.sync);
    for (unsigned i = 0; recorder->items && i < recorder->n_buffers; i++) {
        free(recorder->items[i].chunk.bytes);
        message_batch_finish(&recorder->items[i].chunk.messages);
    }
    free(recorder->items);
    queue_finish(&recorder->work);
    queue_finish(&recorder->free_chunks);
    queue_finish(&recorder->free_announcements);
    free(recorder);
}

static int allocate(struct recorder *recorder)
{
    const size_t n_items = recorder->n_buffers + ANNOUNCEMENTS;
    recorder->items = calloc(n_items, sizeof *recorder->items);
    if (!recorder->items || queue_init(&recorder->work, n_items) < 0 ||
        queue_init(&recorder->free_chunks, recorder->n_buffers) < 0 ||
        queue_init(&recorder->free_announcements, ANNOUNCEMENTS) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < n_items; i++)
        queue_push_always(i < recorder->n_buffers ? &recorder->free_chunks
                                                  : &recorder->free_announcements,
                          &recorder->items[i]);
    return 0;
}

static uint64_t interval_ns(double seconds)
{
    if (!(seconds >= INTERVAL_MIN_S))
        seconds = INTERVAL_MIN_S;
    if (seconds > INTERVAL_MAX_S)
        seconds = INTERVAL_MAX_S;
    return (uint64_t)(seconds * (double)NS_PER_S);
}

int recorder_create(struct recorder **out, const struct recorder_options *options,
                    struct error *error)
{
    struct recorder *const recorder = aligned_alloc(ALIGNMENT, sizeof *recorder);
    if (!recorder)
        return error_set(error, -ENOMEM, "no memory for the recorder");
    memset(recorder, 0, sizeof *recorder);
    recorder->writer.options = *options;
    recorder->writer.flush_interval_ns = interval_ns(options->flush_interval_s);
    if (options->sync_interval_s > 0)
        recorder->writer.sync_interval_ns = interval_ns(options->sync_interval_s);
    recorder->n_buffers = options->n_workers * BUFFERS_PER_WORKER + BUFFERS_MORE;
    int r = allocate(recorder);
    if (r < 0) {
        error_set(error, r, "no memory for the recorder");
        goto fail;
    }
    r = disk_sync_create(&recorder->writer.sync, options->times, error);
    if (r < 0)
        goto fail;
    r = disk_watch_create(&recorder->watch, options->directory, error);
    if (r < 0)
        goto fail;
    r = -pthread_create(&recorder->thread, NULL, write_all, recorder);
    if (r < 0) {
        error_set(error, r, "cannot start the recorder's thread: %s", strerror(-r));
        goto fail;
    }
    *out = recorder;
    return 0;

fail:
    recorder_free(recorder);
    return r;
}

void recorder_destroy(struct recorder *recorder)
{
    if (!recorder)
        return;
    announce(recorder, ITEM_STOP, NULL);
    pthread_join(recorder->thread, NULL);
    recorder_free(recorder);
}
