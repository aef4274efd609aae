#pragma once

#include "detector/settings.h"

/*
 * What the detector was set to when it was armed, as far as this connection has sent it or read it
 * back: `known`, and over it what was read last (`told`). A JSON object of texts, NAME: value, for
 * free(). NULL: nothing is known, or there is no memory.
 */
char *armed_parameters_text(const struct detector_settings *known,
                            const struct detector_settings *told);
