#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/acquisition_header.h"
#include "detector/frame_header.h"

/*
 * The images of one exposure. A Merlin sends one, or two with both counters (counter 1 first,
 * manual 8.10), or four or eight in colour mode, each with a header of its own whose field 11 tells
 * which one it is. Whether the frame number repeats for them or runs on is not published: both are
 * understood.
 */
struct layers {
    unsigned n;  /* images per exposure */
    bool colour; /* of colour mode, not counters */
};

/*
 * Works out the layers from the first frame of a run. `acquisition` may be NULL; `told` is how many
 * images per exposure the detector was told to send, 0 when nobody knows.
 */
struct layers layers_of_frame(const struct frame_header *header,
                              const struct acquisition_header *acquisition, unsigned told);

enum layer_numbering {
    LAYER_NUMBERING_UNKNOWN,  /* until the second message */
    LAYER_NUMBERING_REPEATED, /* all images of an exposure have its number */
    LAYER_NUMBERING_RUNNING,  /* every image has a number of its own */
};

/* What two messages that follow each other tell. */
enum layer_numbering layer_numbering_from(uint64_t first_number, unsigned first_layer,
                                          uint64_t second_number, unsigned second_layer);
