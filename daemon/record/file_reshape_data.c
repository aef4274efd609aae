#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_reshape.h"
#include "daemon/record/nexus.h"
#include "daemon/record/reader_views.h"

/* ---- axes ---- */

static const char *const axis_names[] = {"frame", "repeat", "scan_y", "scan_x"};

bool reshape_is_scan_axis(const char *name)
{
    for (size_t i = 0; i < sizeof axis_names / sizeof *axis_names; i++) {
        if (strcmp(name, axis_names[i]) == 0)
            return true;
    }
    return false;
}

unsigned reshape_map_axes(const struct scan_geometry *geometry, const char *names[3],
                          hsize_t extent[3], uint64_t length)
{
    if (geometry->ny == 0) {
        names[0] = "frame";
        extent[0] = length;
        return 1;
    }
    const unsigned n = (unsigned)nexus_scan_axis_names(names, geometry);
    extent[0] = scan_geometry_passes(geometry);
    extent[n - 2] = geometry->ny;
    extent[n - 1] = geometry->nx;
    return n;
}

/* First value and step of an axis of the original; 0, 1 when there is none like that. */
static void read_scale(hid_t home, const char *name, double *first, double *step)
{
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX];
    double values[2];
    *first = 0;
    *step = 1;
    const hid_t axis = file_has(home, name) ? H5Dopen2(home, name, H5P_DEFAULT) : H5I_INVALID_HID;
    if (axis < 0)
        return;
    if (file_extent(axis, &rank, extent) && rank == 1 && extent[0] >= 2 &&
        file_read_rows(axis, H5T_NATIVE_DOUBLE, 0, 2, values) == 0) {
        *first = values[0];
        *step = values[1] - values[0];
    }
    H5Dclose(axis);
}

static int write_scale(hid_t axis, uint64_t n, double first, double step)
{
    double *const values = malloc((n + 1) * sizeof *values);
    if (!values)
        return -1;
    for (uint64_t i = 0; i < n; i++)
        values[i] = first + (double)i * step;
    const herr_t r = H5Dwrite(axis, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    free(values);
    return r < 0 ? -1 : 0;
}

static int describe_axis(hid_t axis, hid_t home, const char *name)
{
    if (file_has(home, name)) {
        const hid_t old = H5Dopen2(home, name, H5P_DEFAULT);
        const int r = old < 0 ? -1 : file_copy_attributes(old, axis, NULL);
        if (old >= 0)
            H5Dclose(old);
        return r;
    }
    const char *const long_name = strcmp(name, "frame") == 0    ? "place in the order of frames"
                                  : strcmp(name, "repeat") == 0 ? "pass of the scan"
                                  : strcmp(name, "scan_y") == 0 ? "scan position along y (slow)"
                                                                : "scan position along x (fast)";
    if (nexus_attribute(axis, "units", "") < 0)
        return -1;
    return nexus_attribute(axis, "long_name", long_name);
}

/* An axis with the scale and the words of the one in `home` of the original, if it had one. */
static int make_axis(hid_t group, const char *name, uint64_t n, hid_t home)
{
    const hsize_t extent = n;
    double first, step;
    const hid_t space = H5Screate_simple(1, &extent, NULL);
    if (space < 0)
        return -1;
    const hid_t axis =
        H5Dcreate2(group, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
    if (axis < 0)
        return -1;
    read_scale(home, name, &first, &step);
    int r = write_scale(axis, n, first, step);
    if (r == 0)
        r = describe_axis(axis, home, name);
    H5Dclose(axis);
    return r;
}

/* The group of the original that has the axes of its maps. */
static hid_t open_old_axes(const struct reshape *reshape)
{
    const bool list = reshape->old.storage.ny > 0 && scan_geometry_is_stack(&reshape->old.storage);
    return H5Gopen2(reshape->old.entry, list ? "geometry" : "data", H5P_DEFAULT);
}

int reshape_map_axes_make(const struct reshape *reshape, hid_t group)
{
    const char *names[3];
    hsize_t extent[3];
    const unsigned n = reshape_map_axes(&reshape->geometry, names, extent, reshape->length);
    const hid_t home = open_old_axes(reshape);
    int r = home < 0 ? -1 : 0;
    for (unsigned i = 0; r == 0 && i < n; i++)
        r = make_axis(group, names[i], extent[i], home);
    if (home >= 0)
        H5Gclose(home);
    return r;
}

/* ---- /entry/data ---- */

static bool is_made_attribute(const char *name)
{
    const size_t length = strlen(name), suffix = strlen("_indices");
    return strcmp(name, "axes") == 0 ||
           (length > suffix && strcmp(name + length - suffix, "_indices") == 0);
}

static bool is_made_in_data(const char *name)
{
    return strcmp(name, "data") == 0 || reshape_is_scan_axis(name);
}

/* The axes of the data: those of the maps but of a list, whose frames are a stack. */
static unsigned data_axes(const struct reshape *reshape, const char *names[5])
{
    hsize_t extent[3];
    unsigned n = 1;
    if (scan_geometry_is_stack(&reshape->geometry))
        names[0] = "frame";
    else
        n = reshape_map_axes(&reshape->geometry, names, extent, reshape->length);
    names[n++] = "y";
    names[n++] = "x";
    return n;
}

static int make_data_axes(const struct reshape *reshape, hid_t group, hid_t old, unsigned layer)
{
    const char *names[5];
    const unsigned n = data_axes(reshape, names);
    int r = reader_views_name_axes(group, names, n);
    for (unsigned i = 0; r >= 0 && layer > 0 && i + 2 < n; i++)
        r = nexus_link(group, names[i], "/entry/data");
    if (r < 0 || layer > 0)
        return r;
    if (!scan_geometry_is_stack(&reshape->geometry))
        return reshape_map_axes_make(reshape, group);
    return make_axis(group, "frame", reshape->length, old);
}

static int fill_data_group(struct reshape *reshape, hid_t group, hid_t old, unsigned layer)
{
    const struct image_store *const like = &reshape->old.layers[layer].images;
    const uint32_t k = like->chunk_frames ? like->chunk_frames : 1;
    struct image_store *const made = &reshape->images[layer];
    if (file_copy_attributes(old, group, is_made_attribute) < 0 ||
        image_store_create(made, group, like, &reshape->geometry, reshape->length, k) < 0 ||
        file_copy_note(&reshape->copier, like->id, made->id) < 0 ||
        file_copy_attributes(like->id, made->id, NULL) < 0 ||
        make_data_axes(reshape, group, old, layer) < 0)
        return -1;
    return file_copy_members(&reshape->copier, old, group, is_made_in_data);
}

int reshape_data_groups(struct reshape *reshape)
{
    int r = 0;
    for (unsigned layer = 0; r == 0 && layer < reshape->old.n_layers; layer++) {
        const char *const name = reshape->old.layers[layer].group;
        const hid_t old = H5Gopen2(reshape->old.entry, name, H5P_DEFAULT);
        const hid_t group = nexus_group(reshape->entry, name, NULL);
        r = old < 0 || group < 0 ? -1 : fill_data_group(reshape, group, old, layer);
        if (group >= 0)
            H5Gclose(group);
        if (old >= 0)
            H5Gclose(old);
    }
    return r;
}
