#pragma once

#include <stdint.h>

#include "processing/stored/chunk_reader.h"

/*
 * The recorded images of single positions of a scan, as they are in the file: images[i] is that of
 * positions[i], zeros where found[i] is 0, because nothing was measured there or it is not on the
 * disk yet. A chunk is read once, whatever the order of the positions. Belongs to one thread.
 */
struct frame_picks {
    uint64_t n;
    uint64_t *positions; /* [n], given */
    uint64_t *numbers;   /* [n]: of the frames, as the detector counted them from 1; 0: none */
    uint8_t *found;      /* [n] */
    uint8_t *images;     /* [n][height][width], pixels of the run's format */
};

/* Memory for n positions, the positions to be filled in. -ENOMEM with a sentence. */
int frame_picks_init(struct frame_picks *picks, const struct run *run, uint64_t n,
                     struct error *error);
/* Also of zeroed ones. */
void frame_picks_finish(struct frame_picks *picks);

/* Through the geometry `scan` that the run is seen through. -EIO with a sentence: the file cannot
 * be read. */
int frame_picks_read(struct frame_picks *picks, struct chunk_reader *reader, unsigned layer,
                     const struct scan_geometry *scan, struct error *error);
