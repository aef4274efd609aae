#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/pixel_format.h"
#include "processing/kernels/kernels_events.h"
#include "processing/pixels/bit_order.h"
#include "processing/products/shared_work.h"

/*
 * A frame as products see it: its pixels in whatever form is cheapest, each form made when the
 * first product asks for it and then shared by all. Every form tells the same counts: a product may
 * use any of them and must come to the same result to the last bit.
 *
 * A frame belongs to one thread, for as long as its products are computed. One of an image alone,
 * for tests and for images from a file: (struct frame){.image = image}. Only that form is sure to
 * be there; products ask for the others and take the image when there are none.
 */
struct frame {
    const void *image;         /* decoded [height][width]; NULL until somebody asked: frame_image */
    struct frame_forms *forms; /* what else it can be turned into; NULL: nothing */
    const uint8_t *payload;    /* as the detector sent it; NULL: there is only the image */
    void *room;                /* for the image, when there is a payload */
    const struct shared_work *shared; /* of the products that are computed; NULL: nothing */
    struct frame_events events;
    enum { EVENTS_UNKNOWN, EVENTS_TOO_MANY, EVENTS_LISTED } events_state;
    uint32_t weighed; /* bit g: the sums of group g of the bank are there */
    int64_t weighted_sums[WEIGHT_BANK_GROUPS][WEIGHT_LANES];
    bool rings_summed; /* the forms have the sums of the shared rings */

    /* For products that learn from frames (product.h). */
    uint64_t exposure; /* frame index */
    unsigned epoch;    /* epochs.h: of its chunk */
    unsigned thread;   /* a worker's index; above those: recompute.h and finisher.h */
    bool teaches;      /* it came in its chunk, as all frames did that can be read again */
    bool waits;        /* what it is to be compared with is not there yet */
};

/* What the frames of one format can be turned into, and room for it: of one thread. */
struct frame_forms {
    struct pixel_format format;
    frame_decode_fn decode;
    bool ready; /* the payload is the image already */
    const struct event_kernels *event_kernels;
    size_t max_events;       /* entries of both lists together */
    unsigned dense_frames;   /* frames from now on that are not tried: see frame.c */
    uint32_t *pixels, *more; /* [max_events + EVENTS_ROOM_MORE] each, the lists of the frame in
                                hand; `pixels` NULL: no lists */
    struct bit_order order;  /* of 1-bit payloads */
    uint64_t ring_counts[RADIAL_MAX_BINS], ring_squares[RADIAL_MAX_BINS]; /* of the frame in hand */
};

/* Where memory is missing there are fewer forms: nothing but time is lost. */
void frame_forms_init(struct frame_forms *forms, const struct pixel_format *format,
                      enum cpu_isa isa);
/* Also of zeroed forms. */
void frame_forms_finish(struct frame_forms *forms);

/* A frame as it came; `room` (image_size bytes, aligned to a pixel) is where its image goes when it
 * must be decoded. */
static inline struct frame frame_of_payload(struct frame_forms *forms, const uint8_t *payload,
                                            void *room)
{
    return (struct frame){
        .forms = forms, .payload = payload, .room = room, .image = forms->ready ? payload : NULL};
}

/* The decoded image in the frame's room, where those find it who come later. */
static inline void frame_store_image(struct frame *frame)
{
    if (frame->image == frame->room || !frame->forms)
        return;
    frame->forms->decode(frame->room, frame->payload, &frame->forms->format);
    frame->image = frame->room;
}

/* The decoded image. */
static inline const void *frame_image(struct frame *frame)
{
    if (!frame->image)
        frame_store_image(frame);
    return frame->image;
}

/* The payload of a 1-bit frame, in the order of bit_order.h. NULL: this frame has none. */
static inline const uint8_t *frame_bits(const struct frame *frame)
{
    return frame->payload && frame->forms->order.n_words ? frame->payload : NULL;
}

/* The pixels that have counts. NULL: so many that the image is better, or nobody made room. */
const struct frame_events *frame_events(struct frame *frame);

/* sum of weight * pixel over what mask_weights.h calls the mask's blocks of weights and its loose
 * weights, when the mask is in the bank of the frame's products. false: it is not. */
bool frame_weighted_sum(struct frame *frame, const struct mask_weights *mask, int64_t *sum);

/*
 * How many of the next frames of a run it is worth to have in memory at once, for
 * frames_weigh_ahead: WEIGHT_IMAGES of dense ones with many masks; else 1, so that a frame is still
 * in the cache from one product to the next.
 */
unsigned frames_at_once(const struct frame_forms *forms, const struct shared_work *shared);

/*
 * Computes the weighted sums of n (at most WEIGHT_IMAGES) frames ahead, where all of them are taken
 * as images: that reads the weights once for all. They have the same forms and shared work. Where
 * that would gain nothing it does nothing.
 */
void frames_weigh_ahead(struct frame *frames, unsigned n);

/*
 * counts[n_bins], and squares[n_bins] when that is not NULL: sums of n and of n^2 over the pixels
 * of each ring of `plan`. Computed once for all products that share their rings; points into the
 * frame's forms, or to what the caller gives room for (both [n_bins]; `squares` only where it is
 * asked for).
 */
struct frame_rings {
    const uint64_t *counts, *squares;
};
struct frame_rings frame_rings(struct frame *frame, const struct radial_plan *plan,
                               const struct radial_kernels *kernels, uint32_t pixel_size,
                               uint64_t *counts, uint64_t *squares);
