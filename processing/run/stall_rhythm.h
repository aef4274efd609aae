#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "processing/run/stall_lines.h"

/* Longer times are nonsense, and are unknown; shorter ones can be multiplied by percents. */
#define STALL_TIME_MAX_NS (UINT64_C(1) << 50)

/* What a frame's header tells of time, beside the frame before it. */
struct stall_sample {
    uint64_t frame_index;
    uint64_t exposure_ns; /* 0: unknown */
    bool follows;         /* the frame before is known too, and the clock did not go back */
    uint64_t period_ns;   /* from its beginning to this one's */
    int64_t dead_ns;      /* from its end to this one's beginning; negative where the clock is too
                             coarse to tell */
};

/* So many frames of a place tell what is usual there; their median forgives four stalls. */
#define STALL_SAMPLES 9

/*
 * What is usual at one place of a line: exposure and pause, the median of the first frames seen
 * there. Until these are there nothing is judged; then they are judged too, so that nothing is
 * missed.
 */
struct stall_rhythm {
    unsigned n;
    struct stall_sample samples[STALL_SAMPLES];
    bool learned;
    uint64_t exposure_ns; /* 0: unknown, not judged */
    uint64_t period_ns;   /* 0: unknown, pauses are not judged */
    int64_t dead_ns;
};

/* How much more than usual is a stall; depends on the place, on who tells the detector when to
 * begin, and on the readout. */
struct stall_limits {
    unsigned exposure_percent; /* of the usual exposure */
    unsigned pause_percent;    /* of the usual period, on top of the usual pause; 0: any is right */
    bool readout_unknown;      /* where the usual pause is none, readout is continuous */
};

struct stall_limits stall_limits_of(const struct stall_lines *lines, enum stall_place place);

/* Limits for a place that too few lines have shown, so that it is held against the inside of
 * lines. */
struct stall_limits stall_limits_borrowed(const struct stall_lines *lines, enum stall_place place);

/* Computes the usual from the samples that are there. */
void stall_rhythm_learn(struct stall_rhythm *rhythm);

/* By how much a frame was held up, ns; 0: it was not. `tick_ns`: the clock's resolution. */
uint64_t stall_rhythm_judge(const struct stall_rhythm *rhythm, const struct stall_limits *limits,
                            const struct stall_sample *sample, uint64_t tick_ns);
