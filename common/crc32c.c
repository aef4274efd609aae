#include "common/crc32c.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#    include <immintrin.h>
#endif

#define POLYNOMIAL UINT32_C(0x82F63B78) /* reflected */

/* ---- by tables ---- */

/* Eight bytes a step: table[k][b] is the CRC register after byte b and k zero bytes. */
static uint32_t tables[8][256];

__attribute__((constructor)) static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? POLYNOMIAL : 0);
        tables[0][i] = value;
    }
    for (int k = 1; k < 8; k++) {
        for (uint32_t i = 0; i < 256; i++)
            tables[k][i] = tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 255];
    }
}

static uint64_t load_le64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

uint32_t crc32c_plain(const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    uint32_t crc = UINT32_MAX;
    for (; size >= 8; from += 8, size -= 8) {
        const uint64_t word = load_le64(from) ^ crc;
        crc = 0;
        for (int k = 0; k < 8; k++)
            crc ^= tables[7 - k][word >> 8 * k & 255];
    }
    for (; size > 0; from++, size--)
        crc = crc >> 8 ^ tables[0][(crc ^ *from) & 255];
    return ~crc;
}

/* ---- by the instruction ---- */

#if defined(__x86_64__)
#    define CRC_TARGET __attribute__((target("sse4.2,pclmul")))

/*
 * One crc32 of 8 bytes takes three cycles but one can begin in each cycle: so three stretches of
 * STRETCH bytes are done side by side. Then the register of an earlier stretch is moved over the
 * later ones: that is a multiplication by x^(8 n) modulo the polynomial, here without carries by
 * x^(8 n - 33), and reduced by a last crc32, which adds the missing 33.
 */
#    define STRETCH ((size_t)1024)
#    define OVER_ONE UINT32_C(0x170076FA) /* x^(8 * 1024 - 33), reflected */
#    define OVER_TWO UINT32_C(0xA51B6135) /* x^(8 * 2048 - 33) */

CRC_TARGET static inline uint64_t move_over(uint64_t crc, uint32_t power)
{
    const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
                                                 _mm_cvtsi64_si128((long long)power), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

CRC_TARGET static uint64_t three_stretches(uint64_t crc, const uint8_t *from)
{
    uint64_t second = 0, third = 0;
    for (size_t i = 0; i < STRETCH; i += 8) {
        crc = _mm_crc32_u64(crc, load_le64(from + i));
        second = _mm_crc32_u64(second, load_le64(from + STRETCH + i));
        third = _mm_crc32_u64(third, load_le64(from + 2 * STRETCH + i));
    }
    return move_over(crc, OVER_TWO) ^ move_over(second, OVER_ONE) ^ third;
}

CRC_TARGET static uint32_t crc32c_sse42(const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    uint64_t crc = UINT32_MAX;
    for (; size >= 3 * STRETCH; from += 3 * STRETCH, size -= 3 * STRETCH)
        crc = three_stretches(crc, from);
    for (; size >= 8; from += 8, size -= 8)
        crc = _mm_crc32_u64(crc, load_le64(from));
    for (; size > 0; from++, size--)
        crc = _mm_crc32_u8((uint32_t)crc, *from);
    return ~(uint32_t)crc;
}

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}
#endif

crc32c_fn crc32c_function(enum cpu_isa isa)
{
#if defined(__x86_64__)
    if (isa != CPU_ISA_PLAIN && has_instruction())
        return crc32c_sse42;
#endif
    (void)isa;
    return crc32c_plain;
}
