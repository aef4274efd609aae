#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/calibration/kept_list.h"
#include "processing/pixels/npy.h"

/*
 * Things that were measured or given once and are used by name from then on, through restarts of
 * the daemon: vacuum references, halos, calibrations, references of Bragg reflections. A thing has
 * a kind, a name that is unique in its kind, a JSON document of whatever its kind means by one,
 * and two-dimensional arrays.
 *
 *     DIRECTORY/KIND/NAME.json             {"kind", "name", "saved": [s, ns], "document": {...},
 *                                           "arrays": {ARRAY: file name}}
 *     DIRECTORY/KIND/NAME.SAVED.ARRAY.npy  SAVED: the time above in ns
 *
 * The arrays are written first, each under a name of its own, then the document under another name
 * that is renamed: whoever is killed at any moment leaves the thing of before or the new one,
 * whole. Documents are in memory from the start, arrays are read when they are asked for. Names
 * and kinds are letters, digits, "_", "-"; kinds may have dots inside ("bragg.reference").
 *
 * Belongs to the service thread. Putting waits for the disk: call it when a person asked for it,
 * never on a frame's path.
 */
struct kept_store;

/* Files of a kind, at most. */
#define KEPT_MAX 1000

/* An array on its way in: its values are the caller's. */
struct kept_array {
    const char *name; /* letters, digits, "_", "-" */
    struct npy_array values;
};

/*
 * Reads what is in a directory, which is made when something is put; a file that cannot be
 * understood is passed over with a warning in the log and stays. -ENOMEM, or whatever kept the
 * directory from being read.
 */
int kept_store_open(struct kept_store **store, const char *directory, struct error *error);

/* From now on nothing can be put or removed (-EROFS): the directory is another process's. */
void kept_store_protect(struct kept_store *store);

/* NULL does nothing. */
void kept_store_close(struct kept_store *store);

/*
 * Keeps a thing, in the place of the one with its kind and name. Takes a reference of the document,
 * which must not change any more. -EINVAL: a name that is none; -ENOSPC: there are KEPT_MAX of the
 * kind, or the disk is full; another negative errno of the disk: nothing is changed then.
 */
int kept_store_put(struct kept_store *store, const char *kind, const char *name, json_t *document,
                   const struct kept_array *arrays, size_t n_arrays, struct error *error);

/* -ENOENT: there is none; a negative errno of the disk: it is still there. */
int kept_store_remove(struct kept_store *store, const char *kind, const char *name,
                      struct error *error);

/* NULL: there is none. Valid until the next put or remove. */
const struct kept *kept_store_find(const struct kept_store *store, const char *kind,
                                   const char *name);

/* The things of a kind in the order of their names (kind NULL: of all kinds, these in order too):
 * the first one after `previous` (NULL: the first of all); NULL: no more. */
const struct kept *kept_store_next(const struct kept_store *store, const char *kind,
                                   const struct kept *previous);

/* Reads an array; its values lie in *bytes, which the caller frees. -ENOENT: it has no such array;
 * else as npy_file_read, with a sentence that names the file. */
int kept_store_read(const struct kept_store *store, const struct kept *kept, const char *array,
                    struct npy_array *values, void **bytes, struct error *error);

/* Where it is kept. */
const char *kept_store_directory(const struct kept_store *store);
