#pragma once

#include <hdf5.h>
#include <stddef.h>

#include "processing/products/acquisition_plan.h"

#define BLOSC_FILTER_ID 32001

/*
 * Teaches HDF5 to read Blosc chunks. Our own small class, so that neither writing (the filter is
 * mandatory in our files) nor reading back depends on a plug-in. It only decompresses: chunks are
 * compressed by the workers.
 */
herr_t blosc_filter_register(void);

/* Adds the filter to a dataset's properties. chunk_size: bytes of a chunk before compression. */
herr_t blosc_filter_add(hid_t properties, const struct recording_settings *settings,
                        size_t pixel_size, size_t chunk_size);
