/* How --fault is read, and that what it hits depends on the seed alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "detector/sim/fault.h"

static void frames_and_runs_are_read(void **state)
{
    struct fault_set set = {0};
    assert_int_equal(fault_set_add(&set, "drop:3,7@2", NULL), 0);
    assert_null(fault_hits(&set, FAULT_DROP, 1, 3));
    assert_non_null(fault_hits(&set, FAULT_DROP, 2, 3));
    assert_non_null(fault_hits(&set, FAULT_DROP, 2, 7));
    assert_null(fault_hits(&set, FAULT_DROP, 2, 4));
    assert_true(fault_set_disturbs_data(&set, 2));
    assert_false(fault_set_disturbs_data(&set, 3));
}

static void amounts_have_defaults(void **state)
{
    struct fault_set set = {0};
    assert_int_equal(fault_set_add(&set, "garbage:2", NULL), 0);
    assert_int_equal(fault_set_add(&set, "wrong-length:4,by=8", NULL), 0);
    assert_int_equal(fault_set_add(&set, "refuse:THRESHOLD0,code=2", NULL), 0);
    assert_true(set.faults[0].amount == 100);
    assert_true(set.faults[1].amount == 8);
    assert_string_equal(set.faults[2].name, "THRESHOLD0");
    assert_true(set.faults[2].amount == 2);
}

static void chance_is_the_seed_s(void **state)
{
    struct fault_set set = {.seed = 5}, other = {.seed = 6};
    assert_int_equal(fault_set_add(&set, "drop:p=0.1", NULL), 0);
    assert_int_equal(fault_set_add(&other, "drop:p=0.1", NULL), 0);
    unsigned hits = 0, different = 0;
    for (uint64_t number = 1; number <= 10000; number++) {
        const bool hit = fault_hits(&set, FAULT_DROP, 1, number);
        assert_int_equal(hit, fault_hits(&set, FAULT_DROP, 1, number) != NULL);
        hits += hit;
        different += hit != (fault_hits(&other, FAULT_DROP, 1, number) != NULL);
    }
    assert_in_range(hits, 850, 1150);
    assert_in_range(different, 1000, 3000);
}

static void nonsense_is_refused_with_the_form(void **state)
{
    static const char *const nonsense[] = {"",
                                           "dro",
                                           "drop",
                                           "drop:x",
                                           "drop:p=2",
                                           "drop:3@0",
                                           "drop:3@x",
                                           "stall:3,by=2",
                                           "refuse",
                                           "slow:3",
                                           "cut:p=1",
                                           "drop:-1",
                                           "number-wrap:digits=8"};
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        struct fault_set set = {0};
        struct error error = {0};
        if (fault_set_add(&set, nonsense[i], &error) == 0)
            fail_msg("--fault %s was taken", nonsense[i]);
        assert_true(error.text[0]);
        assert_int_equal(set.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_and_runs_are_read),
        cmocka_unit_test(amounts_have_defaults),
        cmocka_unit_test(chance_is_the_seed_s),
        cmocka_unit_test(nonsense_is_refused_with_the_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
