#include "daemon/acquisition/preset.h"

#include <string.h>

/*
 * With continuous read-write a burst must be told in full, or it ends with the trigger's first
 * frame; a frame per trigger is no burst, so that read-write stays off there.
 */
static const struct preset presets[] = {
    {"line-trigger", TRIGGER_RISING_TTL, PRESET_BURST_LINE, 1},
    {"pixel-trigger", TRIGGER_RISING_TTL, PRESET_BURST_FRAME, 0},
    {"single-start", TRIGGER_RISING_TTL, PRESET_BURST_SCAN, 1},
    {"soft", TRIGGER_SOFT, PRESET_BURST_FRAME, -1},
    {"internal", TRIGGER_INTERNAL, PRESET_BURST_SCAN, -1},
};

const struct preset *preset_find(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    }
    return NULL;
}

uint64_t preset_frames(const struct preset *preset, const struct scan_geometry *scan)
{
    switch (preset->burst) {
    case PRESET_BURST_FRAME:
        return 1;
    case PRESET_BURST_LINE:
        return (uint64_t)scan->nx + scan->skip_line;
    case PRESET_BURST_SCAN:
        break;
    }
    return scan_geometry_frames(scan);
}
