#pragma once

#include <hdf5.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reading of small things from a file that anybody may have written: text of fixed or variable
 * length, attributes, extents. What is not there, or of another kind, reads as "none"; HDF5's word
 * about it is forgotten.
 */

#define FILE_RANK_MAX 8
#define FILE_NAME_SIZE 128

/* Is there an object at the end of this path ("a/b/c"), a link that leads nowhere not counting? */
bool file_has(hid_t parent, const char *path);

/* Text of a scalar dataset or attribute for free(), without the padding at its end; NULL: none. */
char *file_read_text(hid_t parent, const char *path);
char *file_read_attribute(hid_t object, const char *name);

/* JSON in a scalar text dataset, new reference; NULL: none that can be read. */
json_t *file_read_json(hid_t parent, const char *path);

/* The bytes of a scalar text dataset of fixed length for free(), its padding included. */
char *file_read_bytes(hid_t parent, const char *path, size_t *size);

/* An attribute that is a list of names; returns how many, 0: none, or more than `limit`. */
unsigned file_read_names(hid_t object, const char *name, char names[][FILE_NAME_SIZE],
                         unsigned limit);

/* A whole number in a scalar dataset. */
bool file_read_number(hid_t parent, const char *path, uint64_t *number);

/* Rank and extent; false: no simple extent, or one beyond FILE_RANK_MAX. */
bool file_extent(hid_t dataset, unsigned *rank, hsize_t extent[FILE_RANK_MAX]);

/* "<u2", "|u1", "<f8" as numpy writes it, "?" for others. */
const char *file_type_name(hid_t dataset, char name[8]);

/* Reads or writes n elements of a one-dimensional dataset from `first` on. */
int file_read_rows(hid_t dataset, hid_t memory_type, uint64_t first, uint64_t n, void *values);

/* Bytes of the chunk with this corner as it is in the file; 0: it was never written. Where chunks
 * are not filtered HDF5 does not tell, then they all seem to be there. */
int file_chunk_bytes(hid_t dataset, const hsize_t *corner, hsize_t *bytes);

/* A chunk as it is in the file, into memory that grows with need; *bytes is 0 when it was never
 * written. */
struct file_buffer {
    void *bytes; /* for free() */
    size_t capacity;
};
int file_buffer_reserve(struct file_buffer *buffer, size_t size);
int file_chunk_read(hid_t dataset, const hsize_t *corner, struct file_buffer *buffer,
                    hsize_t *bytes, uint32_t *mask);

/* Chunks that were written. */
int file_chunk_count(hid_t dataset, hsize_t *n);

/* Groups and datasets of a group by name; stops when `member` returns a negative number, which it
 * then returns. Soft links are named too, with `type` H5L_TYPE_SOFT. */
typedef int (*file_member_fn)(hid_t group, const char *name, H5L_type_t type, void *data);
int file_each_member(hid_t group, file_member_fn member, void *data);
