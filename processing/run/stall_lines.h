#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/scan/scan_geometry.h"

struct run;

/*
 * Where in a line of the scan a frame lies, as far as its time and exposure depend on that. The
 * first and the last frame of a line and those of the flyback have exposures and pauses of their
 * own, which come again in every line and are no stalls; each of these places is therefore compared
 * only with the same place of other lines.
 */
enum stall_place {
    STALL_PLACE_INNER,
    STALL_PLACE_FIRST, /* of a line of the scan */
    STALL_PLACE_LAST,
    STALL_PLACE_BURST_FIRST, /* of the frames that one external trigger starts */
    STALL_PLACE_BURST_LAST,
    STALL_PLACE_FLYBACK, /* and so on, one for each frame of the flyback ... */
    STALL_PLACES = STALL_PLACE_FLYBACK + 8,
    STALL_PLACE_OUTSIDE, /* ... up to here; before the scan and after a pass. Never compared */
};

enum stall_trigger {
    STALL_TRIGGER_UNKNOWN,  /* there was no HDR */
    STALL_TRIGGER_INTERNAL, /* or one external trigger starts all frames: the detector's own times
                             */
    STALL_TRIGGER_BURSTS,   /* an external trigger starts several frames: usually a line */
    STALL_TRIGGER_FRAMES,   /* an external trigger starts one frame: times follow the scan generator
                             */
};

enum stall_readout {
    STALL_READOUT_UNKNOWN,
    STALL_READOUT_SINGLE,     /* a pause of the detector lies between two exposures */
    STALL_READOUT_CONTINUOUS, /* ... or makes one longer */
};

struct stall_lines {
    enum stall_trigger trigger;
    enum stall_readout readout;
    bool looked_for;           /* the scan has lines, and they are to be found from exposures */
    uint64_t burst;            /* frames of a trigger, STALL_TRIGGER_BURSTS only */
    struct scan_geometry scan; /* without its list; ny = 0: no lines are known */
    uint64_t found_length;     /* of lines that were found from recurring exposures; 0: none */
    uint64_t found_first;      /* first odd frame of a line, below found_length */
    uint64_t found_n;          /* odd frames of a line, from that one on */
};

/* What header and plan tell. */
void stall_lines_init(struct stall_lines *lines, const struct run *run);

/* Follows the geometry through which the run is seen: the lines may have been found from exposures,
 * or somebody has nudged them. Returns whether they changed. */
bool stall_lines_follow(struct stall_lines *lines, const struct run *run);

/* Nobody knows where lines begin though there may be some: odd exposures may belong to the scan. */
bool stall_lines_unknown(const struct stall_lines *lines);

enum stall_place stall_lines_place(const struct stall_lines *lines, uint64_t frame_index);

/*
 * Whether triggers can have been lost when the detector was held up at a frame, and the frame from
 * which positions may then be wrong: the first that a later trigger has started.
 */
bool stall_lines_shifted(const struct stall_lines *lines, const struct run *run,
                         uint64_t frame_index, uint64_t *from);
