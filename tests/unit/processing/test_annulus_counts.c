#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "processing/products/annulus_counts.h"

enum { HEIGHT = 37, WIDTH = 53 };

static uint32_t random_count(uint64_t *seed, uint32_t pixel_size)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
    const uint32_t bits = (uint32_t)(*seed >> 32);
    return pixel_size == 4 ? bits : bits & ((1U << (8 * pixel_size)) - 1);
}

static void check(uint32_t pixel_size, double centre_y, double centre_x)
{
    const struct bragg_settings settings = {
        .centre_y = centre_y, .centre_x = centre_x, .inner = 4.5, .outer = 13};
    const struct pixel_format format = {.height = HEIGHT, .width = WIDTH, .pixel_size = pixel_size};
    static uint8_t bad[HEIGHT * WIDTH];
    static uint32_t image[HEIGHT * WIDTH]; /* room for any pixels */
    uint64_t seed = pixel_size, sum = 0, n = 0;
    memset(bad, 0, sizeof bad);
    bad[20 * WIDTH + 30] = bad[14 * WIDTH + 22] = 1;
    for (uint32_t y = 0; y < HEIGHT; y++) {
        for (uint32_t x = 0; x < WIDTH; x++) {
            const uint32_t count = random_count(&seed, pixel_size);
            const size_t i = (size_t)y * WIDTH + x;
            const double r = hypot(y - centre_y, x - centre_x);
            memcpy((uint8_t *)image + i * pixel_size, &count, pixel_size);
            if (r < 4.5 || r > 13 || bad[i])
                continue;
            sum += count;
            n++;
        }
    }
    struct annulus_counts annulus;
    assert_int_equal(annulus_counts_init(&annulus, &settings, bad, &format), 0);
    assert_int_equal(annulus.n_pixels, n);
    assert_int_equal(annulus_counts_sum(&annulus, image), sum);
    assert_true(annulus_counts_mean(&annulus, sum) == (double)sum / (double)n);
    annulus_counts_finish(&annulus);
}

static void the_counts_of_the_ring_are_those_of_its_good_pixels(void **state)
{
    for (uint32_t pixel_size = 1; pixel_size <= 4; pixel_size *= 2) {
        check(pixel_size, 18, 26);
        check(pixel_size, 17.5, 26.25);
    }
}

static void a_ring_that_reaches_beyond_the_frame_is_cut(void **state)
{
    check(1, 3, 50.5);
    check(2, 36, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counts_of_the_ring_are_those_of_its_good_pixels),
        cmocka_unit_test(a_ring_that_reaches_beyond_the_frame_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
