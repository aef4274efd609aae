#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "processing/stored/backlog.h"
#include "tests/unit/processing/frames.h"

/* Runs of two counters, in chunks of several frames. */
enum { SIDE = 32, N_LAYERS = 2 };

struct story {
    struct backlog backlog;
    struct run *run;
    uint8_t *images, *room; /* [n_layers][chunk_frames][height][width], [chunk_frames][...] */
    size_t layer_size;
};

static void begin(struct story *story, size_t backlog_size)
{
    struct acquisition_plan *const plan = acquisition_plan_create(0);
    const struct pixel_format format = frame_format(SIDE, SIDE, 2);
    const struct run_frames frames = {.format = &format, .n_layers = N_LAYERS};
    struct error error;
    *story = (struct story){.backlog = {.size = backlog_size}};
    plan->scan = (struct scan_geometry){.ny = 2, .nx = 4};
    plan->recording = (struct recording_settings){.shuffle = RECORDING_SHUFFLE_BIT, .level = 1};
    assert_int_equal(run_create(&story->run, plan, &frames, 1, &error), 0);
    acquisition_plan_unref(plan);
    story->layer_size = story->run->chunk_frames * format.image_size;
    story->images = malloc(N_LAYERS * story->layer_size);
    story->room = malloc(story->layer_size);
    assert_true(story->images && story->room);
    for (uint32_t i = 0; i < N_LAYERS * story->run->chunk_frames; i++)
        frame_fill(story->images + i * format.image_size, &format, FILL_SPARSE, i);
}

static void end(struct story *story)
{
    assert_int_equal(story->backlog.used, 0);
    free(story->images);
    free(story->room);
    run_unref(story->run);
}

static void packed_layers_come_back_and_absent_ones_are_told(void **state)
{
    struct story story;
    const uint32_t in_layer[RUN_MAX_LAYERS] = {0, 3};
    begin(&story, 1 << 20);
    assert_true(backlog_reserve(&story.backlog, 1 << 19));
    struct backlog_chunk *const chunk =
        backlog_pack(&story.backlog, 1 << 19, story.run, story.images, in_layer);
    assert_non_null(chunk);
    assert_int_equal(backlog_unpack(chunk, story.run, 0, story.room), -ENOENT);
    assert_int_equal(backlog_unpack(chunk, story.run, 1, story.room), 0);
    assert_memory_equal(story.room, story.images + story.layer_size, story.layer_size);
    backlog_free(&story.backlog, chunk);
    end(&story);
}

static void what_packing_saves_is_room_for_others_again(void **state)
{
    struct story story;
    const uint32_t in_layer[RUN_MAX_LAYERS] = {4, 4};
    begin(&story, 1 << 20);
    assert_true(backlog_reserve(&story.backlog, 1 << 20));
    assert_false(backlog_reserve(&story.backlog, 1));
    struct backlog_chunk *const chunk =
        backlog_pack(&story.backlog, 1 << 20, story.run, story.images, in_layer);
    assert_non_null(chunk);
    assert_int_equal(story.backlog.used, chunk->room);
    assert_int_equal(chunk->room, chunk->layers[0].size + chunk->layers[1].size);
    assert_true(chunk->room < N_LAYERS * story.layer_size);
    assert_int_equal(story.backlog.high_water, 1 << 20);
    assert_true(backlog_reserve(&story.backlog, (1 << 20) - chunk->room));
    backlog_release(&story.backlog, (1 << 20) - chunk->room);
    backlog_free(&story.backlog, chunk);
    end(&story);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state)
{
    struct story story;
    begin(&story, 1000);
    assert_false(backlog_reserve(&story.backlog, 1001));
    assert_false(backlog_reserve(&story.backlog, SIZE_MAX));
    assert_true(backlog_reserve(&story.backlog, 600));
    assert_false(backlog_reserve(&story.backlog, 401));
    assert_false(backlog_reserve(&story.backlog, SIZE_MAX - 500));
    assert_int_equal(story.backlog.used, 600);
    assert_int_equal(story.backlog.high_water, 600);
    backlog_release(&story.backlog, 600);
    backlog_free(&story.backlog, NULL);
    end(&story);
    begin(&story, 0); /* nobody wants one */
    assert_false(backlog_reserve(&story.backlog, 1));
    end(&story);
}

/* ---- many workers ---- */

enum { N_THREADS = 4, N_ROUNDS = 20000, ROOM = 7, PLACES = 3 };

struct rush {
    struct backlog backlog;
    _Atomic int inside, most_inside;
};

static void *take_and_give(void *data)
{
    struct rush *const rush = data;
    for (int i = 0; i < N_ROUNDS; i++) {
        if (!backlog_reserve(&rush->backlog, ROOM))
            continue;
        const int inside = ++rush->inside;
        int most = rush->most_inside;
        while (inside > most && !atomic_compare_exchange_weak(&rush->most_inside, &most, inside))
            continue;
        rush->inside--;
        backlog_release(&rush->backlog, ROOM);
    }
    return NULL;
}

static void workers_together_never_take_more_than_there_is(void **state)
{
    static struct rush rush = {.backlog = {.size = PLACES * ROOM + ROOM - 1}};
    pthread_t threads[N_THREADS];
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &rush), 0);
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(rush.backlog.used, 0);
    assert_true(rush.most_inside >= 1 && rush.most_inside <= PLACES);
    assert_true(rush.backlog.high_water >= ROOM && rush.backlog.high_water <= PLACES * ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_layers_come_back_and_absent_ones_are_told),
        cmocka_unit_test(what_packing_saves_is_room_for_others_again),
        cmocka_unit_test(what_does_not_fit_is_refused_and_changes_nothing),
        cmocka_unit_test(workers_together_never_take_more_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
