#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/record/file_geometry.h"
#include "daemon/record/file_reshape.h"
#include "daemon/record/geometry_text.h"
#include "daemon/record/nexus.h"
#include "daemon/record/positions_dataset.h"

static bool is_made_in_geometry(const char *name)
{
    return strcmp(name, "history") == 0 || reshape_is_scan_axis(name);
}

static json_t *time_now(void)
{
    const uint64_t now = clock_realtime_ns();
    return json_pack("[I, I]", (json_int_t)(now / NS_PER_S), (json_int_t)(now % NS_PER_S));
}

/* Of a file that had no history: how it was stored, as far as that can be told. */
static json_t *history_of_old(const struct reshape *reshape)
{
    json_t *const history = json_array();
    json_t *const stored = geometry_json(&reshape->old.storage);
    json_object_set_new(stored, "version", json_integer(1));
    json_object_set_new(stored, "source", json_string("inferred"));
    json_object_set_new(stored, "frame", json_integer(0));
    json_object_set_new(stored, "time", json_pack("[i, i]", 0, 0));
    json_array_append_new(history, stored);
    return history;
}

static json_int_t next_version(const json_t *history)
{
    json_int_t version = 0;
    for (size_t i = 0; i < json_array_size(history); i++) {
        const json_int_t one =
            json_integer_value(json_object_get(json_array_get(history, i), "version"));
        version = one > version && one < INT32_MAX ? one : version;
    }
    return version + 1;
}

static json_t *entry_of_new(const struct reshape *reshape, json_int_t version, const char *list)
{
    const char *const slash = strrchr(reshape->old.path, '/');
    json_t *const entry = geometry_json(&reshape->geometry);
    json_object_set_new(entry, "version", json_integer(version));
    json_object_set_new(entry, "source", json_string(FILE_GEOMETRY_RESHAPE));
    json_object_set_new(entry, "frame", json_integer((json_int_t)reshape->came_end));
    json_object_set_new(entry, "time", time_now());
    json_object_set_new(entry, "file", json_string(slash ? slash + 1 : reshape->old.path));
    if (reshape->geometry.list)
        json_object_set_new(entry, "positions", json_string(list));
    return entry;
}

static int write_history(const struct reshape *reshape, hid_t group, json_int_t version,
                         const char *list)
{
    json_t *const history =
        reshape->old.history ? json_deep_copy(reshape->old.history) : history_of_old(reshape);
    json_array_append_new(history, entry_of_new(reshape, version, list));
    char *const text = history ? json_dumps(history, 0) : NULL;
    const int r = text ? nexus_text(group, "history", text, strlen(text)) : -1;
    free(text);
    json_decref(history);
    return r < 0 ? -1 : 0;
}

static int fill_geometry(struct reshape *reshape, hid_t group)
{
    char made[32];
    const json_int_t version = reshape->old.history ? next_version(reshape->old.history) : 2;
    const bool new_list = reshape->geometry.list && !reshape->list_name;
    snprintf(made, sizeof made, "positions_%" PRId64, (int64_t)version);
    if (new_list && positions_dataset_write(group, made, reshape->geometry.list) < 0)
        return -1;
    if (reshape->geometry.list && reshape_map_axes_make(reshape, group) < 0)
        return -1;
    return write_history(reshape, group, version, new_list ? made : reshape->list_name);
}

int reshape_geometry_group(struct reshape *reshape)
{
    const hid_t old = file_has(reshape->old.entry, "geometry")
                          ? H5Gopen2(reshape->old.entry, "geometry", H5P_DEFAULT)
                          : H5I_INVALID_HID;
    const hid_t group = nexus_group(reshape->entry, "geometry", old < 0 ? "NXcollection" : NULL);
    int r = group < 0 ? -1 : 0;
    if (r == 0 && old >= 0)
        r = file_copy_attributes(old, group, NULL);
    if (r == 0 && old >= 0)
        r = file_copy_members(&reshape->copier, old, group, is_made_in_geometry);
    if (r == 0)
        r = fill_geometry(reshape, group);
    if (group >= 0)
        H5Gclose(group);
    if (old >= 0)
        H5Gclose(old);
    return r;
}
