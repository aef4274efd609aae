#pragma once

#include "common/random.h"

/* Two independent normal deviates of mean 0 and variance 1. */
void random_normal_pair(struct random_stream *stream, double pair[2]);

/* A Poisson deviate of this mean, exact for every mean from 0 to 1e9. */
uint64_t random_poisson(struct random_stream *stream, double mean);
