#include "daemon/record/reader_views.h"

#include <stdio.h>
#include <string.h>

#include "daemon/record/nexus.h"

/*
 * EMD 1.0, as emdfile and py4DSTEM read it: /entry is the root of a tree, /entry/data an array in
 * it, whose axes have the names dim0, dim1... as well. py4DSTEM takes the sizes of pixels from a
 * group of metadata, and knows reciprocal angstroms, not nanometres.
 */
#define NM_IN_ANGSTROM 10.0

static int mark(hid_t group, const char *type, const char *class)
{
    if (nexus_attribute_replace(group, "emd_group_type", type) < 0)
        return -1;
    return class ? nexus_attribute_replace(group, "python_class", class) : 0;
}

/* An item's dataset says in an attribute of what kind it is. */
static int mark_item(hid_t group, const char *name, const char *type)
{
    const hid_t item = H5Dopen2(group, name, H5P_DEFAULT);
    const int r = item < 0 ? -1 : nexus_attribute(item, "type", type);
    if (item >= 0)
        H5Dclose(item);
    return r;
}

static int put_number(hid_t group, const char *name, double value)
{
    return nexus_real(group, name, value) < 0 ? -1 : mark_item(group, name, "number");
}

static int put_text(hid_t group, const char *name, const char *text)
{
    return nexus_text(group, name, text, strlen(text)) < 0 ? -1 : mark_item(group, name, "string");
}

static int fill_calibration(hid_t group, const struct reader_axis *scan,
                            const struct reader_axis *detector)
{
    const bool k = strcmp(detector->units, "1/nm") == 0, nm = strcmp(scan->units, "nm") == 0;
    if (mark(group, "metadata", "Calibration") < 0 ||
        put_number(group, "Q_pixel_size", k ? detector->step / NM_IN_ANGSTROM : 1) < 0 ||
        put_text(group, "Q_pixel_units", k ? "A^-1" : "pixels") < 0 ||
        put_number(group, "R_pixel_size", nm ? scan->step : 1) < 0)
        return -1;
    return put_text(group, "R_pixel_units", nm ? "nm" : "pixels");
}

/* What a copied file may have of these names. */
static int remove_links(hid_t entry, hid_t images)
{
    if (file_has(entry, "metadatabundle") && H5Ldelete(entry, "metadatabundle", H5P_DEFAULT) < 0)
        return -1;
    for (unsigned i = 0; i < FILE_RANK_MAX; i++) {
        char dim[16];
        snprintf(dim, sizeof dim, "dim%u", i);
        if (H5Lexists(images, dim, H5P_DEFAULT) > 0 && H5Ldelete(images, dim, H5P_DEFAULT) < 0)
            return -1;
    }
    return 0;
}

static int create_calibration(hid_t entry, const struct reader_axis *scan,
                              const struct reader_axis *detector)
{
    const hid_t bundle = nexus_group(entry, "metadatabundle", NULL);
    const hid_t group = bundle < 0 ? -1 : nexus_group(bundle, "calibration", NULL);
    int r = -1;
    if (group >= 0 && mark(bundle, "metadatabundle", NULL) == 0)
        r = fill_calibration(group, scan, detector);
    if (group >= 0)
        H5Gclose(group);
    if (bundle >= 0)
        H5Gclose(bundle);
    return r;
}

int reader_emd_create(hid_t entry, hid_t images, const struct reader_axis *axes, unsigned n)
{
    /* py4DSTEM's own class is of four axes. */
    const bool cube = n == 4;
    if (remove_links(entry, images) < 0 || mark(entry, "root", "Root") < 0 ||
        mark(images, "array", cube ? "DataCube" : "Array") < 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        char dim[16];
        snprintf(dim, sizeof dim, "dim%u", i);
        if (H5Lcreate_soft(axes[i].name, images, dim, H5P_DEFAULT, H5P_DEFAULT) < 0)
            return -1;
    }
    return cube ? create_calibration(entry, &axes[1], &axes[3]) : 0;
}
