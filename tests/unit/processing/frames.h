#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "detector/pixel_format.h"

/*
 * Frames for tests. A frame ends right where an unreadable page begins, so that a kernel that reads
 * a byte too many crashes the test in every build.
 */
enum fill { FILL_ZERO, FILL_FULL_SCALE, FILL_RANDOM, FILL_SPARSE, N_FILLS };

static inline struct pixel_format frame_format(uint32_t height, uint32_t width, uint32_t pixel_size)
{
    return (struct pixel_format){
        .height = height,
        .width = width,
        .pixel_size = pixel_size,
        .image_size = (size_t)height * width * pixel_size,
    };
}

static inline uint64_t frame_random(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t mixed = (*seed ^ *seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return mixed ^ mixed >> 29;
}

static inline size_t frame_mapping_size(const struct pixel_format *format)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (format->image_size + page - 1) / page * page + page;
}

static inline void *frame_create(const struct pixel_format *format)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), size = frame_mapping_size(format);
    uint8_t *const mapping =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED || mprotect(mapping + size - page, page, PROT_NONE))
        abort();
    return mapping + size - page - format->image_size;
}

static inline void frame_destroy(void *image, const struct pixel_format *format)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), size = frame_mapping_size(format);
    munmap((uint8_t *)image + format->image_size + page - size, size);
}

static inline uint64_t frame_pixel(const void *image, size_t i, uint32_t pixel_size)
{
    uint32_t value = 0;
    memcpy(&value, (const uint8_t *)image + i * pixel_size, pixel_size); /* little-endian */
    return value;
}

static inline void frame_fill(void *image, const struct pixel_format *format, enum fill fill,
                              uint64_t seed)
{
    uint8_t *const bytes = image;
    for (size_t i = 0; i < format->image_size; i++) {
        const bool lowest_byte = i % format->pixel_size == 0;
        const uint64_t random = frame_random(&seed);
        const uint8_t sparse = lowest_byte && random % 4 == 0 ? (uint8_t)(random >> 8 & 3) : 0;
        const uint8_t of_fill[N_FILLS] = {0, 0xff, (uint8_t)(random >> 16), sparse};
        bytes[i] = of_fill[fill];
    }
}
