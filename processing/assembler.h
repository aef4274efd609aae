#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detector/mpx.h"
#include "processing/frame_look.h"
#include "processing/ingest.h"
#include "processing/ring.h"
#include "processing/scan/frame_numbers.h"
#include "processing/scan/placement.h"

/*
 * From messages to runs and chunks: the part of the ingest thread that knows what a frame is.
 * Belongs to that thread wholly; the figures are read by others.
 *
 *   assembler.c      what a message is: an HDR, a frame of the run, the first of another one, stray
 *   assembler_run.c  how runs begin and end
 *   frame_look.c     what the frames of a run look like
 *   scan/placement.c which chunk a frame goes to
 */
struct assembler {
    unsigned n_workers;
    struct chunk_sink sink;
    struct ingest_events events;
    struct acquisition_plan *default_plan, *next_plan;
    bool draining; /* until the next HDR frames are stray */

    uint8_t *hdr; /* the newest HDR; NULL: none, or there was no memory for it */
    size_t hdr_size;
    bool hdr_fresh; /* no frame has come since */

    struct run *run;                /* the run that is going on */
    struct frame_likeness likeness; /* of its frames */

    /* Of the acquisition; runs share them when it is an unending scan. */
    struct frame_numbers numbers;
    uint64_t base; /* exposures of it before the run's first one */
    struct placement placement;

    enum run_end quiet_end; /* ends the run once the link has been quiet for quiet_ns; RUN_END_NONE:
                               not wanted */
    uint64_t quiet_ns;
    bool end_asked; /* by the service: holds for a run that is expected too */

    /* Of an unending scan: */
    struct acquisition_plan *pass_plan;     /* the next pass is to be a run of its own */
    struct acquisition_plan *unending_plan; /* goes on after that run; set while it lasts */

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
/* The unending scan that is going on gives its next pass to a run with this plan, whose scan begins
 * with a pass. Takes a reference of the caller; dropped when the scan ends before. */
void assembler_record_pass(struct assembler *assembler, struct acquisition_plan *plan);
/*
 * Ends the run that is going on or expected, if any, once no byte has come for quiet_ns (0: now).
 * What somebody asked for (RUN_END_STOPPED, RUN_END_SHUTDOWN) holds over what the detector tells.
 */
void assembler_end_when_quiet(struct assembler *assembler, enum run_end end, uint64_t quiet_ns);

/* Ends the run that is going on, if any. */
void assembler_end_run(struct assembler *assembler, enum run_end end);
