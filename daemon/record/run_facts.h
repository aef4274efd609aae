#pragma once

#include <hdf5.h>

#include "processing/run/run.h"

/*
 * What a recording says of itself beside the settings of its run. All return 0 or a negative
 * number: HDF5 failed or there is no memory.
 */

/* /entry/configuration, the daemon's as YAML (may be NULL), and /entry/versions. */
int run_facts_write(hid_t entry, const char *configuration);

/* /entry/settings/N of every set of products that took the place of the first one, when the run is
 * over. */
bool run_facts_have_settings(const struct run *run);
int run_facts_write_settings(hid_t file, const struct run *run);

/* /entry/sample, when there is a label of that name. */
int run_facts_write_sample(hid_t entry, const struct run *run);
