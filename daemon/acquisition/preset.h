#pragma once

#include <stdbool.h>

#include "daemon/acquisition/trigger.h"

/*
 * The usual ways to run a scan (merlin-protocol notes 1.5), named: each is a trigger, the frames
 * that one trigger starts, and whether frames follow each other without dead time. What a request
 * says itself has the last word.
 */
enum preset_burst { PRESET_BURST_FRAME, PRESET_BURST_LINE, PRESET_BURST_SCAN };

struct preset {
    const char *name;
    enum trigger trigger;
    enum preset_burst burst;
    int continuous; /* CONTINUOUSRW; -1: as it is */
};

/* "line-trigger", "pixel-trigger", "single-start", "soft" or "internal"; NULL: none of these. */
const struct preset *preset_find(const char *name);

/* Frames that one trigger starts in such a scan. */
uint64_t preset_frames(const struct preset *preset, const struct scan_geometry *scan);
