#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_info.h"
#include "daemon/record/hdf5_error.h"

/* What was told beside the frames: notes, series, the calibration. */

static void add_notes(json_t *info, hid_t entry)
{
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX] = {0};
    const hid_t dataset = file_has(entry, "notes/time_ns")
                              ? H5Dopen2(entry, "notes/time_ns", H5P_DEFAULT)
                              : H5I_INVALID_HID;
    if (dataset >= 0 && file_extent(dataset, &rank, extent) && rank == 1)
        json_object_set_new(info, "notes", json_integer((json_int_t)extent[0]));
    if (dataset >= 0)
        H5Dclose(dataset);
}

static int visit_series(hid_t parent, const char *name, H5L_type_t type, void *data)
{
    json_t *const list = data;
    if (type != H5L_TYPE_HARD || strcmp(name, "log") == 0)
        return 0;
    const hid_t group = H5Gopen2(parent, name, H5P_DEFAULT);
    char *const units = group < 0 ? NULL : file_read_attribute(group, "units");
    json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "units", units ? units : ""));
    free(units);
    if (group >= 0)
        H5Gclose(group);
    hdf5_error_forget();
    return 0;
}

static void add_series(json_t *info, hid_t entry)
{
    const hid_t group =
        file_has(entry, "series") ? H5Gopen2(entry, "series", H5P_DEFAULT) : H5I_INVALID_HID;
    json_t *const list = json_array();
    if (group >= 0) {
        file_each_member(group, visit_series, list);
        H5Gclose(group);
    }
    json_object_set_new(info, "series", list);
}

/* As it was when the run was planned. */
static void add_calibration(json_t *info, hid_t entry)
{
    char *const text = file_read_text(entry, "settings/1");
    json_t *const settings = text ? json_loads(text, 0, NULL) : NULL;
    json_t *const calibration = json_object_get(settings, "calibration");
    json_object_set_new(info, "calibration", calibration ? json_incref(calibration) : json_null());
    json_decref(settings);
    free(text);
}

void file_info_add_log(json_t *info, const struct file_recording *recording)
{
    add_notes(info, recording->entry);
    add_series(info, recording->entry);
    add_calibration(info, recording->entry);
}
