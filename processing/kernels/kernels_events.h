#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "processing/kernels/kernels_choose.h"

/*
 * The pixels of a frame that have counts, as a list: what a frame of few counts is best taken as.
 * At 0.05 counts per pixel 19 of 20 pixels are not looked at again.
 */
struct frame_events {
    size_t n;
    const uint32_t *pixels; /* [n] indices into the image, each once */
    const void *image;      /* where their counts are; NULL: every count is 1 */
};

/* Entries that a list has room for beyond its maximum, because kernels write whole vectors. */
#define EVENTS_ROOM_MORE 64

struct bit_order;

struct event_kernels {
    /*
     * Lists the pixels of an image that have counts. Returns how many, or more than `max` when
     * there are more; then the list is of no use. `pixels` has room for max + EVENTS_ROOM_MORE.
     */
    size_t (*list)(uint32_t *pixels, const void *image, size_t n_pixels, size_t max);

    /* The same of a payload of bits, see bit_order.h. */
    size_t (*list_bits)(uint32_t *pixels, const uint8_t *payload, const struct bit_order *order,
                        size_t max);
};

/* The kernels for pixels of 1, 2 or 4 bytes, NULL for others. The processor must have `isa`. */
const struct event_kernels *event_kernels_for(enum cpu_isa isa, uint32_t pixel_size);

extern const struct event_kernels event_kernels_plain[KERNELS_PIXEL_SIZES];
extern const struct event_kernels event_kernels_avx2[KERNELS_PIXEL_SIZES];
extern const struct event_kernels event_kernels_avx512[KERNELS_PIXEL_SIZES];

/*
 * What products do with a list, instead of a loop over the image; the same for every instruction
 * set, since each count goes to a place of its own. pixel_size is that of the image: 1, 2 or 4.
 */

/* counts[bin] = sum of n, squares[bin] (may be NULL) = sum of n^2 modulo 2^64, over the pixels of
 * each of n_bins bins; bin_of[pixel] is a bin, or n_bins for none. */
void events_rings(const struct frame_events *events, uint32_t pixel_size, const uint16_t *bin_of,
                  uint32_t n_bins, uint64_t *counts, uint64_t *squares);

/* As kernels.h accumulate, and maximum of kernels_squares.h. */
void events_add(const struct frame_events *events, uint32_t pixel_size, void *tile, void *maximum);

/* As kernels_squares.h accumulate, for images of n_pixels. */
void events_add_squares(const struct frame_events *events, uint32_t pixel_size, void *sums,
                        void *squares, size_t n_pixels);
