#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processing/stored/catch_up.h"

static void add(struct catch_up *catch_up, uint64_t number)
{
    assert_true(catch_up_add(catch_up, &(struct deferred_chunk){.number = number}));
}

static void take(struct catch_up *catch_up, uint64_t number)
{
    struct deferred_chunk chunk;
    assert_true(catch_up_take(catch_up, &chunk));
    assert_int_equal(chunk.number, number);
}

static void chunks_come_in_their_order_while_the_list_grows(void **unused)
{
    struct catch_up catch_up;
    struct deferred_chunk chunk;
    catch_up_init(&catch_up);
    assert_true(catch_up_is_empty(&catch_up));
    assert_false(catch_up_take(&catch_up, &chunk));
    /* Three come for one that is done, so that the list grows with its first one anywhere. */
    uint64_t added = 0, done = 0;
    while (done < 300) {
        for (unsigned i = 0; i < 3; i++)
            add(&catch_up, added++);
        take(&catch_up, done++);
        catch_up_done(&catch_up);
    }
    while (done < added) {
        assert_false(catch_up_is_empty(&catch_up));
        take(&catch_up, done++);
        catch_up_done(&catch_up);
    }
    assert_true(catch_up_is_empty(&catch_up));
    catch_up_finish(&catch_up);
}

static void what_is_in_hand_keeps_its_room(void **unused)
{
    struct catch_up catch_up;
    struct deferred_chunk first, second;
    catch_up_init(&catch_up);
    add(&catch_up, 0);
    add(&catch_up, 1);
    assert_true(catch_up_take(&catch_up, &first));
    assert_true(catch_up_take(&catch_up, &second));
    for (uint64_t number = 2; catch_up.n + catch_up.in_hand < catch_up.capacity; number++)
        add(&catch_up, number);
    const size_t capacity = catch_up.capacity, n = catch_up.n;
    catch_up_put_back(&catch_up, &second);
    catch_up_put_back(&catch_up, &first);
    assert_int_equal(catch_up.capacity, capacity);
    for (uint64_t number = 2; number < n + 2; number++)
        take(&catch_up, number);
    take(&catch_up, 1);
    take(&catch_up, 0);
    catch_up_finish(&catch_up);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_come_in_their_order_while_the_list_grows),
        cmocka_unit_test(what_is_in_hand_keeps_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
