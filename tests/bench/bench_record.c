/*
 * What recording costs, on the CPU time of the whole process (writer thread and kernel included):
 * one JSON object.
 *
 *   bench_record FORM DIRECTORY FRAMES ROUNDS IMAGES.npy
 *
 * FORM is u8_256, u16_256, u16_512, raw1_256 or raw1_512, IMAGES what a simulator wrote with --dump
 * (256 or more, taken over and over). In each round, one after the other:
 *
 *   bare      blosc_compress_ctx of the decoded images (lz4, bitshuffle, level 1) by chunks, and
 *             write(2)
 *   recorded  the same images packed by the workers' codec and written by the recorder to an HDF5
 *             file that is then closed; 1-bit frames from the detector's payload, as workers do it
 *   whole     all that recording adds to a frame: CRC-32C of payload and header, the header kept,
 *             decoding (or the bit plane), packing, writing
 *
 * CPU seconds per frame are the least of the rounds. Files are removed, but for that of the last
 * round, whose path is in the object.
 */
#include <blosc.h>
#include <fcntl.h>
#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/crc32c.h"
#include "daemon/record/recorder.h"
#include "detector/bit_plane.h"
#include "detector/encode.h"
#include "processing/stored/chunk_codec.h"
#include "tests/bench/detector_start.h"

#define NPY_HEADER_LENGTH_AT 8 /* numpy's format, version 1.0 */
#define LINE 256               /* frames of a line of the scan */
#define PERIOD_NS 45455        /* 22,000 frames a second */

struct form {
    const char *name;
    struct frame_header header;
    size_t payload_size;
};

static const struct form forms[] = {
    {"u8_256",
     {.pixel_type = PIXEL_U08,
      .layout = LAYOUT_1X1,
      .chips = 1,
      .width = 256,
      .height = 256,
      .counter_depth = 6,
      .data_offset = 384},
     65536},
    {"u16_256",
     {.pixel_type = PIXEL_U16,
      .layout = LAYOUT_1X1,
      .chips = 1,
      .width = 256,
      .height = 256,
      .counter_depth = 12,
      .data_offset = 384},
     131072},
    {"u16_512",
     {.pixel_type = PIXEL_U16,
      .layout = LAYOUT_2X2,
      .chips = 4,
      .width = 512,
      .height = 512,
      .counter_depth = 12,
      .data_offset = 768},
     524288},
    {"raw1_256",
     {.pixel_type = PIXEL_R64,
      .layout = LAYOUT_1X1,
      .chips = 1,
      .width = 256,
      .height = 256,
      .counter_depth = 1,
      .data_offset = 384},
     8192},
    {"raw1_512",
     {.pixel_type = PIXEL_R64,
      .layout = LAYOUT_2X2,
      .chips = 4,
      .width = 1024,
      .height = 256,
      .counter_depth = 1,
      .data_offset = 768},
     32768},
};

/* The detector's frames, as they came and decoded. */
struct frames {
    struct pixel_format format;
    size_t n;
    const uint8_t *images; /* [n][image_size] */
    uint8_t *bodies;       /* [n][data_offset + payload_size] */
    size_t body_size;
};

struct bench {
    struct frames frames;
    const char *directory;
    uint64_t n_lines;
    struct recorder *recorder;
    struct chunk_sink sink;
    sem_t finished;
    uint8_t *room; /* of a chunk's images */
    uint8_t *packed;
    crc32c_fn crc32c;
    char path[1100];
    uint64_t bytes_written;
};

/* ---- frames ---- */

static const struct form *form_named(const char *name)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    }
    bench_die("there is no such form");
}

static void map_images(struct frames *frames, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        bench_die("cannot open the images");
    const uint8_t *const bytes =
        mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (bytes == MAP_FAILED)
        bench_die("cannot map the images");
    close(fd);
    const size_t offset = NPY_HEADER_LENGTH_AT + 2 + bytes[NPY_HEADER_LENGTH_AT] +
                          ((size_t)bytes[NPY_HEADER_LENGTH_AT + 1] << 8);
    frames->images = bytes + offset;
    frames->n = ((size_t)status.st_size - offset) / frames->format.image_size;
}

/* Of the length and kind of a real one. */
static void make_header(uint8_t *header, size_t size, size_t i)
{
    memset(header, 0, size);
    int n = snprintf((char *)header, size, "MQ1,%06zu,%05zu,01,2026-11-21 08:00:00.%06zu,", i + 1,
                     size, i * 50);
    while ((size_t)n + 5 < size)
        n += snprintf((char *)header + n, size - (size_t)n, "%03d,", n * 37 % 512);
}

static void frames_init(struct frames *frames, const struct form *form, const char *path)
{
    struct error error = {0};
    const size_t offset = form->header.data_offset;
    if (pixel_format_from_header(&frames->format, &form->header, NULL, 0,
                                 offset + form->payload_size, &error) < 0)
        bench_die(error.text);
    map_images(frames, path);
    frames->body_size = offset + form->payload_size;
    frames->bodies = malloc(frames->n * frames->body_size);
    if (!frames->bodies || frames->n < LINE)
        bench_die("no memory, or too few images");
    for (size_t i = 0; i < frames->n; i++) {
        make_header(frames->bodies + i * frames->body_size, offset, i);
        frame_encode(frames->bodies + i * frames->body_size + offset,
                     frames->images + i * frames->format.image_size, &frames->format);
    }
}

/* ---- bare ---- */

static double bare(const struct bench *bench, uint32_t k)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/bare", bench->directory);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const struct pixel_format *const format = &bench->frames.format;
    const size_t size = k * format->image_size;
    const double start = bench_cpu_seconds();
    for (uint64_t at = 0; fd >= 0 && at < bench->n_lines * LINE; at += k) {
        const int n =
            blosc_compress_ctx(1, BLOSC_BITSHUFFLE, format->pixel_size, size,
                               bench->frames.images + at % LINE * format->image_size, bench->packed,
                               size + BLOSC_MAX_OVERHEAD, BLOSC_LZ4_COMPNAME, 0, 1);
        if (n <= 0 || write(fd, bench->packed, (size_t)n) != n)
            bench_die("cannot write");
    }
    if (fd < 0 || close(fd) != 0)
        bench_die("cannot write");
    const double took = bench_cpu_seconds() - start;
    unlink(path);
    return took;
}

/* ---- recorded ---- */

static struct acquisition_plan *make_plan(const struct bench *bench)
{
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    if (!plan)
        bench_die("no memory");
    plan->version = 1;
    plan->scan = (struct scan_geometry){.ny = (uint32_t)bench->n_lines, .nx = LINE};
    plan->frame_period_ns = PERIOD_NS;
    plan->recording.enabled = true;
    snprintf(plan->recording.directory, sizeof plan->recording.directory, "%s", bench->directory);
    plan->recording.codec = RECORDING_CODEC_LZ4;
    plan->recording.shuffle = RECORDING_SHUFFLE_BIT;
    plan->recording.level = 1;
    return plan;
}

static struct run *make_run(const struct bench *bench)
{
    struct error error = {0};
    struct run *run = NULL;
    struct acquisition_plan *const plan = make_plan(bench);
    const struct run_frames frames = {.format = &bench->frames.format, .n_layers = 1};
    if (run_create(&run, plan, &frames, 1, &error) < 0)
        bench_die(error.text);
    acquisition_plan_unref(plan);
    return run;
}

static void on_finished(void *data, struct run *run)
{
    struct bench *const bench = data;
    pthread_mutex_lock(&run->recording->mutex);
    snprintf(bench->path, sizeof bench->path, "%s", run->recording->path);
    bench->bytes_written = run->recording->bytes_written;
    if (run->recording->state != RECORDING_CLOSED)
        bench_die(run->recording->error);
    pthread_mutex_unlock(&run->recording->mutex);
    sem_post(&bench->finished);
}

/* What a worker does for a message beside its pixels. */
static void keep_message(const struct bench *bench, struct run *run, uint64_t index,
                         const uint8_t *body, struct compressed_chunk *chunk)
{
    const struct pixel_format *const format = &run->format;
    const struct message_record record = {
        .arrival = index,
        .row = index,
        .crc32c = bench->crc32c(body + format->data_offset, format->payload_size),
        .header_crc32c = bench->crc32c(body, format->data_offset),
    };
    struct frame_facts *const facts = frame_table_make(run->frames, index);
    if (!facts || !frame_encode_gives_back(body + format->data_offset, format) ||
        message_batch_add(&chunk->messages, &record, body, format->data_offset) < 0)
        bench_die("no memory");
    facts->crc32c = record.crc32c;
    facts->message = index + 1;
    facts->number = index + 1;
    facts->position = (int64_t)index;
    frame_table_raise_end(run->frames, index + 1);
    atomic_store_explicit(&facts->state, FRAME_ANALYSED, memory_order_release);
}

/* What is packed of k frames: decoded here only when `whole`. */
static const uint8_t *pixels_of(const struct bench *bench, const struct run *run, size_t first,
                                bool whole)
{
    const struct frames *const frames = &bench->frames;
    const bool planes = chunk_codec_takes_planes(run);
    const size_t size = chunk_codec_frame_size(run);
    const frame_decode_fn decode = frame_decoder(&run->format, cpu_isa_best());
    if (!planes && !whole)
        return frames->images + first * size;
    for (uint32_t i = 0; i < run->chunk_frames; i++) {
        const uint8_t *const payload =
            frames->bodies + (first + i) * frames->body_size + run->format.data_offset;
        if (planes)
            bit_plane_decode(bench->room + i * size, payload, &run->format);
        else
            decode(bench->room + i * size, payload, &run->format);
    }
    return bench->room;
}

static void record_chunk(const struct bench *bench, struct run *run, uint64_t at, bool whole)
{
    const struct chunk_sink *const sink = &bench->sink;
    const uint32_t k = run->chunk_frames;
    struct compressed_chunk *const chunk = sink->acquire(sink->data, chunk_codec_bound(run, k));
    if (!chunk)
        bench_die("no memory");
    message_batch_clear(&chunk->messages);
    for (uint32_t i = 0; whole && i < k; i++)
        keep_message(bench, run, at + i,
                     bench->frames.bodies + (at + i) % LINE * bench->frames.body_size, chunk);
    const uint8_t *const pixels = pixels_of(bench, run, at % LINE, whole);
    const ptrdiff_t size = chunk_codec_pack(run, pixels, k, chunk->bytes, chunk->capacity);
    if (size < 0)
        bench_die("the codec refused a chunk");
    chunk->run = run;
    chunk->extra = chunk->again = false;
    chunk->layer = 0;
    chunk->first_place = (int64_t)at;
    chunk->n_frames = k;
    chunk->raw_size = k * run->format.image_size;
    chunk->size = (size_t)size;
    sink->submit(sink->data, chunk);
}

static double recorded(struct bench *bench, struct run *run, bool whole)
{
    const uint64_t n = bench->n_lines * LINE;
    const double start = bench_cpu_seconds();
    bench->sink.begin(bench->sink.data, run);
    for (uint64_t at = 0; at < n; at += run->chunk_frames)
        record_chunk(bench, run, at, whole);
    atomic_store(&run->counts.received, n);
    atomic_store(&run->counts.placed, n);
    atomic_store(&run->end, RUN_END_LAST);
    atomic_store(&run->phase, RUN_FINISHING);
    atomic_store(&run->pending, 0);
    bench->sink.finish(bench->sink.data, run);
    while (sem_wait(&bench->finished) != 0)
        continue;
    const double took = bench_cpu_seconds() - start;
    run_unref(run);
    return took;
}

/* ---- all of it ---- */

static void bench_init(struct bench *bench, const struct form *form, char **arguments)
{
    struct error error = {0};
    *bench = (struct bench){.directory = arguments[2],
                            .n_lines = strtoul(arguments[3], NULL, 10) / LINE,
                            .crc32c = crc32c_function(cpu_isa_best())};
    frames_init(&bench->frames, form, arguments[5]);
    sem_init(&bench->finished, 0, 0);
    const struct recorder_options options = {
        .n_workers = 1, .flush_interval_s = 1, .on_finished = on_finished, .data = bench};
    if (recorder_create(&bench->recorder, &options, &error) < 0)
        bench_die(error.text);
    bench->sink = recorder_sink(bench->recorder);
    const size_t line_size = LINE * bench->frames.format.image_size;
    bench->room = aligned_alloc(64, line_size);
    bench->packed = malloc(line_size + BLOSC_MAX_OVERHEAD);
    if (!bench->room || !bench->packed || bench->n_lines == 0)
        bench_die("no memory, or too few frames");
}

static void bench_finish(struct bench *bench)
{
    recorder_destroy(bench->recorder);
    sem_destroy(&bench->finished);
    free(bench->room);
    free(bench->packed);
    free(bench->frames.bodies);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: bench_record FORM DIRECTORY FRAMES ROUNDS IMAGES.npy\n");
        return 64;
    }
    struct bench bench;
    bench_init(&bench, form_named(argv[1]), argv);
    const unsigned long rounds = strtoul(argv[4], NULL, 10);
    double least_bare = HUGE_VAL, least_recorded = HUGE_VAL, least_whole = HUGE_VAL;
    uint32_t k = 0;
    for (unsigned long i = 0; i < rounds; i++) {
        struct run *const run = make_run(&bench);
        k = run->chunk_frames;
        least_bare = fmin(least_bare, bare(&bench, k));
        least_recorded = fmin(least_recorded, recorded(&bench, run, false));
        unlink(bench.path);
        least_whole = fmin(least_whole, recorded(&bench, make_run(&bench), true));
        if (i + 1 < rounds)
            unlink(bench.path);
    }
    const double n = (double)bench.n_lines * LINE,
                 mb = n * (double)bench.frames.format.image_size / 1e6;
    printf("{\"frames\": %.0f, \"chunk_frames\": %u, \"bare_us\": %.3f, \"recorded_us\": %.3f, "
           "\"whole_us\": %.3f, \"bare_mb_per_s\": %.0f, \"recorded_mb_per_s\": %.0f, "
           "\"ratio_to_bare\": %.3f, \"bytes_per_frame\": %.0f, \"file\": \"%s\"}\n",
           n, k, least_bare / n * 1e6, least_recorded / n * 1e6, least_whole / n * 1e6,
           mb / least_bare, mb / least_recorded, least_bare / least_recorded,
           (double)bench.bytes_written / n, bench.path);
    bench_finish(&bench);
    return EXIT_SUCCESS;
}
