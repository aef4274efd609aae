#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "processing/pixels/radial_bins.h"
#include "processing/pixels/radial_plan.h"

#define SIDE 64

/* Of the allocations of the plan's lists, from 1: how many there were, which one fails (0: none).
 */
static unsigned n_asked, fails;

/* Takes the place of libc's for the whole program. */
void *aligned_alloc(size_t alignment, size_t size)
{
    void *memory;
    if (++n_asked == fails || posix_memalign(&memory, alignment, size) != 0)
        return NULL;
    return memory;
}

static int plan_without(unsigned allocation, const struct radial_bins *bins)
{
    struct radial_plan plan;
    n_asked = 0;
    fails = allocation;
    const int status = radial_plan_init(&plan, bins, true);
    if (status == 0) {
        assert_true(plan.n_strips > 0 && plan.n_loose > 0);
        radial_plan_finish(&plan);
    } else {
        assert_null(plan.tiles);
        assert_null(plan.strips);
        assert_null(plan.loose);
    }
    fails = 0;
    return status;
}

static void want_of_memory_at_any_place_is_an_error_and_leaves_nothing(void **state)
{
    struct radial_bins bins;
    struct error error = {0};
    assert_int_equal(radial_bins_init(&bins, &(struct radial_settings){0}, NULL, SIDE, SIDE,
                                      RADIAL_MAX_BINS, &error),
                     0);
    assert_int_equal(plan_without(0, &bins), 0);
    const unsigned n = n_asked;
    assert_true(n > 10);
    for (unsigned allocation = 1; allocation <= n; allocation++)
        assert_int_equal(plan_without(allocation, &bins), -ENOMEM);
    radial_bins_finish(&bins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(want_of_memory_at_any_place_is_an_error_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
