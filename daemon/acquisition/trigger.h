#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/scan/scan_geometry.h"

/* What starts frames: the values of Merlin's TRIGGERSTART (Merlin manual v1.0, "Triggering"). */
enum trigger {
    TRIGGER_INTERNAL = 0,
    TRIGGER_RISING_TTL = 1,
    TRIGGER_FALLING_TTL = 2,
    TRIGGER_RISING_LVDS = 3,
    TRIGGER_FALLING_LVDS = 4,
    TRIGGER_SOFT = 5,
};

/* "internal", "rising-ttl", ...; false when the name is none of these. */
bool trigger_from_name(const char *name, enum trigger *trigger);

/*
 * Frames that one trigger starts: one with a soft trigger, a scan line with an external one, the
 * whole scan with the internal one. A burst must be told in full, or the detector's continuous
 * read-write ends with it.
 */
uint64_t trigger_frames(enum trigger trigger, const struct scan_geometry *scan);
