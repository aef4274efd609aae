/*
 * Ingest alone: the daemon's own ingest thread takes a stream into the ring, finds borders and
 * headers and places frames into chunks; nobody decodes, analyses or records them, one thread just
 * gives every chunk back.
 *
 *     bench_ingest COMMAND_PORT DATA_PORT FRAMES [RING_MIB]
 *
 * Prints one JSON object. The time is that from the first frame to the last chunk given back.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "processing/ingest.h"
#include "tests/bench/detector_start.h"

/* The semaphores order everything here: callbacks write before they post, main reads after it
 * waited. */
struct bench {
    sem_t connected, finished;
    uint64_t began_ns, finished_ns, frames;
    double cpu_began, cpu_finished;
    struct ring *ring;
    struct chunk_sink sink;
    _Atomic bool stopping;
};

static void on_begin(void *data, struct run *run)
{
    run_ref(run);
}

static bool wants_nothing(void *data, const struct run *run)
{
    return false;
}

static struct compressed_chunk *acquire_nothing(void *data, size_t capacity)
{
    return NULL;
}

static void submit_nothing(void *data, struct compressed_chunk *chunk) {}

static void on_finish(void *data, struct run *run)
{
    struct bench *const bench = data;
    bench->finished_ns = clock_monotonic_ns();
    bench->cpu_finished = bench_cpu_seconds();
    bench->frames = atomic_load(&run->counts.received);
    run_unref(run);
    sem_post(&bench->finished);
}

static void on_link(void *data, bool connected, const struct error *error)
{
    struct bench *const bench = data;
    if (connected)
        sem_post(&bench->connected);
}

static void on_header(void *data) {}

static void on_began(void *data, struct run *run)
{
    struct bench *const bench = data;
    bench->began_ns = clock_monotonic_ns();
    bench->cpu_began = bench_cpu_seconds();
}

static void on_ended(void *data, struct run *run) {}

static void on_refused(void *data, const struct error *error)
{
    fprintf(stderr, "bench_ingest: %s\n", error->text);
    exit(1);
}

static void *give_back(void *data)
{
    struct bench *const bench = data;
    while (!atomic_load(&bench->stopping)) {
        struct chunk *const chunk =
            ring_claim(bench->ring, ring_signal(bench->ring), NS_PER_S / 10);
        if (!chunk)
            continue;
        struct run *const run = chunk->run;
        bool closed = false;
        while (!closed) /* woken by the end of the chunk only */
            (void)chunk_wait(chunk, UINT32_MAX, UINT64_MAX, &closed);
        ring_release(bench->ring, chunk);
        run_drop_pending(run, &bench->sink);
    }
    return NULL;
}

static struct ingest *start_ingest(struct bench *bench, uint16_t port, uint64_t ring_size,
                                   struct acquisition_plan *plan)
{
    const struct ingest_settings settings = {
        .host = "127.0.0.1",
        .port = port,
        .ring_size = ring_size,
        .n_workers = 1,
        .default_plan = plan,
        .sink = bench->sink,
        .events = {.data = bench,
                   .link = on_link,
                   .header = on_header,
                   .run_began = on_began,
                   .run_ended = on_ended,
                   .run_refused = on_refused},
    };
    struct ingest *ingest;
    struct error error = {0};
    if (ingest_create(&ingest, &settings, &error) < 0)
        on_refused(bench, &error);
    return ingest;
}

static void report(const struct bench *bench)
{
    printf("{\"frames\": %" PRIu64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n", bench->frames,
           (double)(bench->finished_ns - bench->began_ns) * 1e-9,
           bench->cpu_finished - bench->cpu_began);
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: bench_ingest COMMAND_PORT DATA_PORT FRAMES [RING_MIB]\n");
        return 64;
    }
    struct bench bench = {0};
    sem_init(&bench.connected, 0, 0);
    sem_init(&bench.finished, 0, 0);
    bench.sink = (struct chunk_sink){&bench,          on_begin,       wants_nothing,
                                     acquire_nothing, submit_nothing, on_finish};
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    if (!plan)
        bench_die("a plan");
    const uint64_t ring_size = (argc > 4 ? strtoull(argv[4], NULL, 10) : 512) << 20;
    struct ingest *const ingest =
        start_ingest(&bench, (uint16_t)strtoul(argv[2], NULL, 10), ring_size, plan);
    bench.ring = ingest_ring(ingest);
    pthread_t helper;
    if (pthread_create(&helper, NULL, give_back, &bench) != 0)
        bench_die("a thread");

    sem_wait(&bench.connected);
    const int command_fd = detector_connect((uint16_t)strtoul(argv[1], NULL, 10));
    detector_start(command_fd, strtoul(argv[3], NULL, 10));
    sem_wait(&bench.finished);
    report(&bench);

    close(command_fd);
    ingest_stop(ingest);
    atomic_store(&bench.stopping, true);
    ring_nudge(bench.ring);
    pthread_join(helper, NULL);
    ingest_destroy(ingest);
    acquisition_plan_unref(plan);
    return 0;
}
