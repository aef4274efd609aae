#pragma once

#include <hdf5.h>
#include <stdbool.h>

#include "daemon/record/file_read.h"

/*
 * What programs look for that do not read NeXus, made of /entry/data as it stands in the file:
 * nothing is stored twice. `/` and /entry get the marks of an EMD 1.0 file (emdfile, py4DSTEM) and
 * /Experiments is that of a HyperSpy file; its data are soft links, because RosettaSciIO's EMD
 * reader and LiberTEM take the first name of a dataset in alphabetical order. merlind-file(5),
 * READERS.
 */

/* An axis of the images as the file has it. */
struct reader_axis {
    char name[FILE_NAME_SIZE], units[FILE_NAME_SIZE]; /* "": only counted */
    double first, step;
    hsize_t n;
};

/* Units, first value and step of the axis in `group` that has the name of *axis; "", 0, 1: there is
 * none. */
void reader_axis_read(hid_t group, struct reader_axis *axis);

/* The axes of the images of a group, by its attribute `axes`; returns how many, 0: it has none. */
unsigned reader_axes(hid_t group, struct reader_axis axes[FILE_RANK_MAX]);

/* Makes all of it, anew where a file has it already. A file whose stack still grows has to wait
 * until it is closed. Returns 0 or a negative number: HDF5 failed. */
int reader_views_create(hid_t file);

/* The same for a file that was made of another one: files of the first version had no such views,
 * and stay as they are. */
int reader_views_renew(hid_t file);

/* Is this one of the attributes with which groups and the root are marked for other readers? */
bool reader_views_is_mark(const char *attribute);

/* `axes`, and for each of them AXIS_indices. */
int reader_views_name_axes(hid_t group, const char *const *names, unsigned n);

/* Of one group of images, for reader_views_create. `entry` is /entry. */
int reader_emd_create(hid_t entry, hid_t images, const struct reader_axis *axes, unsigned n);
int reader_hyperspy_create(hid_t experiments, const char *name, const char *images,
                           const struct reader_axis *axes, unsigned n, hid_t entry);
