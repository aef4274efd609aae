/* When a worker puts analysis off (processing/worker_pace.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/worker_pace.h"

#define FRAMES 16
#define US UINT64_C(1000)

static void note(struct worker_time *time, unsigned chunks, uint64_t us_per_frame)
{
    for (unsigned i = 0; i < chunks; i++)
        worker_time_note(time, us_per_frame * US * FRAMES, FRAMES);
}

static unsigned n_deferred_of(struct worker_pace *pace, unsigned chunks)
{
    unsigned n = 0;
    for (unsigned i = 0; i < chunks; i++)
        n += worker_pace_defers(pace);
    return n;
}

static void nothing_is_put_off_before_its_time_is_known(void **state)
{
    (void)state;
    struct worker_pace pace = {0};
    assert_int_equal(n_deferred_of(&pace, 100), 0);
    note(&pace.analysis, 1, 5000);
    assert_int_equal(n_deferred_of(&pace, 100), 0);
}

static void analysis_that_takes_about_as_long_as_keeping_is_not_put_off(void **state)
{
    (void)state;
    struct worker_pace pace = {0};
    note(&pace.keeping, 10, 100);
    note(&pace.analysis, 10, 190);
    assert_int_equal(n_deferred_of(&pace, 100), 0);
}

static void long_analysis_is_put_off_but_for_a_chunk_now_and_then(void **state)
{
    (void)state;
    struct worker_pace pace = {0};
    note(&pace.keeping, 10, 100);
    note(&pace.analysis, 10, 1000);
    assert_int_equal(n_deferred_of(&pace, 10 * WORKER_PACE_LOOK), 10 * (WORKER_PACE_LOOK - 1));
}

static void chunks_that_took_long_once_change_nothing(void **state)
{
    (void)state;
    struct worker_pace pace = {0};
    note(&pace.keeping, 10, 100);
    note(&pace.analysis, 1, 50000); /* memory touched for the first time */
    note(&pace.analysis, 10, 100);
    note(&pace.analysis, 3, 50000);
    assert_int_equal(n_deferred_of(&pace, 100), 0);
}

static void analysis_that_became_quick_is_not_put_off_any_more(void **state)
{
    (void)state;
    struct worker_pace pace = {0};
    note(&pace.keeping, 10, 100);
    note(&pace.analysis, 10, 1000);
    for (unsigned i = 0; i < 30 * WORKER_PACE_LOOK; i++) {
        if (!worker_pace_defers(&pace))
            note(&pace.analysis, 1, 80);
    }
    assert_int_equal(n_deferred_of(&pace, 100), 0);
}

static void without_a_recording_keeping_is_tried(void **state)
{
    (void)state;
    struct worker_pace pace = {0};
    note(&pace.analysis, 10, 10);
    assert_true(worker_pace_defers(&pace));
}

static void a_chunk_without_frames_tells_nothing(void **state)
{
    (void)state;
    struct worker_time time = {0};
    note(&time, 5, 100);
    worker_time_note(&time, 7000 * US, 0);
    assert_true(time.mean_ns == 100.0 * US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_put_off_before_its_time_is_known),
        cmocka_unit_test(analysis_that_takes_about_as_long_as_keeping_is_not_put_off),
        cmocka_unit_test(long_analysis_is_put_off_but_for_a_chunk_now_and_then),
        cmocka_unit_test(chunks_that_took_long_once_change_nothing),
        cmocka_unit_test(analysis_that_became_quick_is_not_put_off_any_more),
        cmocka_unit_test(without_a_recording_keeping_is_tried),
        cmocka_unit_test(a_chunk_without_frames_tells_nothing),
    };
    return cmocka_run_group_tests_name("worker_pace", tests, NULL, NULL);
}
