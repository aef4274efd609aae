#pragma once

#include "daemon/control/label_source.h"

/* Labels from args.classes and args.phase, see label_source.h: labels, which has room, and names.
 * 0, or -1 when it was refused. */
int label_bragg_take(struct label_map *map, struct analysis *analysis);
