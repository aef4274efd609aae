#pragma once

#include "processing/bragg/bragg_classifier.h"
#include "tests/bench/bragg/cell.h"

/* The classifier with a reference that was learnt from frames of a cell, refined twice and then
 * fixed, and the frame that it looked at last. */
struct learnt {
    const struct cell *cell;
    unsigned n_frames; /* that it was learnt from */
    struct glass_pattern pattern;
    uint8_t bad[CELL_PIXELS];
    struct bragg_reference *reference;
    struct bragg_scratch *scratch;
    struct cell_frame frame;
    struct bragg_result result;
};

/* The cell must outlive it. Large: not for the stack. -errno and a sentence when the cell cannot be
 * classified at all; then there is nothing to finish. */
int learnt_init(struct learnt *learnt, const struct cell *cell, unsigned n_frames,
                struct error *error);
void learnt_finish(struct learnt *learnt);

/* Makes the frame. */
void learnt_draw(struct learnt *learnt, const struct cell_request *request);

/* Makes the frame and the result. */
void learnt_classify(struct learnt *learnt, const struct cell_request *request);
