#pragma once

#include "common/random.h"

/* A Poisson deviate of this mean, exact for every mean from 0 to 1e9. */
uint64_t random_poisson(struct random_stream *stream, double mean);
