#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Copies what nobody needs to understand from one file to another: groups with their attributes,
 * datasets as they are (file_copy_dataset.c), attributes (file_copy_attributes.c), links. An object
 * with several names stays one object, also when one of its names is of something that was made
 * anew: that is told with file_copy_note.
 */
struct file_copy_object;

/*
 * For a file that may be damaged: what cannot be copied is left out, and the rest goes on. Objects
 * are told by their path in the old file, attributes as PATH@NAME.
 */
struct file_copy_judge {
    /* Whether a chunk is worth copying; its bytes are as they are in the file, NULL: they cannot be
     * read. */
    bool (*keep)(void *data, hid_t dataset, const void *bytes, size_t size);
    /* Before anything of it is read; false: leave it out. */
    bool (*enter)(void *data, const char *path);
    /* What was entered last is done with, and the object that it is in gone on with. */
    void (*leave)(void *data, const char *parent);
    /* It could not be copied, or not all that is in it (PATH@*, PATH/...). Negative: end with that.
     */
    int (*lost)(void *data, const char *path);
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
/* All of them, or as far as the judge (may be NULL) has it. */
int file_copy_attributes_judged(hid_t from, hid_t to, const struct file_copy_judge *judge);

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
