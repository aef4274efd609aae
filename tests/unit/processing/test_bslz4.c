#include <lz4.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/random.h"
#include "processing/stored/bslz4.h"

/* Unpacked again bit by bit, as the format is described. */

static size_t get_be(const uint8_t *from, size_t n)
{
    size_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | from[i];
    return value;
}

static void unshuffle(const uint8_t *shuffled, size_t n, size_t pixel_size, uint8_t *pixels)
{
    memset(pixels, 0, n * pixel_size);
    for (size_t bit = 0; bit < 8 * pixel_size; bit++) {
        for (size_t i = 0; i < n; i++) {
            const unsigned value = shuffled[bit * (n / 8) + i / 8] >> i % 8 & 1;
            pixels[i * pixel_size + bit / 8] |= (uint8_t)(value << bit % 8);
        }
    }
}

static void assert_unpacks(const uint8_t *packed, size_t used, const uint8_t *image, size_t size,
                           size_t pixel_size)
{
    assert_int_equal(get_be(packed, 8), size);
    const size_t block_size = get_be(packed + 8, 4);
    uint8_t *const shuffled = malloc(block_size), *const pixels = malloc(block_size);
    assert_true(shuffled && pixels);
    size_t at = 12;
    for (size_t done = 0; done < size; done += block_size) {
        const size_t n = size - done < block_size ? size - done : block_size;
        const size_t length = get_be(packed + at, 4);
        assert_int_equal(LZ4_decompress_safe((const char *)packed + at + 4, (char *)shuffled,
                                             (int)length, (int)n),
                         n);
        unshuffle(shuffled, n / pixel_size, pixel_size, pixels);
        assert_memory_equal(pixels, image + done, n);
        at += 4 + length;
    }
    assert_int_equal(at, used);
    free(shuffled);
    free(pixels);
}

static void check(size_t n, uint32_t pixel_size, uint8_t mask)
{
    const size_t size = n * pixel_size;
    uint8_t *const image = malloc(size), *const packed = malloc(bslz4_bound(size));
    assert_true(image && packed);
    for (size_t i = 0; i < size; i++)
        image[i] = (uint8_t)random_mix(i + n) & mask;
    const size_t used = bslz4_pack(image, size, pixel_size, packed);
    assert_in_range(used, 1, bslz4_bound(size));
    assert_unpacks(packed, used, image, size, pixel_size);
    free(image);
    free(packed);
}

static void every_pixel_comes_back(void **unused)
{
    static const size_t sizes[] = {8, 64, 256 * 256, 515 * 512 + 8};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (uint32_t pixel_size = 1; pixel_size <= 4; pixel_size *= 2) {
            check(sizes[i], pixel_size, 0xff); /* nothing to be packed */
            check(sizes[i], pixel_size, 3);
            check(sizes[i], pixel_size, 0);
        }
    }
}

static void images_of_odd_sizes_are_not_packed(void **unused)
{
    uint8_t image[18] = {0}, packed[9000];
    assert_int_equal(bslz4_pack(image, 9, 1, packed), 0);
    assert_int_equal(bslz4_pack(image, 18, 2, packed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel_comes_back),
        cmocka_unit_test(images_of_odd_sizes_are_not_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
