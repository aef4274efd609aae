#pragma once

#include <hdf5.h>
#include <stdbool.h>

#include "daemon/record/image_dataset.h"
#include "processing/run/stored_chunks.h"

/*
 * Where a chunk lies in the file once it is written. HDF5 1.10 tells it only by going through all
 * chunks of the dataset (milliseconds, growing with the file). But what is new in a file that is
 * written in SWMR mode, where nothing is ever freed, begins at its end, and H5Dwrite_chunk writes
 * at once: so we look there whether it is our chunk, and ask the library only when it is not.
 */

/* Where the file ends; to be asked before the chunk is written. */
haddr_t chunk_address_end(hid_t file);

/* The chunk that was written to a place of a dataset; `descriptor` reads the file. false: it is not
 * known. */
bool chunk_address_find(hid_t file, int descriptor, const struct image_dataset *images,
                        uint64_t place, const struct compressed_chunk *chunk, haddr_t end_before,
                        struct stored_chunk *where);
