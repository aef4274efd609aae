#pragma once

#include <jansson.h>

#include "daemon/record/file_recording.h"

/* A small picture of one of a recording's maps, as run_card.h has it: of the first virtual detector
 * whose name has "adf" in it, else of the first one, else of the classes of Bragg reflections, else
 * of the centre of mass. Every so many positions in both directions are taken; of several passes
 * the first. null: there is none. New reference. */
json_t *run_thumbnail(const struct file_recording *recording);
