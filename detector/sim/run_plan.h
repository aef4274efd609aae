#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "detector/sim/detector_model.h"
#include "detector/sim/frame_source.h"
#include "detector/sim/options.h"
#include "detector/sim/parameters.h"

/* How frames of an acquisition are started. */
enum trigger_mode { TRIGGER_INTERNAL, TRIGGER_EXTERNAL, TRIGGER_SOFT, TRIGGER_SOFT_GATES };

/* All that an acquisition will do, fixed when it is started. */
struct run_plan {
    struct detector_timing timing;
    uint64_t asked;  /* NUMFRAMESTOACQUIRE; 0: until stopped */
    uint64_t frames; /* that will come: less where a file runs dry; DETECTOR_ENDLESS */
    enum trigger_mode trigger;
    uint64_t frames_per_trigger;
    bool alternating; /* raw frames name counters 0 and 1 in turn, as in continuous read-write */
    bool rewrite;     /* frame numbers and times are made, and not those of the file */
    uint8_t *hdr;     /* body of the acquisition header; NULL: none is sent */
    size_t hdr_size;
};

/* Parameters that follow from the command line and the source, at start and after RESET. */
void run_plan_preset(struct parameters *parameters, const struct options *options,
                     const struct frame_source *source);

/* Returns 0 or -ENOMEM. */
int run_plan_init(struct run_plan *plan, const struct parameters *parameters,
                  const struct options *options, const struct frame_source *source);
void run_plan_finish(struct run_plan *plan);
