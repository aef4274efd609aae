#pragma once

#include "processing/run/run.h"

/*
 * The geometries through which the run was seen, from the one it is stored in to the newest, as a
 * JSON array (merlind-file(5)) of at most `capacity` bytes, for free(). Where there is no room for
 * all, those after the first are left out that are the oldest. NULL: no memory.
 */
char *geometry_text(const struct run *run, size_t capacity);

#define POSITIONS_NAME_SIZE 32

/* The dataset in /entry/geometry that has the list of a view whose order is a list: that of the
 * run, or of the first view that had this list. */
void geometry_positions_name(char name[POSITIONS_NAME_SIZE], const struct run *run,
                             const struct run_view *view);

/* The members of a geometry that file, settings and history have in common: a new object. */
struct json_t;
struct json_t *geometry_json(const struct scan_geometry *scan);
