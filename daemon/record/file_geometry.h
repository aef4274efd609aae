#pragma once

#include <hdf5.h>
#include <jansson.h>
#include <stdint.h>

#include "common/error.h"
#include "processing/scan/scan_geometry.h"

/*
 * The geometries that /entry/geometry tells (merlind-file(5)). A geometry read from a file holds a
 * reference of its list; file_geometry_finish gives it back.
 *
 * The one that the frames of a file are stored in is the first of its history, or, after
 * merlin-file has moved them, the last one whose source is "reshape".
 */

#define FILE_GEOMETRY_RESHAPE "reshape"

/* The history as a JSON array with at least one object; NULL: the file has none, or none that can
 * be read. */
json_t *file_history_read(hid_t file);

/* Indices into the history. */
size_t file_history_stored(const json_t *history);
size_t file_history_last(const json_t *history);

/* Returns 0 or -EBADMSG with a sentence: something in this entry cannot be. */
int file_geometry_read(struct scan_geometry *geometry, hid_t file, const json_t *entry,
                       struct error *error);
void file_geometry_finish(struct scan_geometry *geometry);

/* Lists of positions: y and x of each, in a dataset of n rows or a .npy file. The map is what the
 * list needs when ny is 0. */
int file_list_read(struct scan_list **list, hid_t file, const char *path, uint32_t ny, uint32_t nx,
                   struct error *error);
int file_list_from_npy(struct scan_list **list, const char *path, uint32_t ny, uint32_t nx,
                       struct error *error);

/* The largest scan that is believed: beyond it numbers could overflow. */
#define FILE_SCAN_MAX ((uint64_t)1 << 40)

/* Whether all numbers of a geometry, which may come from anywhere, stay below that. */
bool file_geometry_sane(const struct scan_geometry *geometry);

/* "16 x 16 raster, 2 frames left out after each line, shifted by +3" */
void file_geometry_describe(char *text, size_t size, const struct scan_geometry *geometry);
