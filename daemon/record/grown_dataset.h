#pragma once

#include <hdf5.h>
#include <stdint.h>

/*
 * A one-dimensional dataset of numbers that grows at its end: chunked, unlimited, uncompressed (its
 * last chunk is written again and again, and a reader of the growing file must never meet a chunk
 * that moved). What was never written reads as the fill value.
 */
#define GROWN_DATASET_CHUNK 4096

/* `fill` is one value of `memory_type`. Returns the dataset or a negative number. */
hid_t grown_dataset_create(hid_t group, const char *name, hid_t file_type, hid_t memory_type,
                           const void *fill);

/* Makes it `length` long; it never shrinks. */
herr_t grown_dataset_extend(hid_t dataset, uint64_t length);

/* Reads or writes n values from index `first` on. */
herr_t grown_dataset_read(hid_t dataset, hid_t memory_type, uint64_t first, uint64_t n,
                          void *values);
herr_t grown_dataset_write(hid_t dataset, hid_t memory_type, uint64_t first, uint64_t n,
                           const void *values);
