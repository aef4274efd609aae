#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Copies what nobody needs to understand from one file to another: groups with their attributes,
 * datasets as they are (file_copy_dataset.c), links. An object with several names stays
 * one object, also when one of its names is of something that was made anew: that is told with
 * file_copy_note.
 */
struct file_copy_object;

/*
 * Which chunks are worth copying, from a file that may be damaged: `keep` sees the bytes of each as
 * they are in the file (NULL: they cannot be read) and the dataset that they are of.
 */
struct file_copy_judge {
    bool (*keep)(void *data, hid_t dataset, const void *bytes, size_t size);
    void *data;
};

struct file_copier {
    hid_t into; /* the new file */
    struct file_copy_object *objects;
    size_t n, capacity;
    unsigned depth;
    const struct file_copy_judge *judge; /* NULL: every chunk is copied, or the copy fails */
};

void file_copier_init(struct file_copier *copier, hid_t into);
void file_copier_finish(struct file_copier *copier);

/* All return 0 or a negative number: HDF5 failed or there is no memory. */

/* From now on other names of `old` become names of `made`. */
int file_copy_note(struct file_copier *copier, hid_t old, hid_t made);

/* Attributes of an object but those that `left_out` (may be NULL) names. References are not copied:
 * what they refer to may not be there. */
typedef bool (*file_copy_filter)(const char *name);
int file_copy_attributes(hid_t from, hid_t to, file_copy_filter left_out);

/* One member of a group, with all that is in it. */
int file_copy_member(struct file_copier *copier, hid_t from, const char *name, hid_t to);

/* All members that are not there yet but those that `left_out` (may be NULL) names. */
int file_copy_members(struct file_copier *copier, hid_t from, hid_t to, file_copy_filter left_out);

/*
 * A dataset with its attributes: chunks as they are in the file, without recompression, those that
 * were never written left out. Not H5Ocopy: that (1.10.8) crashes when the disk is full. References
 * read as 0 in the copy.
 */
int file_copy_dataset(hid_t from, const char *name, hid_t to, const struct file_copy_judge *judge);
