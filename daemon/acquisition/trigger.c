#include "daemon/acquisition/trigger.h"

#include <string.h>

bool trigger_from_name(const char *name, enum trigger *trigger)
{
    static const char *const names[] = {
        [TRIGGER_INTERNAL] = "internal",         [TRIGGER_RISING_TTL] = "rising-ttl",
        [TRIGGER_FALLING_TTL] = "falling-ttl",   [TRIGGER_RISING_LVDS] = "rising-lvds",
        [TRIGGER_FALLING_LVDS] = "falling-lvds", [TRIGGER_SOFT] = "soft",
    };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            *trigger = (enum trigger)i;
            return true;
        }
    }
    return false;
}

uint64_t trigger_frames(enum trigger trigger, const struct scan_geometry *scan)
{
    switch (trigger) {
    case TRIGGER_INTERNAL:
        return scan_geometry_frames(scan);
    case TRIGGER_SOFT:
        return 1;
    default:
        return (uint64_t)scan->nx + scan->skip_line;
    }
}
