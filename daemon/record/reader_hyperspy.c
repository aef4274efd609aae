#include "daemon/record/reader_views.h"

#include <stdio.h>
#include <string.h>

#include "daemon/record/nexus.h"

/* The file of HyperSpy, version 3.1: a group for each signal with its data, an axis-N for each
 * axis, and two groups of metadata. The last two axes are those of an image. */

static int describe_axis(hid_t group, const struct reader_axis *axis, bool navigate)
{
    if (nexus_attribute(group, "_type", "UniformDataAxis") < 0 ||
        nexus_attribute(group, "name", axis->name) < 0 ||
        nexus_attribute(group, "units", axis->units) < 0 ||
        nexus_attribute_real(group, "offset", axis->first) < 0 ||
        nexus_attribute_real(group, "scale", axis->step) < 0 ||
        nexus_attribute_number(group, "size", axis->n) < 0 ||
        nexus_attribute_bool(group, "navigate", navigate) < 0)
        return -1;
    return nexus_attribute_bool(group, "is_binned", false);
}

static int create_axis(hid_t experiment, unsigned i, const struct reader_axis *axis, bool navigate)
{
    char name[16];
    snprintf(name, sizeof name, "axis-%u", i);
    const hid_t group = nexus_group(experiment, name, NULL);
    const int r = group < 0 ? -1 : describe_axis(group, axis, navigate);
    if (group >= 0)
        H5Gclose(group);
    return r;
}

/* A group of metadata with one text. */
static int create_text(hid_t metadata, const char *name, const char *key, const char *text)
{
    const hid_t group = nexus_group(metadata, name, NULL);
    const int r = group < 0 ? -1 : nexus_attribute(group, key, text);
    if (group >= 0)
        H5Gclose(group);
    return r;
}

/* The energy of the beam is where HyperSpy and pyxem look for it; `entry` may not know it. */
static int create_instrument(hid_t metadata, hid_t entry)
{
    double kv;
    if (!file_has(entry, "instrument/source/energy"))
        return 0;
    const hid_t energy = H5Dopen2(entry, "instrument/source/energy", H5P_DEFAULT);
    const hid_t outer = nexus_group(metadata, "Acquisition_instrument", NULL);
    const hid_t inner = outer < 0 ? -1 : nexus_group(outer, "TEM", NULL);
    int r = -1;
    if (energy >= 0 && inner >= 0 &&
        H5Dread(energy, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &kv) >= 0)
        r = nexus_attribute_real(inner, "beam_energy", kv);
    if (inner >= 0)
        H5Gclose(inner);
    if (outer >= 0)
        H5Gclose(outer);
    if (energy >= 0)
        H5Dclose(energy);
    return r;
}

static int create_metadata(hid_t experiment, const char *title, hid_t entry)
{
    const hid_t metadata = nexus_group(experiment, "metadata", NULL);
    const hid_t original = nexus_group(experiment, "original_metadata", NULL);
    int r = -1;
    if (metadata >= 0 && original >= 0 && create_text(metadata, "General", "title", title) >= 0 &&
        create_text(metadata, "Signal", "signal_type", "electron_diffraction") >= 0)
        r = create_instrument(metadata, entry);
    if (original >= 0)
        H5Gclose(original);
    if (metadata >= 0)
        H5Gclose(metadata);
    return r;
}

int reader_hyperspy_create(hid_t experiments, const char *name, const char *images,
                           const struct reader_axis *axes, unsigned n, hid_t entry)
{
    char target[FILE_NAME_SIZE + 16];
    snprintf(target, sizeof target, "/entry/%s/data", images);
    const hid_t group = nexus_group(experiments, name, NULL);
    if (group < 0)
        return -1;
    /* `signal` keeps HyperSpy's NeXus reader from taking this for a second set of data. */
    int r = -1;
    if (nexus_attribute(group, "signal", "data") >= 0 &&
        H5Lcreate_soft(target, group, "data", H5P_DEFAULT, H5P_DEFAULT) >= 0)
        r = create_metadata(group, name, entry);
    for (unsigned i = 0; r >= 0 && i < n; i++)
        r = create_axis(group, i, &axes[i], i + 2 < n);
    H5Gclose(group);
    return r;
}
