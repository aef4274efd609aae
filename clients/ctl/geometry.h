#pragma once

#include <jansson.h>
#include <stdio.h>

/* A geometry of the daemon for a person, in one line without an end: "128 x 128, serpentine, 2
 * frames of flyback, shifted by +3". */
void geometry_print(FILE *out, const json_t *geometry);
