#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "processing/run/run.h"

struct result_datasets;

/*
 * /entry/results/bragg: which frames hold Bragg reflections. The maps class, count and strongest
 * are datasets like those of other maps (result_datasets.h), overwritten while the run goes on and
 * once more when the classes are final. All else is made when the file is made and filled in the
 * end: what a run that learns had found live, the list of reflections by frame, the statistics and
 * the reference, as texts of fixed length.
 */
struct bragg_datasets {
    bool made;
    hid_t live_class, live_epoch; /* -1: the classes are final from the start */
    hid_t reflections, statistics, reference, template_sums;
    size_t statistics_capacity;
};

/* In the group of results; adds the maps to `results`. Returns 0 or a negative number, as all do.
 */
int bragg_datasets_create(struct bragg_datasets *datasets, struct result_datasets *results,
                          hid_t parent, const struct run *run, const struct product *product);

/* The product whose values a map of `product` has now: that of Bragg reflections is replaced when
 * its classes become final. */
const struct product *bragg_datasets_newest(const struct product *product, const struct run *run);

/* When the run is over; does nothing where they were not made. */
int bragg_datasets_complete(const struct bragg_datasets *datasets,
                            const struct result_datasets *results, const struct run *run);

/* All of it at once, for a product that came while the run went on. */
int bragg_datasets_write_late(const struct result_datasets *results, hid_t parent,
                              const struct run *run, const struct product *product);
