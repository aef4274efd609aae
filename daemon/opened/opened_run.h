#pragma once

#include "daemon/opened/opened_file.h"
#include "processing/run/run.h"

/*
 * The run of an opened file as it was when its last frame had come, with no result yet: its frames
 * are known and can be read again (chunk_store.h), everything else is computed from them
 * (recompute.h). Late frames, which are not in their chunks, are left out, as everywhere where
 * frames are read again.
 *
 * Takes over the file, which goes with the run, also when it fails. The plan gets the run's id,
 * labels and geometry; nothing will be recorded. It is seen through the last geometry that it was
 * seen through. -EINVAL, -EIO, -ENOMEM with a sentence.
 */
int opened_run_create(struct run **run, struct opened_file *file, struct acquisition_plan *plan,
                      unsigned n_workers, struct error *error);
