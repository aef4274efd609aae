#include "daemon/stream/frame_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/log.h"
#include "common/queue.h"
#include "daemon/bind_error.h"
#include "daemon/key_ring.h"
#include "daemon/stream/frame_pool.h"
#include "daemon/stream/pullers.h"
#include "daemon/stream/stream_sender.h"

/* Runs that may be announced while nobody takes anything. */
#define ANNOUNCEMENTS 256
/* How often it is looked whether pullers have come or gone. */
#define LOOK_NS (200 * NS_PER_MS)
/* At the end of the process: for so long nobody has taken anything. */
#define PATIENCE_NS (2 * NS_PER_S)
/* ZeroMQ's at the same time, for what it was given. */
#define LINGER_MS 1000
/* As workers and writer, behind the ingest thread. */
#define STREAM_NICE 5

/*
 * Who owns what: `work` is filled by workers, ingest and writer thread and emptied by the stream's
 * thread, and has room for all items there can be but announcements, which are refused when too
 * many wait; an item belongs to whoever holds it (frame_pool.h). `sender`, `pullers` and the socket
 * belong to the service thread until the stream's thread starts and after it has ended, and to that
 * thread in between; their figures are atomics that any thread reads. `unsent` is added to by
 * workers and the stream's thread. `format`, `hwm`, `endpoint` and `pool` do not change. Only the
 * stream's thread ever waits: for work, or for a puller with room.
 */
struct frame_stream {
    enum frames_format format;
    unsigned hwm;
    char endpoint[256];
    struct frame_pool *pool;
    struct queue work;
    void *socket;
    struct pullers pullers;
    struct stream_sender sender;
    _Atomic uint64_t unsent; /* frames */
    uint64_t moved_ns;       /* monotonic: when somebody last took something; the stream's thread */
    pthread_t thread;
    _Atomic bool stopping;
};

static const char *const format_names[] = {
    [FRAMES_DECODED] = "decoded",
    [FRAMES_COMPRESSED] = "compressed",
    [FRAMES_STREAM2] = "stream2",
    [FRAMES_STREAM2_BSLZ4] = "stream2_bslz4",
};

/* ---- the tap: workers, and who announces runs ---- */

static void count_unsent(struct frame_stream *stream, struct run *run, uint64_t n)
{
    atomic_fetch_add_explicit(&run->counts.unstreamed, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&stream->unsent, n, memory_order_relaxed);
}

static struct tapped_frames *tap_acquire(void *data, struct run *run, size_t n_frames, size_t size)
{
    struct frame_stream *const stream = data;
    struct stream_item *const item = frame_pool_take(stream->pool, run, n_frames, size);
    if (!item)
        count_unsent(stream, run, n_frames);
    return item ? &item->frames : NULL;
}

static struct stream_item *item_of(struct tapped_frames *frames)
{
    return (struct stream_item *)((char *)frames - offsetof(struct stream_item, frames));
}

static void tap_submit(void *data, struct tapped_frames *frames)
{
    struct frame_stream *const stream = data;
    struct stream_item *const item = item_of(frames);
    if (frames->size > 0) {
        queue_push_always(&stream->work, item);
        return;
    }
    /* It could not be packed. */
    count_unsent(stream, frames->run, frames->n);
    stream_item_release(item);
}

struct frame_tap frame_stream_tap(struct frame_stream *stream)
{
    const bool packed = stream->format == FRAMES_COMPRESSED;
    return (struct frame_tap){
        .data = stream,
        .form = packed ? FRAME_TAP_PACKED : FRAME_TAP_IMAGES,
        .acquire = tap_acquire,
        .submit = tap_submit,
    };
}

/* So many that frames always find room behind them. */
static bool has_room_for_announcement(const struct frame_stream *stream)
{
    return queue_length(&stream->work) < (size_t)stream->hwm + ANNOUNCEMENTS;
}

static void announce(struct frame_stream *stream, enum stream_item_kind kind, struct run *run)
{
    struct stream_item *const item =
        stream && has_room_for_announcement(stream) ? stream_announcement(kind, run) : NULL;
    if (item)
        queue_push_always(&stream->work, item);
    else if (stream)
        log_warning("stream", "the %s of run %s is not told: nobody reads the frame stream",
                    kind == STREAM_START ? "start" : "end", run->plan->id);
}

void frame_stream_begin(struct frame_stream *stream, struct run *run)
{
    announce(stream, STREAM_START, run);
}

void frame_stream_end(struct frame_stream *stream, struct run *run)
{
    announce(stream, STREAM_END, run);
}

/* ---- the stream's thread ---- */

static bool is_stopping(const struct frame_stream *stream)
{
    return atomic_load_explicit(&stream->stopping, memory_order_acquire);
}

/* What a run leaves behind that is over is not kept for somebody who may come some day. */
static bool nobody_will_take(const struct frame_stream *stream, const struct stream_item *item)
{
    const int phase = atomic_load_explicit(&item->frames.run->phase, memory_order_acquire);
    if (pullers_count(&stream->pullers) == 0 && phase != RUN_ACQUIRING)
        return true;
    return is_stopping(stream) && clock_monotonic_ns() - stream->moved_ns > PATIENCE_NS;
}

static void tell_end(const struct run *run)
{
    const uint64_t streamed = counter_read(&run->counts.streamed);
    const uint64_t unstreamed = counter_read(&run->counts.unstreamed);
    if (unstreamed > 0)
        log_warning("stream",
                    "run %s: %" PRIu64 " of %" PRIu64
                    " frames were taken by nobody from the frame stream; let more pullers share "
                    "the work, or raise frames.hwm",
                    run->plan->id, unstreamed, streamed + unstreamed);
}

static void wait_for_room(struct frame_stream *stream)
{
    zmq_pollitem_t items[] = {{.socket = stream->socket, .events = ZMQ_POLLOUT},
                              {.socket = stream->pullers.monitor, .events = ZMQ_POLLIN}};
    (void)zmq_poll(items, stream->pullers.monitor ? 2 : 1, (long)(LOOK_NS / NS_PER_MS));
}

static bool has_room(const struct frame_stream *stream)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(stream->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLOUT);
}

/* Sends all of an item, or gives it up. */
static void process(struct frame_stream *stream, struct stream_item *item)
{
    if (item->kind == STREAM_END)
        tell_end(item->frames.run);
    for (;;) {
        pullers_follow(&stream->pullers);
        if (has_room(stream)) {
            stream->moved_ns = clock_monotonic_ns();
            if (stream_sender_send(&stream->sender, item, pullers_count(&stream->pullers)))
                return;
            continue;
        }
        if (nobody_will_take(stream, item))
            break;
        wait_for_room(stream);
    }
    if (item->kind == STREAM_FRAMES)
        count_unsent(stream, item->frames.run, item->frames.n - item->next);
    stream_item_release(item);
}

static void *thread_main(void *data)
{
    struct frame_stream *const stream = data;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_setname_np(pthread_self(), "frame-stream");
    setpriority(PRIO_PROCESS, (id_t)gettid(), STREAM_NICE);
    for (;;) {
        /* First: what was handed over before the end was asked for is seen. */
        const bool stopping = is_stopping(stream);
        struct stream_item *const item = queue_wait(&stream->work, stopping ? 0 : LOOK_NS);
        if (item)
            process(stream, item);
        else if (stopping)
            return NULL;
        pullers_follow(&stream->pullers);
    }
}

/* ---- what others see ---- */

const char *frame_stream_endpoint(const struct frame_stream *stream)
{
    return stream->endpoint;
}

json_t *frame_stream_status(const struct frame_stream *stream)
{
    if (!stream)
        return json_null();
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "format",
                     format_names[stream->format], "pullers",
                     (json_int_t)pullers_count(&stream->pullers), "waiting",
                     (json_int_t)frame_pool_in_use(stream->pool), "hwm", (json_int_t)stream->hwm,
                     "streamed", (json_int_t)counter_read(&stream->sender.frames), "unstreamed",
                     (json_int_t)counter_read(&stream->unsent), "messages",
                     (json_int_t)counter_read(&stream->sender.messages), "bytes",
                     (json_int_t)counter_read(&stream->sender.bytes));
}

/* ---- life ---- */

static int bind_socket(struct frame_stream *stream, void *zmq_context,
                       const struct frames_settings *settings, const struct key_ring *ring,
                       struct error *error)
{
    const int linger = LINGER_MS, hwm = stream_sender_hwm(stream->format);
    stream->socket = zmq_socket(zmq_context, ZMQ_PUSH);
    if (!stream->socket)
        return error_set(error, -errno, "cannot make the socket of frames: %s",
                         zmq_strerror(errno));
    zmq_setsockopt(stream->socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(stream->socket, ZMQ_LINGER, &linger, sizeof linger);
    key_ring_protect(ring, stream->socket);
    pullers_init(&stream->pullers, zmq_context, stream->socket);
    if (zmq_bind(stream->socket, settings->endpoint) != 0)
        return bind_error_set(error, "frames.endpoint", settings->endpoint, errno);
    size_t size = sizeof stream->endpoint;
    zmq_getsockopt(stream->socket, ZMQ_LAST_ENDPOINT, stream->endpoint, &size);
    return 0;
}

static void stream_free(struct frame_stream *stream)
{
    stream_sender_finish(&stream->sender);
    pullers_finish(&stream->pullers);
    if (stream->socket)
        zmq_close(stream->socket);
    queue_finish(&stream->work);
    frame_pool_release(stream->pool);
    free(stream);
}

static int start(struct frame_stream *stream, void *zmq_context,
                 const struct frames_settings *settings, const struct key_ring *ring,
                 struct error *error)
{
    stream->format = settings->format;
    stream->hwm = settings->hwm;
    if (queue_init(&stream->work, (size_t)settings->hwm * 2 + 2 * (size_t)ANNOUNCEMENTS) < 0 ||
        frame_pool_create(&stream->pool, settings->hwm) < 0)
        return error_set(error, -ENOMEM, "no memory for the frame stream");
    int r = bind_socket(stream, zmq_context, settings, ring, error);
    if (r < 0)
        return r;
    stream_sender_init(&stream->sender, stream->socket, settings->format);
    r = -pthread_create(&stream->thread, NULL, thread_main, stream);
    return r < 0 ? error_set(error, r, "cannot start the frame stream's thread: %s", strerror(-r))
                 : 0;
}

int frame_stream_create(struct frame_stream **out, void *zmq_context, const struct config *config,
                        const struct key_ring *ring, struct error *error)
{
    *out = NULL;
    if (!config->frames.enabled)
        return 0;
    struct frame_stream *const stream = aligned_alloc(64, sizeof *stream);
    if (!stream)
        return error_set(error, -ENOMEM, "no memory for the frame stream");
    memset(stream, 0, sizeof *stream);
    const int r = start(stream, zmq_context, &config->frames, ring, error);
    if (r < 0) {
        stream_free(stream);
        return r;
    }
    log_notice("stream", "frames, %s, at %s", format_names[stream->format], stream->endpoint);
    *out = stream;
    return 0;
}

void frame_stream_destroy(struct frame_stream *stream)
{
    if (!stream)
        return;
    atomic_store_explicit(&stream->stopping, true, memory_order_release);
    queue_wake(&stream->work);
    pthread_join(stream->thread, NULL);
    stream_free(stream);
}
