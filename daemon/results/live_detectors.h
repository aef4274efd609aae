#pragma once

#include <stddef.h>

#include "common/error.h"
#include "processing/pixels/calibration_values.h"
#include "processing/run/run.h"

/*
 * The virtual detectors that are in force: those of the configuration, until somebody adds, moves
 * or removes one. They go into every new run, and at once into the run that is going on. Belongs to
 * the service thread.
 */
struct live_detectors {
    size_t n;
    struct virtual_detector_settings *settings; /* each with its reference of a mask */
};

#define LIVE_DETECTORS_MAX 256

/* Copies. -ENOMEM. */
int live_detectors_init(struct live_detectors *detectors,
                        const struct virtual_detector_settings *settings, size_t n);
void live_detectors_finish(struct live_detectors *detectors);

/* NULL: there is none of that name. */
const struct virtual_detector_settings *live_detectors_find(const struct live_detectors *detectors,
                                                            const char *name);

/* Whether it can be put: before a run computes it. -EEXIST: a map of this detector would have the
 * name of another's; -ENOSPC: there are too many. With a sentence. */
int live_detectors_check(const struct live_detectors *detectors,
                         const struct virtual_detector_settings *settings, struct error *error);

/* Adds it, or puts it in the place of the one that has its name. -ENOMEM, or -ENOSPC with a
 * sentence. */
int live_detectors_put(struct live_detectors *detectors,
                       const struct virtual_detector_settings *settings, struct error *error);

/* -ENOENT with a sentence: there is none of that name. */
int live_detectors_remove(struct live_detectors *detectors, const char *name, struct error *error);

/*
 * Makes the run compute a detector from the next chunk on, in the place of the one that has its
 * name; NULL settings: just take that one out. Sets *set to the product set that does so. -EEXIST
 * with a sentence: something else of the run has the name of one of its maps; or what preparing it
 * returned.
 */
int live_detectors_change_run(struct run *run, const char *name,
                              const struct virtual_detector_settings *settings,
                              const struct product_set **set, struct error *error);

/* Makes the run compute these detectors and no others, from the next chunk on; bands in nm^-1 with
 * the pixel size of the calibration. The log tells of those that cannot be had. */
void live_detectors_renew_run(struct run *run, const struct live_detectors *detectors,
                              const struct calibration *calibration);
