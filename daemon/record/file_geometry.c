#include "daemon/record/file_geometry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_read.h"
#include "daemon/record/hdf5_error.h"

/* ---- history ---- */

json_t *file_history_read(hid_t file)
{
    char *const text = file_read_text(file, "entry/geometry/history");
    json_t *history = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    bool good = json_is_array(history) && json_array_size(history) > 0;
    for (size_t i = 0; good && i < json_array_size(history); i++)
        good = json_is_object(json_array_get(history, i));
    if (good)
        return history;
    json_decref(history);
    return NULL;
}

size_t file_history_last(const json_t *history)
{
    return json_array_size(history) - 1;
}

size_t file_history_stored(const json_t *history)
{
    for (size_t i = json_array_size(history); i-- > 1;) {
        const char *const source =
            json_string_value(json_object_get(json_array_get(history, i), "source"));
        if (source && strcmp(source, FILE_GEOMETRY_RESHAPE) == 0)
            return i;
    }
    return 0;
}

/* ---- one geometry ---- */

bool file_geometry_sane(const struct scan_geometry *geometry)
{
    const uint64_t limit = FILE_SCAN_MAX;
    if (geometry->skip_start > limit || geometry->skip_end > limit ||
        geometry->shift > (int64_t)limit || geometry->shift < -(int64_t)limit)
        return false;
    if (geometry->ny == 0)
        return true;
    const double line = (double)geometry->nx + geometry->skip_line;
    const double pass = line * geometry->ny + (double)geometry->skip_end;
    return pass * scan_geometry_passes(geometry) <= (double)limit;
}

static bool read_count(const json_t *object, const char *name, uint64_t limit, uint64_t *count)
{
    const json_t *const value = json_object_get(object, name);
    if (!value)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > limit)
        return false;
    *count = (uint64_t)json_integer_value(value);
    return true;
}

static bool read_shape(struct scan_geometry *geometry, const json_t *entry)
{
    const json_t *const scan = json_object_get(entry, "scan");
    if (!scan || json_is_null(scan))
        return true;
    const json_int_t ny = json_integer_value(json_array_get(scan, 0));
    const json_int_t nx = json_integer_value(json_array_get(scan, 1));
    if (json_array_size(scan) != 2 || ny < 1 || nx < 1 || ny > UINT32_MAX || nx > UINT32_MAX)
        return false;
    geometry->ny = (uint32_t)ny;
    geometry->nx = (uint32_t)nx;
    return true;
}

static bool read_order(struct scan_geometry *geometry, const json_t *entry)
{
    const char *const name = json_string_value(json_object_get(entry, "order"));
    for (enum scan_order order = SCAN_ORDER_RASTER; name && order <= SCAN_ORDER_LIST; order++) {
        if (strcmp(name, scan_order_name(order)) == 0) {
            geometry->order = order;
            return true;
        }
    }
    return !name;
}

static bool read_numbers(struct scan_geometry *geometry, const json_t *entry)
{
    const json_t *const skip = json_object_get(entry, "skip");
    const json_t *const shift = json_object_get(entry, "shift");
    uint64_t repeats = 1, line = 0;
    if (!read_count(entry, "repeats", UINT32_MAX - 1, &repeats) ||
        !read_count(skip, "start", FILE_SCAN_MAX, &geometry->skip_start) ||
        !read_count(skip, "line", UINT32_MAX, &line) ||
        !read_count(skip, "end", FILE_SCAN_MAX, &geometry->skip_end))
        return false;
    if (shift && !json_is_integer(shift))
        return false;
    geometry->repeats = (uint32_t)repeats;
    geometry->skip_line = (uint32_t)line;
    geometry->shift = json_integer_value(shift);
    return file_geometry_sane(geometry);
}

static int read_list(struct scan_geometry *geometry, hid_t file, const json_t *entry,
                     struct error *error)
{
    const char *const name = json_string_value(json_object_get(entry, "positions"));
    char path[FILE_NAME_SIZE];
    snprintf(path, sizeof path, "entry/geometry/%.80s", name ? name : "positions");
    return file_list_read(&geometry->list, file, path, geometry->ny, geometry->nx, error);
}

int file_geometry_read(struct scan_geometry *geometry, hid_t file, const json_t *entry,
                       struct error *error)
{
    *geometry = (struct scan_geometry){.repeats = 1};
    if (!read_shape(geometry, entry) || !read_order(geometry, entry) ||
        !read_numbers(geometry, entry))
        return error_set(error, -EBADMSG,
                         "/entry/geometry/history tells a geometry that cannot be: the file is "
                         "damaged, or newer than this merlin-file");
    if (geometry->order != SCAN_ORDER_LIST || geometry->ny == 0) {
        geometry->order = geometry->ny == 0 ? SCAN_ORDER_RASTER : geometry->order;
        return 0;
    }
    const int r = read_list(geometry, file, entry, error);
    if (r < 0)
        return r;
    if (file_geometry_sane(geometry))
        return 0;
    file_geometry_finish(geometry);
    return error_set(error, -EBADMSG, "/entry/geometry/history tells too many positions");
}

void file_geometry_finish(struct scan_geometry *geometry)
{
    scan_list_unref(geometry->list);
    geometry->list = NULL;
}

/* ---- words ---- */

static void describe_skips(FILE *out, const struct scan_geometry *geometry)
{
    if (geometry->skip_start > 0)
        fprintf(out, ", %" PRIu64 " left out at the start", geometry->skip_start);
    if (geometry->skip_line > 0)
        fprintf(out, ", %" PRIu32 " after each line", geometry->skip_line);
    if (geometry->skip_end > 0)
        fprintf(out, ", %" PRIu64 " after each pass", geometry->skip_end);
    if (geometry->shift != 0)
        fprintf(out, ", shifted by %+" PRId64, geometry->shift);
}

void file_geometry_describe(char *text, size_t size, const struct scan_geometry *geometry)
{
    text[0] = '\0';
    FILE *const out = fmemopen(text, size, "w");
    if (!out)
        return;
    const uint32_t passes = scan_geometry_passes(geometry);
    if (geometry->ny == 0)
        fprintf(out, "no shape (a stack of frames)");
    else if (geometry->order == SCAN_ORDER_LIST)
        fprintf(out, "list of %" PRIu64 " positions of %" PRIu32 " x %" PRIu32, geometry->list->n,
                geometry->ny, geometry->nx);
    else
        fprintf(out, "%" PRIu32 " x %" PRIu32 " %s", geometry->ny, geometry->nx,
                scan_order_name(geometry->order));
    if (passes > 1)
        fprintf(out, ", %" PRIu32 " times", passes);
    describe_skips(out, geometry);
    fclose(out);
    text[size - 1] = '\0';
}
