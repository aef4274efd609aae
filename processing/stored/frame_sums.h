#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "processing/run/run.h"
#include "processing/stored/chunk_reader.h"

/*
 * Sums of the frames at labelled positions of a scan, one pattern per label, from the chunks of the
 * run's file: exact, while the scan runs over what has been measured and is on the disk by then.
 *
 * patterns[label - 1][height][width]: sum of the counts of the frames whose positions have that
 * label (1 to n_labels; 0 belongs to nothing); frames[label - 1]: how many those are. Every frame
 * counts once, and only whole chunks of which all analysed frames are on the disk are taken.
 *
 * Belongs to one thread. Others may look at `done` and `total` and set `stop`.
 */
struct frame_sums {
    uint32_t n_labels;
    size_t n_pixels;
    uint64_t *frames, *patterns;
    uint64_t left_out; /* measured, but not in a chunk on the disk: not written yet, late, or left
                          out by the geometry of storage */
};

/* What is summed. */
struct frame_sums_source {
    struct chunk_reader *reader; /* of the run */
    unsigned layer;
    const struct scan_geometry *scan; /* through which the run is seen */
    uint32_t (*label_of)(const void *data, uint64_t position);
    const void *data;
};

struct frame_sums_progress {
    _Atomic uint64_t done, total; /* chunks */
    _Atomic bool stop;
};

/* Zeroed sums. -ENOMEM with a sentence. */
int frame_sums_init(struct frame_sums *sums, const struct run *run, uint32_t n_labels,
                    struct error *error);
/* Also of zeroed ones. */
void frame_sums_finish(struct frame_sums *sums);
/* Turns `patterns` in place into means over the frames, doubles: NaN where a label has none. It is
 * the last thing that is done with them. */
void frame_sums_to_means(struct frame_sums *sums);
/* Back to zero. */
void frame_sums_clear(struct frame_sums *sums);

/*
 * Adds positions [first, first + count). Adds the chunks that it will read to `total`, and each to
 * `done`. Returns 0; -ECANCELED: stopped; -ENOMEM, -EIO with a sentence: the sums are not whole.
 */
int frame_sums_add(struct frame_sums *sums, const struct frame_sums_source *source, uint64_t first,
                   uint64_t count, struct frame_sums_progress *progress, struct error *error);
