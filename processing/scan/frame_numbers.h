#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/scan/layers.h"

/* From the numbers that an acquisition's frames carry to exposures, counted from 0. Belongs to the
 * ingest thread. */
struct frame_numbers {
    uint64_t wrap;   /* what is added to numbers that began again after 999,999 */
    uint64_t newest; /* the highest number so far, unwrapped */
    enum layer_numbering numbering;
    uint64_t first_number; /* of the acquisition's first frame, 0: none came; and its layer */
    unsigned first_layer;
};

/* An acquisition of the detector begins. */
void frame_numbers_begin(struct frame_numbers *numbers);

/* Continues a count that began again after 999,999. Returns 0 for a number that is too far from the
 * ones before. */
uint64_t frame_numbers_unwrap(struct frame_numbers *numbers, uint64_t number);

/* The exposure that the image with this unwrapped number belongs to. The caller then says
 * frame_numbers_took. */
uint64_t frame_numbers_exposure(struct frame_numbers *numbers, uint64_t unwrapped, unsigned layer,
                                unsigned n_layers);
void frame_numbers_took(struct frame_numbers *numbers, uint64_t unwrapped);

/* Whether a number, as sent, continues the count. */
bool frame_numbers_follows(const struct frame_numbers *numbers, uint64_t number, unsigned n_layers);
