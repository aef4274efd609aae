#pragma once

#include <stdio.h>

#include "common/error.h"

/* Microseconds that the classifier takes for a frame of 256 x 256 pixels on one core, frames and
 * tables in the cache: the least of several repeats, since other programs only ever add to it. */
struct speed {
    double disk_radius, counts;
    unsigned reflections; /* in every frame */
    double us;
};

#define SPEEDS 16
#define SPEED_NAME 64

/* Measures all of them. Returns 0 or -errno. */
int speed_measure(struct speed speeds[SPEEDS], struct error *error);

void speed_name(const struct speed *speed, char name[SPEED_NAME]);
