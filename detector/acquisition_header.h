#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * What the daemon uses of an acquisition header (HDR); the text itself is kept whole by whoever
 * records it. Keys are matched on the part before " (" because the bracketed explanations differ
 * between software versions. A key that is absent leaves its field 0 (or -1 where said).
 */
struct acquisition_header {
    uint32_t counter_depth;
    int64_t frames_in_acquisition; /* -1: not said; 0: until stopped */
    uint64_t frames_per_trigger;   /* may be 0: not said, or not meaningful */
    uint32_t scan_x, scan_y;       /* ScanX, ScanY (server 1.5 and newer) */
    char trigger_start[16];        /* "Internal", "Positive", "Negative" */
    char software_version[24];
    char assembly[16];        /* "1x1", "2x2", "2x2G" */
    double threshold_kev;     /* of counter 0; NaN: not said */
    char gain[8];             /* of the chips: "SLGM", "LGM", "HGM", "SHGM" */
    char chip_mode[8];        /* "SPM", "CSM"; colour: "CM", "CSCM" */
    char active_counters[24]; /* "Counter 0", "Alternating", ... */
};

/*
 * Parses body[0..size), which begins with "HDR,". Lines are `key:<TAB>value<CR><LF>`; bytes may be
 * Latin-1; NULs and blanks pad the end. Unknown lines are passed over. Returns -EBADMSG only when
 * the text is no HDR at all or a number it needs is not a number.
 */
int acquisition_header_parse(struct acquisition_header *header, const uint8_t *body, size_t size,
                             struct error *error);
