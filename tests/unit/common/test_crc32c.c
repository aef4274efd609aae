#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/crc32c.h"

static uint32_t bit_by_bit(const uint8_t *bytes, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < 8 * size; i++) {
        const uint32_t bit = (crc ^ bytes[i / 8] >> i % 8) & 1;
        crc = crc >> 1 ^ (bit ? UINT32_C(0x82F63B78) : 0);
    }
    return ~crc;
}

/* RFC 3720, B.4. */
static void published_values(void **unused)
{
    uint8_t bytes[32] = {0};
    for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++) {
        const crc32c_fn crc32c = crc32c_function(isa);
        assert_int_equal(crc32c("123456789", 9), 0xE3069283);
        memset(bytes, 0, sizeof bytes);
        assert_int_equal(crc32c(bytes, sizeof bytes), 0x8A9136AA);
        memset(bytes, 0xFF, sizeof bytes);
        assert_int_equal(crc32c(bytes, sizeof bytes), 0x62A8AB43);
        for (uint8_t i = 0; i < 32; i++)
            bytes[i] = i;
        assert_int_equal(crc32c(bytes, sizeof bytes), 0x46DD794E);
        assert_int_equal(crc32c(bytes, 0), 0);
    }
}

static void every_version_agrees_at_every_size_and_address(void **unused)
{
    static const size_t sizes[] = {1,    7,    8,    9,    1023, 3071, 3072,
                                   3073, 6144, 6151, 8192, 9216, 65536};
    uint8_t *const room = malloc(65536 + 16);
    uint32_t random = 1;
    assert_non_null(room);
    for (size_t i = 0; i < 65536 + 16; i++) {
        random = random * 1664525 + 1013904223;
        room[i] = (uint8_t)(random >> 24);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const size_t shift = i % 9;
        const uint32_t expected = bit_by_bit(room + shift, sizes[i]);
        for (enum cpu_isa isa = CPU_ISA_PLAIN; isa <= cpu_isa_best(); isa++)
            assert_int_equal(crc32c_function(isa)(room + shift, sizes[i]), expected);
    }
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(every_version_agrees_at_every_size_and_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
