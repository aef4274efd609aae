#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "processing/scan/scan_geometry.h"

/*
 * Groups, attributes and text in the forms that the programs which read NeXus files expect:
 * NX_class is a fixed-length ASCII string (HyperSpy compares bytes), every other attribute a
 * variable-length UTF-8 string (emdfile compares str). Text datasets have a fixed length, padded
 * with zeros, so that they can be overwritten while the file is in SWMR mode.
 *
 * All return a negative number when HDF5 failed; handles that they open for their own use are
 * closed again, which SWMR demands of attributes.
 */

/* Makes a group; nx_class may be NULL. */
hid_t nexus_group(hid_t parent, const char *name, const char *nx_class);
int nexus_class(hid_t object, const char *nx_class);
int nexus_attribute(hid_t object, const char *name, const char *text);
/* The same where there may be one of this name already. */
int nexus_attribute_replace(hid_t object, const char *name, const char *text);
int nexus_attribute_list(hid_t object, const char *name, const char *const *texts, size_t n);

int nexus_attribute_number(hid_t object, const char *name, uint64_t value);
int nexus_attribute_real(hid_t object, const char *name, double value);
/* In the form that h5py reads as a bool. */
int nexus_attribute_bool(hid_t object, const char *name, bool value);
/* Takes away an attribute that may be there. */
int nexus_attribute_remove(hid_t object, const char *name);

/* `group`/name is another name of home/name, an absolute path. */
int nexus_link(hid_t group, const char *name, const char *home);

/* Makes a text dataset of `capacity` bytes, empty. */
hid_t nexus_text_create(hid_t group, const char *name, size_t capacity);
/* Overwrites it; text that is longer than its capacity is cut. */
int nexus_text_write(hid_t dataset, const char *text, size_t size);
/* Makes a text dataset that stays as it is. */
int nexus_text(hid_t group, const char *name, const char *text, size_t size);
int nexus_number(hid_t group, const char *name, uint32_t value);
int nexus_real(hid_t group, const char *name, double value);

/* Values of an axis: first, first + step ... in `units`. */
struct nexus_scale {
    double first, step;
    const char *units;
};

/* An axis: float64[n]. */
int nexus_axis(hid_t group, const char *name, uint64_t n, const struct nexus_scale *scale,
               const char *long_name);

/* The axes scan_y and scan_x of a scan, and repeat of one with several passes. step_nm: between
 * positions; 0: not known, then they are counted. */
int nexus_scan_axes(hid_t group, const struct scan_geometry *scan, double step_nm);
/* Their names, in order; returns how many. */
size_t nexus_scan_axis_names(const char *names[3], const struct scan_geometry *scan);
