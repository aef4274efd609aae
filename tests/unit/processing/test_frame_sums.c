#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <blosc.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "processing/stored/frame_sums.h"
#include "tests/unit/processing/frames.h"

enum { NY = 5, NX = 6, N = NY * NX, SIDE = 8, N_PIXELS = SIDE * SIDE, N_LABELS = 3 };

/* A run with its chunks in a file, as the recorder would have left them. */
struct story {
    struct run *run;
    FILE *file;
    struct chunk_reader reader;
    uint8_t *frames[N]; /* by exposure */
    uint32_t labels[N]; /* by position */
    bool absent[N];     /* by exposure: never came */
};

static void give_frame(struct story *story, uint64_t exposure, uint8_t flags)
{
    struct run *const run = story->run;
    struct frame_facts *const facts = frame_table_make(run->frames, exposure);
    story->frames[exposure] = malloc(run->format.image_size);
    frame_fill(story->frames[exposure], &run->format, FILL_RANDOM, exposure);
    facts->number = exposure + 1;
    atomic_store(&facts->flags, flags);
    atomic_store(&facts->state, FRAME_ANALYSED);
    frame_table_raise_end(run->frames, exposure + 1);
}

/* What is not there is zero. Returns how many are. */
static uint32_t gather(const struct story *story, uint64_t number, uint8_t *images)
{
    const struct run *const run = story->run;
    uint32_t n_places, n = 0;
    const int64_t first = stored_chunks_place(run, number, &n_places);
    memset(images, 0, run->chunk_frames * run->format.image_size);
    for (uint32_t i = 0; i < n_places; i++) {
        const int64_t exposure = scan_geometry_frame_at_place(&run->scan, (uint64_t)first + i);
        if (exposure < 0 || story->absent[exposure])
            continue;
        memcpy(images + i * run->format.image_size, story->frames[exposure],
               run->format.image_size);
        n++;
    }
    return n;
}

/* `fewer`: of the frames, so many are not in it yet (as far as is told). */
static void write_chunk(struct story *story, uint64_t number, uint32_t fewer)
{
    struct run *const run = story->run;
    const size_t size = run->chunk_frames * run->format.image_size;
    uint8_t *const images = malloc(size), *const packed = malloc(size + BLOSC_MAX_OVERHEAD);
    uint32_t n_places;
    struct stored_chunk where = {.offset = (uint64_t)ftell(story->file)};
    where.frames = gather(story, number, images) - fewer;
    const int n = blosc_compress_ctx(1, BLOSC_BITSHUFFLE, run->format.pixel_size, size, images,
                                     packed, size + BLOSC_MAX_OVERHEAD, "lz4", 0, 1);
    assert_true(n > 0);
    where.size = (uint64_t)n;
    assert_int_equal(fwrite(packed, 1, where.size, story->file), where.size);
    fflush(story->file);
    stored_chunks_note(run, 0, stored_chunks_place(run, number, &n_places), where);
    free(images);
    free(packed);
}

static void begin(struct story *story, uint32_t pixel_size, enum scan_order order)
{
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    const struct pixel_format format = frame_format(SIDE, SIDE, pixel_size);
    const struct run_frames frames = {.format = &format, .n_layers = 1};
    struct error error;
    *story = (struct story){0};
    plan->scan = (struct scan_geometry){.order = order, .ny = NY, .nx = NX};
    plan->frame_period_ns = 25 * 1000 * 1000; /* two frames a chunk */
    assert_int_equal(run_create(&story->run, plan, &frames, 1, &error), 0);
    acquisition_plan_unref(plan);
    assert_int_equal(story->run->chunk_frames, 2);
    snprintf(story->run->recording->path, sizeof story->run->recording->path,
             "/tmp/test_frame_sums.%d", (int)getpid());
    story->file = fopen(story->run->recording->path, "wb");
    assert_non_null(story->file);
    uint64_t seed = pixel_size;
    for (int i = 0; i < N; i++)
        story->labels[i] = (uint32_t)(frame_random(&seed) % (N_LABELS + 1));
}

static void end(struct story *story)
{
    chunk_reader_finish(&story->reader);
    fclose(story->file);
    unlink(story->run->recording->path);
    for (int i = 0; i < N; i++)
        free(story->frames[i]);
    run_unref(story->run);
}

static uint32_t label_of(const void *data, uint64_t position)
{
    return ((const uint32_t *)data)[position];
}

static int sum(struct story *story, struct frame_sums *sums, struct frame_sums_progress *progress,
               struct error *error)
{
    assert_int_equal(frame_sums_init(sums, story->run, N_LABELS, error), 0);
    assert_int_equal(chunk_reader_init(&story->reader, story->run, error), 0);
    const struct frame_sums_source source = {
        .reader = &story->reader,
        .scan = run_scan(story->run),
        .label_of = label_of,
        .data = story->labels,
    };
    return frame_sums_add(sums, &source, 0, N, progress, error);
}

/* `left_out`: exposures that are not to be in the sums. */
static void assert_sums(const struct story *story, const struct frame_sums *sums,
                        const bool left_out[N])
{
    uint64_t expected[N_LABELS][N_PIXELS] = {0}, frames[N_LABELS] = {0}, n_left_out = 0;
    for (int position = 0; position < N; position++) {
        const int64_t exposure = scan_geometry_frame_index(run_scan(story->run), position);
        const uint32_t label = story->labels[position];
        if (!label || exposure < 0 || exposure >= N || story->absent[exposure])
            continue;
        n_left_out += left_out[exposure];
        if (left_out[exposure])
            continue;
        frames[label - 1]++;
        for (size_t i = 0; i < N_PIXELS; i++)
            expected[label - 1][i] +=
                frame_pixel(story->frames[exposure], i, story->run->format.pixel_size);
    }
    assert_memory_equal(sums->patterns, expected, sizeof expected);
    assert_memory_equal(sums->frames, frames, sizeof frames);
    assert_int_equal(sums->left_out, n_left_out);
}

static void give_all(struct story *story)
{
    for (uint64_t i = 0; i < N; i++) {
        story->absent[i] = i == 7 || i == 20;
        if (!story->absent[i])
            give_frame(story, i, 0);
    }
    for (uint64_t i = 0; i < stored_chunks_count(story->run); i++)
        write_chunk(story, i, 0);
}

static void sums_are_those_of_the_labelled_frames(void **unused)
{
    static const enum scan_order orders[] = {SCAN_ORDER_RASTER, SCAN_ORDER_SERPENTINE};
    static const bool none[N];
    for (uint32_t pixel_size = 1; pixel_size <= 4; pixel_size *= 2) {
        for (int i = 0; i < 2; i++) {
            struct story story;
            struct frame_sums sums;
            struct frame_sums_progress progress = {0};
            struct error error;
            begin(&story, pixel_size, orders[i]);
            give_all(&story);
            assert_int_equal(sum(&story, &sums, &progress, &error), 0);
            assert_sums(&story, &sums, none);
            assert_int_equal(progress.done, progress.total);
            frame_sums_finish(&sums);
            end(&story);
        }
    }
}

static void positions_follow_the_view(void **unused)
{
    static const bool none[N];
    struct story story;
    struct frame_sums sums;
    struct frame_sums_progress progress = {0};
    struct error error;
    begin(&story, 2, SCAN_ORDER_SERPENTINE);
    give_all(&story);
    struct scan_geometry nudged = story.run->scan;
    nudged.shift = 3;
    assert_int_equal(run_set_view(story.run, &nudged, "nudge"), 0);
    assert_int_equal(sum(&story, &sums, &progress, &error), 0);
    assert_sums(&story, &sums, none);
    frame_sums_finish(&sums);
    end(&story);
}

static void what_is_not_whole_on_the_disk_is_left_out_and_counted(void **unused)
{
    struct story story;
    struct frame_sums sums;
    struct frame_sums_progress progress = {0};
    struct error error;
    bool left_out[N] = {false};
    begin(&story, 2, SCAN_ORDER_RASTER);
    for (uint64_t i = 0; i < N; i++)
        give_frame(&story, i, i == 9 ? FRAME_FLAG_LATE : 0);
    /* Frames 9 (late), 4 and 5 (a chunk without one of them), 12 and 13 (not written). */
    left_out[9] = left_out[4] = left_out[5] = left_out[12] = left_out[13] = true;
    for (uint64_t i = 0; i < stored_chunks_count(story.run); i++) {
        if (i != 6)
            write_chunk(&story, i, i == 2 ? 1 : 0);
    }
    assert_int_equal(sum(&story, &sums, &progress, &error), 0);
    assert_sums(&story, &sums, left_out);
    frame_sums_finish(&sums);
    chunk_reader_finish(&story.reader);

    /* Written again with the frame that was wanting, it counts as whole. */
    struct stored_chunk before, after;
    uint32_t n_places;
    assert_true(stored_chunks_find(story.run, 0, 2, &before));
    assert_int_equal(before.frames, 1);
    stored_chunks_note(story.run, 0, stored_chunks_place(story.run, 2, &n_places),
                       (struct stored_chunk){before.offset, before.size, 1});
    assert_true(stored_chunks_find(story.run, 0, 2, &after));
    assert_int_equal(after.frames, 2);
    left_out[4] = left_out[5] = false;
    assert_int_equal(sum(&story, &sums, &progress, &error), 0);
    assert_sums(&story, &sums, left_out);
    frame_sums_finish(&sums);
    end(&story);
}

static void it_stops_and_a_spoilt_chunk_is_told(void **unused)
{
    struct story story;
    struct frame_sums sums;
    struct frame_sums_progress progress = {.stop = true};
    struct error error = {0};
    begin(&story, 1, SCAN_ORDER_RASTER);
    give_all(&story);
    assert_int_equal(sum(&story, &sums, &progress, &error), -ECANCELED);
    frame_sums_finish(&sums);
    chunk_reader_finish(&story.reader);
    atomic_store(&progress.stop, false);
    assert_int_equal(truncate(story.run->recording->path, 100), 0);
    assert_int_equal(sum(&story, &sums, &progress, &error), -EIO);
    assert_non_null(strstr(error.text, "cannot be read"));
    frame_sums_finish(&sums);
    end(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_the_labelled_frames),
        cmocka_unit_test(positions_follow_the_view),
        cmocka_unit_test(what_is_not_whole_on_the_disk_is_left_out_and_counted),
        cmocka_unit_test(it_stops_and_a_spoilt_chunk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
