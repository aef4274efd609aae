#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "processing/products/reflection_store.h"

static void fill(struct bragg_reflection *reflections, uint32_t n, double tag)
{
    for (uint32_t i = 0; i < n; i++)
        reflections[i] = (struct bragg_reflection){.y = tag, .x = i};
}

static void assert_holds(const struct bragg_reflection *reflections, uint32_t n, double tag)
{
    for (uint32_t i = 0; i < n; i++)
        assert_true(reflections[i].y == tag && reflections[i].x == i);
}

static void reflections_of_a_frame_lie_side_by_side_and_never_move(void **state)
{
    enum { FRAMES = 3000 };
    struct reflection_store *const store = reflection_store_create(2);
    struct bragg_reflection reflections[BRAGG_REFLECTIONS_MAX];
    uint64_t places[FRAMES];
    fill(reflections, 3, -1);
    const uint64_t first = reflection_store_put(store, 1, reflections, 3);
    const struct bragg_reflection *const kept = reflection_store_get(store, first);
    for (uint32_t i = 0; i < FRAMES; i++) {
        const uint32_t n = i % BRAGG_REFLECTIONS_MAX + 1;
        fill(reflections, n, i);
        places[i] = reflection_store_put(store, i % 2, reflections, n);
    }
    for (uint32_t i = 0; i < FRAMES; i++)
        assert_holds(reflection_store_get(store, places[i]), i % BRAGG_REFLECTIONS_MAX + 1, i);
    assert_ptr_equal(reflection_store_get(store, first), kept);
    assert_holds(kept, 3, -1);
    assert_int_equal(reflection_store_lost(store), 0);
    assert_null(reflection_store_get(store, REFLECTIONS_NOWHERE));
    reflection_store_destroy(store);
}

/* A frame's place is published as a column is. */
struct shared {
    struct reflection_store *store;
    _Atomic uint64_t place, frame;
};

static void *read_newest(void *data)
{
    struct shared *const shared = data;
    uint64_t frame = 0;
    while (frame < 50000) {
        frame = atomic_load_explicit(&shared->frame, memory_order_acquire);
        if (frame == 0)
            continue;
        const uint64_t place = atomic_load_explicit(&shared->place, memory_order_acquire);
        const struct bragg_reflection *const found = reflection_store_get(shared->store, place);
        /* The place may be of a later frame by now, but is whole. */
        if (!(found[0].y >= (double)frame && found[1].y == found[0].y))
            return shared;
    }
    return NULL;
}

static void readers_see_whole_reflections_while_others_are_put(void **state)
{
    struct shared shared = {.store = reflection_store_create(1)};
    pthread_t reader;
    void *failed;
    assert_int_equal(pthread_create(&reader, NULL, read_newest, &shared), 0);
    for (uint64_t frame = 1; frame <= 50000; frame++) {
        struct bragg_reflection reflections[2];
        fill(reflections, 2, (double)frame);
        const uint64_t place = reflection_store_put(shared.store, 0, reflections, 2);
        atomic_store_explicit(&shared.place, place, memory_order_release);
        atomic_store_explicit(&shared.frame, frame, memory_order_release);
    }
    pthread_join(reader, &failed);
    assert_null(failed);
    reflection_store_destroy(shared.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reflections_of_a_frame_lie_side_by_side_and_never_move),
        cmocka_unit_test(readers_see_whole_reflections_while_others_are_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
