#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processing/mask.h"

static unsigned ring_pixels(uint8_t *selected, uint32_t height, uint32_t width, double centre_y,
                            double centre_x, double inner, double outer)
{
    unsigned count = 0;
    mask_select_ring(selected, height, width, centre_y, centre_x, inner, outer);
    for (size_t i = 0; i < (size_t)height * width; i++)
        count += selected[i];
    return count;
}

static void a_pixel_on_the_border_belongs_to_the_disk(void **state)
{
    uint8_t selected[11 * 11];
    assert_int_equal(ring_pixels(selected, 11, 11, 5, 5, 0, 5), 81); /* Gauss's circle problem */
    assert_true(selected[5 * 11 + 10]);
    assert_true(selected[8 * 11 + 9]); /* 3, 4, 5 */
    assert_int_equal(ring_pixels(selected, 11, 11, 5, 5, 0, 4.999), 69);
    assert_false(selected[5 * 11 + 10]);
}

static void both_borders_belong_to_the_annulus(void **state)
{
    uint8_t selected[11 * 11];
    assert_int_equal(ring_pixels(selected, 11, 11, 5, 5, 5, 5), 12);
    assert_true(selected[0 * 11 + 5]);
    assert_true(selected[2 * 11 + 1]);
}

static void rows_are_y_and_columns_are_x(void **state)
{
    uint8_t selected[3 * 7];
    assert_int_equal(ring_pixels(selected, 3, 7, 2, 5, 0, 0), 1);
    assert_true(selected[2 * 7 + 5]);
}

static void a_disk_may_lie_partly_or_wholly_outside(void **state)
{
    uint8_t selected[10 * 10];
    assert_int_equal(ring_pixels(selected, 10, 10, 0, 0, 0, 1), 3);
    assert_int_equal(ring_pixels(selected, 10, 10, -1, 4, 0, 1), 1);
    assert_int_equal(ring_pixels(selected, 10, 10, -50, 1e6, 0, 20), 0);
    assert_int_equal(ring_pixels(selected, 10, 10, 4.5, 4.5, 0, 1e300), 100);
}

/* Marks again what a mask chooses, from its blocks and loose pixels. */
static void redraw(uint8_t *drawn, const struct mask *mask, uint32_t pixel_size)
{
    for (size_t block = 0; block < mask->n_blocks; block++) {
        const struct mask_block *const b = &mask->blocks[block];
        assert_int_equal(b->offset % MASK_BLOCK_SIZE, 0);
        assert_true(b->bits != 0);
        for (size_t i = 0; i < MASK_BLOCK_SIZE; i++) {
            const uint64_t chosen = b->bits >> (i / pixel_size) & 1;
            assert_int_equal(mask->block_bytes[block * MASK_BLOCK_SIZE + i], chosen ? 0xff : 0);
            if (chosen)
                drawn[(b->offset + i) / pixel_size] = 1;
        }
    }
    for (size_t i = 0; i < mask->n_loose; i++)
        drawn[mask->loose[i]] = 1;
}

static void blocks_and_loose_pixels_are_the_selection(void **state)
{
    enum { N_PIXELS = 64 * 5 + 15 };
    uint8_t selected[N_PIXELS] = {0};
    selected[0] = selected[63] = selected[64 * 3 + 17] = selected[64 * 5 - 1] = 1;
    selected[320] = selected[N_PIXELS - 1] = 1; /* after the last whole block */
    for (uint32_t pixel_size = 1; pixel_size <= 4; pixel_size *= 2) {
        uint8_t drawn[N_PIXELS] = {0};
        struct mask mask;
        assert_int_equal(mask_init(&mask, selected, N_PIXELS, pixel_size), 0);
        redraw(drawn, &mask, pixel_size);
        assert_memory_equal(drawn, selected, N_PIXELS);
        assert_int_equal(mask.n_pixels, 6);
        assert_int_equal(mask.n_loose, 2);
        mask_finish(&mask);
    }
}

static void only_blocks_with_a_chosen_pixel_are_listed(void **state)
{
    uint8_t selected[64 * 100] = {0};
    selected[3200] = 1;
    struct mask mask;
    assert_int_equal(mask_init(&mask, selected, sizeof selected, 1), 0);
    assert_int_equal(mask.n_blocks, 1);
    assert_int_equal(mask.blocks[0].offset, 3200);
    assert_int_equal(mask.blocks[1].bits, 0); /* the empty one at the end */
    mask_finish(&mask);
}

static void an_empty_mask_is_a_mask(void **state)
{
    const uint8_t selected[256] = {0};
    struct mask mask;
    assert_int_equal(mask_init(&mask, selected, sizeof selected, 2), 0);
    assert_int_equal(mask.n_pixels, 0);
    assert_int_equal(mask.n_blocks, 0);
    mask_finish(&mask);
    mask_finish(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pixel_on_the_border_belongs_to_the_disk),
        cmocka_unit_test(both_borders_belong_to_the_annulus),
        cmocka_unit_test(rows_are_y_and_columns_are_x),
        cmocka_unit_test(a_disk_may_lie_partly_or_wholly_outside),
        cmocka_unit_test(blocks_and_loose_pixels_are_the_selection),
        cmocka_unit_test(only_blocks_with_a_chosen_pixel_are_listed),
        cmocka_unit_test(an_empty_mask_is_a_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
