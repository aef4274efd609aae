#include "daemon/record/reader_views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/nexus.h"

#define FIRST_IMAGES "data"
#define OTHER_IMAGES "data_"

/* ---- axes ---- */

static void read_units(hid_t axis, char units[FILE_NAME_SIZE])
{
    char *const text = file_read_attribute(axis, "units");
    snprintf(units, FILE_NAME_SIZE, "%s", text ? text : "");
    free(text);
}

void reader_axis_read(hid_t group, struct reader_axis *axis)
{
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX];
    double values[2];
    axis->units[0] = '\0';
    axis->first = 0;
    axis->step = 1;
    const hid_t dataset =
        file_has(group, axis->name) ? H5Dopen2(group, axis->name, H5P_DEFAULT) : -1;
    if (dataset < 0)
        return;
    read_units(dataset, axis->units);
    if (file_extent(dataset, &rank, extent) && rank == 1 && extent[0] >= 2 &&
        file_read_rows(dataset, H5T_NATIVE_DOUBLE, 0, 1, &values[0]) == 0 &&
        file_read_rows(dataset, H5T_NATIVE_DOUBLE, extent[0] - 1, 1, &values[1]) == 0) {
        axis->first = values[0];
        axis->step = (values[1] - values[0]) / (double)(extent[0] - 1);
    }
    H5Dclose(dataset);
}

unsigned reader_axes(hid_t group, struct reader_axis axes[FILE_RANK_MAX])
{
    char names[FILE_RANK_MAX][FILE_NAME_SIZE];
    unsigned rank = 0;
    hsize_t extent[FILE_RANK_MAX];
    const unsigned n = file_read_names(group, "axes", names, FILE_RANK_MAX);
    const hid_t images = file_has(group, "data") ? H5Dopen2(group, "data", H5P_DEFAULT) : -1;
    const bool known = images >= 0 && file_extent(images, &rank, extent) && rank == n;
    if (images >= 0)
        H5Dclose(images);
    for (unsigned i = 0; known && i < n; i++) {
        memset(&axes[i], 0, sizeof axes[i]);
        memcpy(axes[i].name, names[i], sizeof names[i]);
        axes[i].n = extent[i];
        reader_axis_read(group, &axes[i]);
    }
    return known ? n : 0;
}

int reader_views_name_axes(hid_t group, const char *const *names, unsigned n)
{
    if (nexus_attribute_list(group, "axes", names, n) < 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        char attribute[FILE_NAME_SIZE];
        snprintf(attribute, sizeof attribute, "%s_indices", names[i]);
        if (nexus_attribute_number(group, attribute, i) < 0)
            return -1;
    }
    return 0;
}

/* ---- views ---- */

bool reader_views_is_mark(const char *attribute)
{
    static const char *const marks[] = {"file_format",   "file_format_version", "emd_group_type",
                                        "version_major", "version_minor",       "python_class"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (strcmp(attribute, marks[i]) == 0)
            return true;
    }
    return false;
}

static int mark_version(hid_t root, const char *name, uint64_t version)
{
    return nexus_attribute_remove(root, name) < 0 ? -1
                                                  : nexus_attribute_number(root, name, version);
}

/* Whose file this is. */
static int mark_root(hid_t file)
{
    const hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
    int r = -1;
    if (root >= 0 && nexus_attribute_replace(root, "file_format", "HyperSpy") >= 0 &&
        nexus_attribute_replace(root, "file_format_version", "3.1") >= 0 &&
        nexus_attribute_replace(root, "emd_group_type", "file") >= 0 &&
        mark_version(root, "version_major", 1) >= 0)
        r = mark_version(root, "version_minor", 0);
    if (root >= 0)
        H5Gclose(root);
    return r;
}

struct views {
    hid_t entry, experiments;
};

/* A file_member_fn: views of the groups that have images. */
static int create_views_of(hid_t entry, const char *name, H5L_type_t type, void *data)
{
    const struct views *const views = data;
    const bool first = strcmp(name, FIRST_IMAGES) == 0;
    const size_t prefix = sizeof OTHER_IMAGES - 1;
    struct reader_axis axes[FILE_RANK_MAX];
    char experiment[FILE_NAME_SIZE] = "scan";
    if (type != H5L_TYPE_HARD || (!first && strncmp(name, OTHER_IMAGES, prefix) != 0))
        return 0;
    const hid_t group = H5Gopen2(entry, name, H5P_DEFAULT);
    if (group < 0)
        return -1;
    const unsigned n = reader_axes(group, axes);
    if (!first)
        snprintf(experiment, sizeof experiment, "scan_%s", name + prefix);
    int r =
        n == 0 ? 0 : reader_hyperspy_create(views->experiments, experiment, name, axes, n, entry);
    if (r >= 0 && first && n > 0)
        r = reader_emd_create(entry, group, axes, n);
    H5Gclose(group);
    return r;
}

int reader_views_create(hid_t file)
{
    if (file_has(file, "Experiments") && H5Ldelete(file, "Experiments", H5P_DEFAULT) < 0)
        return -1;
    struct views views = {
        .entry = H5Gopen2(file, "entry", H5P_DEFAULT),
        .experiments = nexus_group(file, "Experiments", NULL),
    };
    int r = -1;
    if (views.entry >= 0 && views.experiments >= 0)
        r = file_each_member(views.entry, create_views_of, &views);
    if (r >= 0)
        r = mark_root(file);
    if (views.experiments >= 0)
        H5Gclose(views.experiments);
    if (views.entry >= 0)
        H5Gclose(views.entry);
    return r;
}

int reader_views_renew(hid_t file)
{
    const htri_t has_views = H5Aexists_by_name(file, "/", "merlind_format_version", H5P_DEFAULT);
    return has_views > 0 ? reader_views_create(file) : (int)has_views;
}
