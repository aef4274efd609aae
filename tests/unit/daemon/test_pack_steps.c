#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "daemon/acquisition/pack_steps.h"

static uint64_t at(double seconds)
{
    return (uint64_t)((1000 + seconds) * (double)NS_PER_S);
}

static void a_ring_that_fills_steps_down_and_no_further_than_none(void **state)
{
    struct pack_steps steps = {0};
    (void)state;
    assert_int_equal(pack_steps_decide(&steps, 0, 0.05, false, at(0)), 0);
    assert_int_equal(pack_steps_decide(&steps, 0, 0.2, false, at(0.1)), 1);
    /* The step has to show first. */
    assert_int_equal(pack_steps_decide(&steps, 1, 0.3, false, at(0.2)), 1);
    assert_int_equal(pack_steps_decide(&steps, 1, 0.3, false, at(0.7)), 2);
    assert_int_equal(pack_steps_decide(&steps, 2, 0.9, false, at(2)), 2);
}

static void a_slow_disk_is_no_reason_to_pack_less(void **state)
{
    struct pack_steps steps = {0};
    (void)state;
    assert_int_equal(pack_steps_decide(&steps, 0, 0.9, true, at(0)), 0);
}

static void an_empty_ring_steps_back_and_longer_when_that_did_not_last(void **state)
{
    struct pack_steps steps = {0};
    (void)state;
    assert_int_equal(pack_steps_decide(&steps, 0, 0.2, false, at(0)), 1);
    assert_int_equal(pack_steps_decide(&steps, 1, 0, false, at(1)), 1);
    assert_int_equal(pack_steps_decide(&steps, 1, 0, false, at(10)), 1);
    assert_int_equal(pack_steps_decide(&steps, 1, 0, false, at(11)), 0);
    assert_int_equal(pack_steps_decide(&steps, 0, 0.2, false, at(12)), 1);
    assert_int_equal(pack_steps_decide(&steps, 1, 0, false, at(13)), 1);
    assert_int_equal(pack_steps_decide(&steps, 1, 0, false, at(32)), 1);
    assert_int_equal(pack_steps_decide(&steps, 1, 0, false, at(33)), 0);
    /* Frames now and then in the ring are no calm. */
    assert_int_equal(pack_steps_decide(&steps, 0, 0.2, false, at(40)), 1);
    assert_int_equal(pack_steps_decide(&steps, 1, 0, false, at(41)), 1);
    assert_int_equal(pack_steps_decide(&steps, 1, 0.05, false, at(60)), 1);
    assert_int_equal(pack_steps_decide(&steps, 1, 0, false, at(90)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_that_fills_steps_down_and_no_further_than_none),
        cmocka_unit_test(a_slow_disk_is_no_reason_to_pack_less),
        cmocka_unit_test(an_empty_ring_steps_back_and_longer_when_that_did_not_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
