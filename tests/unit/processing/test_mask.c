#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processing/pixels/mask.h"

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
        cmocka_unit_test(blocks_and_loose_pixels_are_the_selection),
        cmocka_unit_test(only_blocks_with_a_chosen_pixel_are_listed),
        cmocka_unit_test(an_empty_mask_is_a_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
