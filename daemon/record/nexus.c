#include "daemon/record/nexus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hid_t text_type(size_t size, H5T_cset_t characters)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0)
        return type;
    if (H5Tset_size(type, size) < 0 || H5Tset_cset(type, characters) < 0 ||
        (size != H5T_VARIABLE && H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

/* Takes over `type` and `space`, which may be failed handles. */
static int attribute_write(hid_t object, const char *name, hid_t type, hid_t space,
                           const void *value)
{
    int r = -1;
    if (type >= 0 && space >= 0) {
        const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        if (attribute >= 0) {
            r = H5Awrite(attribute, type, value) < 0 ? -1 : 0;
            H5Aclose(attribute);
        }
    }
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return r;
}

int nexus_class(hid_t object, const char *nx_class)
{
    return attribute_write(object, "NX_class", text_type(strlen(nx_class), H5T_CSET_ASCII),
                           H5Screate(H5S_SCALAR), nx_class);
}

int nexus_attribute(hid_t object, const char *name, const char *text)
{
    return attribute_write(object, name, text_type(H5T_VARIABLE, H5T_CSET_UTF8),
                           H5Screate(H5S_SCALAR), &text);
}

int nexus_attribute_list(hid_t object, const char *name, const char *const *texts, size_t n)
{
    const hsize_t extent = n;
    return attribute_write(object, name, text_type(H5T_VARIABLE, H5T_CSET_UTF8),
                           H5Screate_simple(1, &extent, NULL), texts);
}

int nexus_attribute_number(hid_t object, const char *name, uint64_t value)
{
    return attribute_write(object, name, H5Tcopy(H5T_NATIVE_UINT64), H5Screate(H5S_SCALAR), &value);
}

int nexus_attribute_real(hid_t object, const char *name, double value)
{
    return attribute_write(object, name, H5Tcopy(H5T_NATIVE_DOUBLE), H5Screate(H5S_SCALAR), &value);
}

int nexus_attribute_bool(hid_t object, const char *name, bool value)
{
    static const int8_t no = 0, yes = 1;
    const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    if (type >= 0 &&
        (H5Tenum_insert(type, "FALSE", &no) < 0 || H5Tenum_insert(type, "TRUE", &yes) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return attribute_write(object, name, type, H5Screate(H5S_SCALAR), value ? &yes : &no);
}

int nexus_attribute_remove(hid_t object, const char *name)
{
    const htri_t there = H5Aexists(object, name);
    if (there <= 0)
        return there < 0 ? -1 : 0;
    return H5Adelete(object, name) < 0 ? -1 : 0;
}

int nexus_link(hid_t group, const char *name, const char *home)
{
    char target[128];
    snprintf(target, sizeof target, "%s/%s", home, name);
    return H5Lcreate_soft(target, group, name, H5P_DEFAULT, H5P_DEFAULT) < 0 ? -1 : 0;
}

hid_t nexus_group(hid_t parent, const char *name, const char *nx_class)
{
    const hid_t group = H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0)
        return group;
    if (nx_class && nexus_class(group, nx_class) < 0) {
        H5Gclose(group);
        return -1;
    }
    return group;
}

int nexus_attribute_replace(hid_t object, const char *name, const char *text)
{
    return nexus_attribute_remove(object, name) < 0 ? -1 : nexus_attribute(object, name, text);
}

/* A scalar dataset whose space in the file exists from the start. Takes over `type`. */
static hid_t scalar_create(hid_t group, const char *name, hid_t type)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (type >= 0 && space >= 0 && properties >= 0 &&
        H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY) >= 0)
        dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return dataset;
}

hid_t nexus_text_create(hid_t group, const char *name, size_t capacity)
{
    return scalar_create(group, name, text_type(capacity ? capacity : 1, H5T_CSET_UTF8));
}

int nexus_text_write(hid_t dataset, const char *text, size_t size)
{
    const hid_t type = H5Dget_type(dataset);
    if (type < 0)
        return -1;
    const size_t capacity = H5Tget_size(type);
    char *const padded = calloc(1, capacity);
    int r = -1;
    if (padded) {
        memcpy(padded, text, size < capacity ? size : capacity);
        r = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, padded) < 0 ? -1 : 0;
    }
    free(padded);
    H5Tclose(type);
    return r;
}

int nexus_text(hid_t group, const char *name, const char *text, size_t size)
{
    const hid_t dataset = nexus_text_create(group, name, size);
    if (dataset < 0)
        return -1;
    const int r = nexus_text_write(dataset, text, size);
    H5Dclose(dataset);
    return r;
}

int nexus_number(hid_t group, const char *name, uint32_t value)
{
    const hid_t dataset = scalar_create(group, name, H5Tcopy(H5T_STD_U32LE));
    if (dataset < 0)
        return -1;
    const herr_t r = H5Dwrite(dataset, H5T_NATIVE_UINT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value);
    H5Dclose(dataset);
    return r < 0 ? -1 : 0;
}

int nexus_real(hid_t group, const char *name, double value)
{
    const hid_t dataset = scalar_create(group, name, H5Tcopy(H5T_IEEE_F64LE));
    if (dataset < 0)
        return -1;
    const herr_t r = H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value);
    H5Dclose(dataset);
    return r < 0 ? -1 : 0;
}

static int axis_fill(hid_t dataset, uint64_t n, const struct nexus_scale *scale)
{
    double *const values = malloc(n * sizeof *values);
    if (!values)
        return -1;
    for (uint64_t i = 0; i < n; i++)
        values[i] = scale->first + (double)i * scale->step;
    const herr_t r = H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    free(values);
    return r < 0 ? -1 : 0;
}

int nexus_axis(hid_t group, const char *name, uint64_t n, const struct nexus_scale *scale,
               const char *long_name)
{
    const hsize_t extent = n;
    const hid_t space = H5Screate_simple(1, &extent, NULL);
    if (space < 0)
        return -1;
    const hid_t dataset =
        H5Dcreate2(group, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
    if (dataset < 0)
        return -1;
    const int r = axis_fill(dataset, n, scale) < 0 ||
                          nexus_attribute(dataset, "units", scale->units) < 0 ||
                          nexus_attribute(dataset, "name", name) < 0 ||
                          nexus_attribute(dataset, "long_name", long_name) < 0
                      ? -1
                      : 0;
    H5Dclose(dataset);
    return r;
}

size_t nexus_scan_axis_names(const char *names[3], const struct scan_geometry *scan)
{
    size_t n = 0;
    if (scan_geometry_passes(scan) > 1)
        names[n++] = "repeat";
    names[n++] = "scan_y";
    names[n++] = "scan_x";
    return n;
}

int nexus_scan_axes(hid_t group, const struct scan_geometry *scan, double step_nm)
{
    const struct nexus_scale counted = {0, 1, ""}, measured = {0, step_nm, "nm"};
    const struct nexus_scale *const scale = step_nm > 0 ? &measured : &counted;
    const uint32_t passes = scan_geometry_passes(scan);
    if (passes > 1 && nexus_axis(group, "repeat", passes, &counted, "pass of the scan") < 0)
        return -1;
    if (nexus_axis(group, "scan_y", scan->ny, scale, "scan position along y (slow)") < 0)
        return -1;
    return nexus_axis(group, "scan_x", scan->nx, scale, "scan position along x (fast)");
}
