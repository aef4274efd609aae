#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/products/epochs.h"

static void every_epoch_is_as_long_as_all_before_it(void **state)
{
    const uint64_t m = EPOCH_FRAMES;
    const struct {
        uint64_t exposure;
        unsigned epoch;
    } expected[] = {
        {0, 0},         {m - 1, 0}, {m, 1},         {2 * m - 1, 1}, {2 * m, 2},
        {4 * m - 1, 2}, {4 * m, 3}, {8 * m - 1, 3}, {8 * m, 4},     {UINT64_MAX, EPOCHS_MAX - 1},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(epoch_of_exposure(expected[i].exposure), expected[i].epoch);
}

static void epochs_are_over_when_all_of_their_chunks_are_settled(void **state)
{
    struct epochs epochs = {0};
    assert_true(epochs_over(&epochs, EPOCHS_MAX));
    epochs_open(&epochs, 0);
    epochs_open(&epochs, EPOCH_FRAMES);
    epochs_open(&epochs, EPOCH_FRAMES + 8);
    assert_true(epochs_over(&epochs, 0));
    assert_false(epochs_over(&epochs, 1));
    epochs_settle(&epochs, 0);
    assert_true(epochs_over(&epochs, 1));
    epochs_settle(&epochs, EPOCH_FRAMES + 8);
    assert_false(epochs_over(&epochs, 2));
    epochs_settle(&epochs, EPOCH_FRAMES);
    assert_true(epochs_over(&epochs, EPOCHS_MAX));
}

static void a_chunk_that_was_not_opened_after_all_is_not_waited_for(void **state)
{
    struct epochs epochs = {0};
    epochs_open(&epochs, 5);
    epochs_open_failed(&epochs, 5);
    assert_true(epochs_over(&epochs, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_epoch_is_as_long_as_all_before_it),
        cmocka_unit_test(epochs_are_over_when_all_of_their_chunks_are_settled),
        cmocka_unit_test(a_chunk_that_was_not_opened_after_all_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
