#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"

/*
 * CRC-32C (Castagnoli; RFC 3720, appendix B.4), the one for which processors have an instruction:
 * polynomial 0x1EDC6F41, bits reflected, begun with and xored by 0xFFFFFFFF. Of "123456789" it is
 * 0xE3069283.
 */
typedef uint32_t (*crc32c_fn)(const void *bytes, size_t size);

/* The fastest for this instruction set. */
crc32c_fn crc32c_function(enum cpu_isa isa);

/* By tables: for processors without the instruction, and what tests hold the other against. */
uint32_t crc32c_plain(const void *bytes, size_t size);
