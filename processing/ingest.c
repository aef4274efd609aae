#include "processing/ingest.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/queue.h"
#include "detector/data_client.h"
#include "processing/assembler.h"
#include "processing/message_stream.h"
#include "processing/wakeup.h"

/* A link that has been quiet for so long holds nothing of an earlier run. */
#define DRAIN_QUIET_NS (50 * NS_PER_MS)

#define COMMANDS_MAX 256

enum ingest_command_kind {
    INGEST_EXPECT,
    INGEST_EXPECT_NOTHING,
    INGEST_RECORD_PASS,
    INGEST_DEFAULT_PLAN,
    INGEST_END_RUN,
    INGEST_STOP,
};

struct ingest_command {
    enum ingest_command_kind kind;
    struct acquisition_plan *plan;
    bool drain;
    enum run_end end;
    uint64_t quiet_ns;
};

/*
 * Owned by the ingest thread but for `commands` (a queue: any thread pushes), `space` (set by the
 * worker that made some, cleared here) and the figures and turns (read by anybody). `wake` may be
 * sent by any thread until the loop is closed. Nobody waits but ingest_stop, for the thread's end.
 */
struct ingest {
    struct ring *ring;
    struct assembler assembler;
    struct message_stream stream;
    struct data_client *client;
    uint64_t last_byte_ns;
    uint64_t end_asked_ns; /* when the end that assembler waits for was asked */
    bool stop_wanted, stopped;
    char *host;
    uint16_t port;

    pthread_t thread;
    bool has_loop, thread_runs;
    uv_loop_t loop;
    _Atomic uint64_t turns;
    struct wakeup wake;
    struct queue commands,
        blank; /* each of `kept` is in one of them: none is lost for want of memory */
    struct ingest_command kept[COMMANDS_MAX];
    _Atomic bool space;
};

/* ---- the link ---- */

static bool on_reserve(void *data, uint8_t **bytes, size_t *size)
{
    struct ingest *const ingest = data;
    return message_stream_take_pending(&ingest->stream, &ingest->assembler) &&
           ring_reserve(ingest->ring, ingest->stream.wanted, bytes, size);
}

static void on_received(void *data, size_t size)
{
    struct ingest *const ingest = data;
    ring_commit(ingest->ring, size);
    ingest->last_byte_ns = uv_hrtime();
    if (ingest->assembler.run)
        atomic_store_explicit(&ingest->assembler.run->last_frame_ns, ingest->last_byte_ns,
                              memory_order_relaxed);
    (void)message_stream_take(&ingest->stream, &ingest->assembler);
    ring_reclaim(ingest->ring);
}

static void on_quiet(void *data, uint64_t quiet_ns)
{
    struct ingest *const ingest = data;
    ring_reclaim(ingest->ring);
    if (ingest->assembler.end_asked) {
        const uint64_t since_asked = uv_hrtime() - ingest->end_asked_ns;
        quiet_ns = quiet_ns < since_asked ? quiet_ns : since_asked;
    }
    assembler_quiet(&ingest->assembler, quiet_ns);
}

static void on_link(void *data, bool connected, const struct error *error)
{
    struct ingest *const ingest = data;
    if (!connected) {
        (void)message_stream_take_pending(&ingest->stream, &ingest->assembler);
        assembler_end_run(&ingest->assembler, RUN_END_LINK);
        counter_add(&ingest->assembler.stray_bytes, message_stream_drop(&ingest->stream));
    }
    ingest->assembler.events.link(ingest->assembler.events.data, connected, error);
}

/* ---- commands ---- */

/* Ends the thread's loop once every whole message that was received has been placed. */
static void try_stop(struct ingest *ingest)
{
    if (ingest->stopped || !message_stream_take_pending(&ingest->stream, &ingest->assembler))
        return;
    assembler_end_run(&ingest->assembler, RUN_END_SHUTDOWN);
    ingest->stopped = true;
    data_client_destroy(ingest->client);
    ingest->client = NULL;
    /* The handle stays: workers may still call for room that nobody wants any more. */
    wakeup_unref(&ingest->wake);
}

static void carry_out(struct ingest *ingest, const struct ingest_command *command)
{
    switch (command->kind) {
    case INGEST_EXPECT:
        assembler_expect(&ingest->assembler, command->plan, command->drain,
                         uv_hrtime() < ingest->last_byte_ns + DRAIN_QUIET_NS);
        break;
    case INGEST_EXPECT_NOTHING:
        assembler_expect_nothing(&ingest->assembler);
        break;
    case INGEST_RECORD_PASS:
        assembler_record_pass(&ingest->assembler, command->plan);
        break;
    case INGEST_DEFAULT_PLAN:
        acquisition_plan_unref(ingest->assembler.default_plan);
        ingest->assembler.default_plan = command->plan;
        break;
    case INGEST_END_RUN:
        if (!ingest->assembler.end_asked)
            ingest->end_asked_ns = uv_hrtime();
        assembler_end_when_quiet(&ingest->assembler, command->end, command->quiet_ns);
        break;
    case INGEST_STOP:
        ingest->stop_wanted = true;
        break;
    }
}

static void on_wake(void *data)
{
    struct ingest *const ingest = data;
    struct ingest_command *command;
    counter_add(&ingest->turns, 1);
    while (!ingest->stop_wanted && (command = queue_pop(&ingest->commands))) {
        carry_out(ingest, command);
        queue_push_always(&ingest->blank, command);
    }
    const bool space = atomic_exchange_explicit(&ingest->space, false, memory_order_acquire);
    if (ingest->stop_wanted)
        try_stop(ingest);
    else if (space)
        data_client_resume(ingest->client);
}

/* Called by a worker. */
static void on_space(void *data)
{
    struct ingest *const ingest = data;
    if (!atomic_exchange_explicit(&ingest->space, true, memory_order_acq_rel))
        wakeup_send(&ingest->wake);
}

static int command_send(struct ingest *ingest, struct ingest_command command)
{
    struct ingest_command *const copy = queue_pop(&ingest->blank);
    if (!copy)
        return -ENOBUFS;
    *copy = command;
    queue_push_always(&ingest->commands, copy);
    wakeup_send(&ingest->wake);
    return 0;
}

static int plan_send(struct ingest *ingest, enum ingest_command_kind kind,
                     struct acquisition_plan *plan, bool drain)
{
    acquisition_plan_ref(plan);
    const int r =
        command_send(ingest, (struct ingest_command){.kind = kind, .plan = plan, .drain = drain});
    if (r < 0)
        acquisition_plan_unref(plan);
    return r;
}

int ingest_expect(struct ingest *ingest, struct acquisition_plan *plan, bool drain)
{
    return plan_send(ingest, INGEST_EXPECT, plan, drain);
}

int ingest_set_default_plan(struct ingest *ingest, struct acquisition_plan *plan)
{
    return plan_send(ingest, INGEST_DEFAULT_PLAN, plan, false);
}

int ingest_record_pass(struct ingest *ingest, struct acquisition_plan *plan)
{
    return plan_send(ingest, INGEST_RECORD_PASS, plan, false);
}

int ingest_expect_nothing(struct ingest *ingest)
{
    return command_send(ingest, (struct ingest_command){.kind = INGEST_EXPECT_NOTHING});
}

int ingest_end_run(struct ingest *ingest, enum run_end end, uint64_t quiet_ns)
{
    return command_send(
        ingest, (struct ingest_command){.kind = INGEST_END_RUN, .end = end, .quiet_ns = quiet_ns});
}

/* ---- life ---- */

static void *thread_main(void *data)
{
    struct ingest *const ingest = data;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_setname_np(pthread_self(), "ingest");
    uv_run(&ingest->loop, UV_RUN_DEFAULT);
    return NULL;
}

static int start_client(struct ingest *ingest, struct error *error)
{
    if (ingest->port == 0)
        return 0;
    const struct data_sink sink = {
        .data = ingest,
        .reserve = on_reserve,
        .received = on_received,
        .quiet = on_quiet,
        .link = on_link,
    };
    const int r =
        data_client_create(&ingest->client, &ingest->loop, ingest->host, ingest->port, &sink);
    return r < 0 ? error_set(error, r, "cannot make the data link: %s", strerror(-r)) : 0;
}

static void finish_loop(struct ingest *ingest)
{
    data_client_destroy(ingest->client);
    ingest->client = NULL;
    wakeup_close(&ingest->wake);
    uv_run(&ingest->loop, UV_RUN_DEFAULT);
    uv_loop_close(&ingest->loop);
    ingest->has_loop = false;
}

static int start_loop(struct ingest *ingest, struct error *error)
{
    int r = uv_loop_init(&ingest->loop);
    if (r < 0)
        return error_set(error, r, "cannot make an event loop: %s", uv_strerror(r));
    ingest->has_loop = true;
    r = wakeup_init(&ingest->wake, &ingest->loop, on_wake, ingest);
    if (r < 0) {
        error_set(error, r, "cannot make an event loop: %s", uv_strerror(r));
        goto fail;
    }
    r = start_client(ingest, error);
    if (r < 0)
        goto fail;
    r = -pthread_create(&ingest->thread, NULL, thread_main, ingest);
    if (r < 0) {
        error_set(error, r, "cannot start the ingest thread: %s", strerror(-r));
        goto fail;
    }
    ingest->thread_runs = true;
    return 0;

fail:
    finish_loop(ingest);
    return r;
}

static int init_commands(struct ingest *ingest)
{
    if (queue_init(&ingest->commands, COMMANDS_MAX) < 0 ||
        queue_init(&ingest->blank, COMMANDS_MAX) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < COMMANDS_MAX; i++)
        queue_push_always(&ingest->blank, &ingest->kept[i]);
    return 0;
}

int ingest_create(struct ingest **out, const struct ingest_settings *settings, struct error *error)
{
    struct ingest *ingest = calloc(1, sizeof *ingest);
    if (!ingest)
        return error_set(error, -ENOMEM, "no memory for the ingest thread");
    ingest->assembler.n_workers = settings->n_workers;
    ingest->assembler.sink = settings->sink;
    ingest->assembler.events = settings->events;
    ingest->assembler.default_plan = acquisition_plan_ref(settings->default_plan);
    ingest->host = strdup(settings->host);
    ingest->port = settings->port;
    int r = -ENOMEM;
    if (!ingest->host || init_commands(ingest) < 0) {
        error_set(error, r, "no memory for the ingest thread");
        goto fail;
    }
    r = ring_create(&ingest->ring, settings->ring_size, on_space, ingest, error);
    if (r < 0)
        goto fail;
    ingest->assembler.placement.ring = ingest->ring;
    message_stream_init(&ingest->stream, ingest->ring);
    r = start_loop(ingest, error);
    if (r < 0)
        goto fail;
    *out = ingest;
    return 0;

fail:
    ingest_destroy(ingest);
    return r;
}

static void finish_commands(struct ingest *ingest)
{
    struct ingest_command *command;
    while (ingest->commands.cells && (command = queue_pop(&ingest->commands)))
        acquisition_plan_unref(command->plan);
    queue_finish(&ingest->commands);
    queue_finish(&ingest->blank);
}

void ingest_stop(struct ingest *ingest)
{
    if (!ingest || !ingest->thread_runs)
        return;
    while (command_send(ingest, (struct ingest_command){.kind = INGEST_STOP}) < 0)
        uv_sleep(1);
    pthread_join(ingest->thread, NULL);
    ingest->thread_runs = false;
}

void ingest_destroy(struct ingest *ingest)
{
    if (!ingest)
        return;
    if (ingest->has_loop)
        finish_loop(ingest);
    finish_commands(ingest);
    assembler_finish(&ingest->assembler);
    ring_destroy(ingest->ring);
    free(ingest->host);
    free(ingest);
}

struct ring *ingest_ring(struct ingest *ingest)
{
    return ingest->ring;
}

uint64_t ingest_turns(struct ingest *ingest)
{
    wakeup_send(&ingest->wake);
    return counter_read(&ingest->turns);
}

void ingest_figures(const struct ingest *ingest, struct ingest_figures *figures)
{
    figures->stray_frames = counter_read(&ingest->assembler.stray_frames);
    figures->stray_bytes = counter_read(&ingest->assembler.stray_bytes);
    figures->repeated_headers = counter_read(&ingest->assembler.repeated_headers);
    figures->skipped_bytes = counter_read(&ingest->stream.skipped_bytes);
    figures->resyncs = counter_read(&ingest->stream.resyncs);
}
