#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/mpx.h"
#include "processing/frame_set.h"
#include "processing/ingest.h"
#include "processing/ring.h"

/*
 * From messages to runs and chunks: the part of the ingest thread that knows what a frame is.
 * Belongs to that thread wholly; the figures are read by others.
 */
struct assembler {
    struct ring *ring;
    unsigned n_workers;
    struct chunk_sink sink;
    struct ingest_events events;
    struct acquisition_plan *default_plan, *next_plan;
    bool draining; /* until the next HDR frames are stray */

    uint8_t *hdr; /* the newest HDR */
    size_t hdr_size;
    bool hdr_fresh; /* no frame has come since */

    struct run *run; /* the run that is going on */
    /* Fields 2 to 8 of the run's first frame header: a frame that has the same ones has the same
     * format. */
    uint8_t geometry[96];
    size_t geometry_size;
    size_t body_size;
    struct frame_set seen;
    uint64_t wrap;       /* what is added to numbers that began again after 999,999 */
    uint64_t next_index; /* one more than the highest frame index so far */

    struct chunk *open; /* takes placed frames; NULL: none */
    int64_t open_end;   /* first position after it */
    bool open_dirty;    /* holds frames that workers were not shown yet */

    enum run_end quiet_end; /* ends the run once the link has been quiet for quiet_ns; RUN_END_NONE:
                               not wanted */
    uint64_t quiet_ns;

    _Atomic uint64_t stray_frames, stray_bytes, repeated_headers;
};

void assembler_finish(struct assembler *assembler);

/* Takes a message that lies at the ring's unconsumed bytes. false: no room for a chunk; offer the
 * same message again later. */
bool assembler_take(struct assembler *assembler, const struct mpx_message *message);

/* To be called when all messages at hand are taken: shows the workers what they got. */
void assembler_flush(struct assembler *assembler);

/* The link has been quiet for that long. */
void assembler_quiet(struct assembler *assembler, uint64_t quiet_ns);

/*
 * Takes a reference of the caller. `drain`: an HDR that came before is of another run, and so are
 * frames on a link that is busy now; after a quiet one frame number 1 begins the run even when the
 * detector sends no HDR.
 */
void assembler_expect(struct assembler *assembler, struct acquisition_plan *plan, bool drain,
                      bool link_is_busy);
void assembler_expect_nothing(struct assembler *assembler);
void assembler_end_when_quiet(struct assembler *assembler, enum run_end end, uint64_t quiet_ns);

/* Ends the run that is going on, if any. */
void assembler_end_run(struct assembler *assembler, enum run_end end);
