#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/cpu.h"
#include "processing/kernels/kernels_choose.h"

/*
 * The pixels of a frame that have counts, as a list: what a frame of few counts is best taken as.
 * At 0.05 counts per pixel 19 of 20 pixels are not looked at again, and of those that have counts
 * 39 of 40 have one: the few that have more are listed a second time. So sums take every listed
 * pixel for 1, add what is missing for the few, and products of n(n - 1) look at nothing else.
 */
struct frame_events {
    size_t n, n_more;
    const uint32_t *pixels; /* [n] indices into the image, each once */
    const uint32_t *more;   /* [n_more] those of them with more than one count */
    const void *image;      /* where the counts of `more` are; may be NULL when there are none */
};

/* Entries that a list has room for beyond its maximum, because kernels write whole vectors. */
#define EVENTS_ROOM_MORE 64

struct bit_order;

struct event_kernels {
    /*
     * Lists the pixels of an image that have counts and, in `more`, those that have more than one;
     * sets how many these are. Returns how many have counts, or more than `max` when there are
     * more; then the lists are of no use. Both have room for max + EVENTS_ROOM_MORE.
     */
    size_t (*list)(uint32_t *pixels, uint32_t *more, size_t *n_more, const void *image,
                   size_t n_pixels, size_t max);

    /* The same of a payload of bits, see bit_order.h: none has more than one. */
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

/* As kernels.h accumulate, and maximum of kernels_squares.h where a pixel has more than one count:
 * a maximum of 1 is left out. */
void events_add(const struct frame_events *events, uint32_t pixel_size, void *tile, void *maximum);

/* As kernels_squares.h accumulate, for images of n_pixels. */
void events_add_pairs(const struct frame_events *events, uint32_t pixel_size, void *sums,
                      void *pairs, size_t n_pixels);
