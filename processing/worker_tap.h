#pragma once

#include "processing/run/frame_tap.h"
#include "processing/worker.h"

/*
 * A worker's side of the frame tap. What its chunk in hand still owes the tap is noted by the place
 * of the image among the worker's: place in the chunk + layer * chunk_frames; an extra chunk's only
 * frame has place 0. All of it is for workers that have a tap; without one nothing is noted and the
 * functions do nothing.
 */
struct tap_note {
    struct tapped_frame frame;
    bool owed;
};

/* Whether the tap wants frames in this form. */
static inline bool worker_taps(const struct worker *worker, enum frame_tap_form form)
{
    return worker->notes && worker->tap->form == form;
}

/* For chunks of n images. Without memory nothing is given to the tap, which is logged. */
void worker_tap_make_room(struct worker *worker, size_t n_images);

/* A chunk begins: nothing is owed of it. */
void worker_tap_begin(struct worker *worker);

/* A frame came whose image is, or will be, at `place`. */
void worker_tap_note(struct worker *worker, size_t place, const struct frame_slot *slot);

/* Gives the decoded images that are owed, of all layers, if the tap wants such. */
void worker_tap_give_images(struct worker *worker);

/* Gives a packed buffer of the n places from `first` on, with the frames that are owed of them, if
 * the tap wants such and there are any. */
void worker_tap_give_packed(struct worker *worker, size_t first, size_t n, const uint8_t *bytes,
                            size_t size);

/* The same, packing kept[n][kept_size] for it: for chunks that nobody else packs. */
void worker_tap_pack(struct worker *worker, size_t first, size_t n);
