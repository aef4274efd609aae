#pragma once

#include "daemon/logbook/logbook.h"

/*
 * The series that tells the current of the beam on the specimen: `beam_current`, in fA, pA, nA or
 * uA. Finds its number in the logbook and what its unit is in pA; false: there is none, or nobody
 * knows its unit. Any thread.
 */
#define BEAM_CURRENT "beam_current"
bool beam_current_find(struct logbook *logbook, unsigned *which, double *unit_pa);
