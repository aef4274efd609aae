#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "processing/pixels/mask_weights.h"

enum { N = 10000 };

static int16_t integers[N];

static void only_blocks_that_need_weights_have_them(void **state)
{
    struct mask_weights mask;
    for (size_t i = 0; i < N; i++)
        integers[i] = i < 640 ? 9 : 0;
    integers[70] = 0;
    integers[200] = 3;
    integers[N - 1] = 5;
    integers[N - 2] = 9;
    assert_int_equal(mask_weights_init(&mask, integers, N, 1), 0);
    assert_int_equal(mask.flat_weight, 9);
    assert_int_equal(mask.n_blocks, 1);
    assert_int_equal(mask.offsets[0], 192);
    assert_int_equal(mask.sum_of_weights, 63 * 9 + 3);
    assert_int_equal(mask.flat.n_pixels, 640 - 1 - 64 + 1);
    assert_int_equal(mask.n_loose, 1);
    assert_int_equal(mask.loose[0].pixel, N - 1);
    assert_int_equal(mask.loose[0].weight, 5);
    mask_weights_finish(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_blocks_that_need_weights_have_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
