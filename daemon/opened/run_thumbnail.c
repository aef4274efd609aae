#include "daemon/opened/run_thumbnail.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/opened/run_card.h"
#include "daemon/record/hdf5_error.h"

#define N_MAX (RUN_CARD_SIDE * RUN_CARD_SIDE)
/* Of the values, below and above the limits of the picture. */
#define CUT 0.005

struct picture {
    unsigned height, width;
    double values[N_MAX]; /* NaN: nothing was measured */
};

/* ---- which map ---- */

static void result_path(const struct file_recording *recording, const char *name, char *path,
                        size_t size)
{
    const char *const layer = recording->layers[0].name;
    snprintf(path, size, "results/%s%s%.100s", layer, *layer ? "/" : "", name);
}

static bool has_map(const struct file_recording *recording, const char *name)
{
    char path[200], data[220];
    result_path(recording, name, path, sizeof path);
    snprintf(data, sizeof data, "%s/data", path);
    return file_has(recording->entry, data);
}

/* Borrowed from the settings, or a literal; NULL: none. */
static const char *choose_map(const struct file_recording *recording, const json_t *settings)
{
    static const char *const others[] = {"bragg/class", "com_x"};
    const json_t *const detectors = json_object_get(settings, "virtual_detectors");
    const char *chosen = NULL;
    for (size_t i = 0; i < json_array_size(detectors); i++) {
        const char *const name =
            json_string_value(json_object_get(json_array_get(detectors, i), "name"));
        if (!name || !has_map(recording, name))
            continue;
        if (strstr(name, "adf"))
            return name;
        chosen = chosen ? chosen : name;
    }
    for (size_t i = 0; !chosen && i < sizeof others / sizeof *others; i++)
        chosen = has_map(recording, others[i]) ? others[i] : NULL;
    return chosen;
}

/* ---- its values ---- */

/* Of every so many positions of the last two axes; the axes before are taken at 0. */
static int read_positions(hid_t dataset, struct picture *picture, double *values)
{
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX], start[FILE_RANK_MAX] = {0}, stride[FILE_RANK_MAX],
                                   number[FILE_RANK_MAX];
    if (!file_extent(dataset, &rank, extent) || rank < 1 || rank > 3)
        return -1;
    for (unsigned i = 0; i < rank; i++) {
        const bool shown = i + 2 >= rank;
        if (extent[i] == 0)
            return -1;
        stride[i] = shown ? (extent[i] + RUN_CARD_SIDE - 1) / RUN_CARD_SIDE : 1;
        number[i] = shown ? (extent[i] + stride[i] - 1) / stride[i] : 1;
    }
    picture->width = (unsigned)number[rank - 1];
    picture->height = rank > 1 ? (unsigned)number[rank - 2] : 1;
    const hsize_t n = (hsize_t)picture->height * picture->width;
    const hid_t from = H5Dget_space(dataset), to = H5Screate_simple(1, &n, NULL);
    int r = -1;
    if (from >= 0 && to >= 0 &&
        H5Sselect_hyperslab(from, H5S_SELECT_SET, start, stride, number, NULL) >= 0)
        r = H5Dread(dataset, H5T_NATIVE_DOUBLE, to, from, H5P_DEFAULT, values) < 0 ? -1 : 0;
    if (to >= 0)
        H5Sclose(to);
    if (from >= 0)
        H5Sclose(from);
    return r;
}

static int read_map(const struct file_recording *recording, const char *name,
                    struct picture *picture, double *values, char **units)
{
    char path[200], data[220];
    result_path(recording, name, path, sizeof path);
    snprintf(data, sizeof data, "%s/data", path);
    const hid_t dataset =
        file_has(recording->entry, data) ? H5Dopen2(recording->entry, data, H5P_DEFAULT) : -1;
    const int r = dataset < 0 ? -1 : read_positions(dataset, picture, values);
    if (units && dataset >= 0)
        *units = file_read_attribute(dataset, "units");
    if (dataset >= 0)
        H5Dclose(dataset);
    hdf5_error_forget();
    return r;
}

static void blank_unmeasured(const struct file_recording *recording, struct picture *picture)
{
    static double measured[N_MAX];
    struct picture same;
    if (read_map(recording, "measured", &same, measured, NULL) < 0 ||
        same.height != picture->height || same.width != picture->width)
        return;
    for (unsigned i = 0; i < picture->height * picture->width; i++) {
        if (measured[i] == 0)
            picture->values[i] = NAN;
    }
}

/* ---- the picture ---- */

static int by_value(const void *a, const void *b)
{
    const double one = *(const double *)a, other = *(const double *)b;
    return one < other ? -1 : one > other;
}

static void find_limits(const struct picture *picture, double *low, double *high)
{
    static double sorted[N_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < picture->height * picture->width; i++) {
        if (isfinite(picture->values[i]))
            sorted[n++] = picture->values[i];
    }
    *low = *high = 0;
    if (n == 0)
        return;
    qsort(sorted, n, sizeof *sorted, by_value);
    const unsigned cut = (unsigned)(CUT * n);
    *low = sorted[cut];
    *high = sorted[n - 1 - cut];
}

static unsigned pixel_of(double value, double low, double high)
{
    if (!isfinite(value))
        return 0;
    const double part = high > low ? (value - low) / (high - low) : 0;
    return 1 + (unsigned)lround(254 * fmin(fmax(part, 0), 1));
}

static json_t *picture_json(const struct picture *picture, const char *name, const char *units)
{
    static char text[2 * N_MAX + 1];
    double low, high;
    find_limits(picture, &low, &high);
    for (unsigned i = 0; i < picture->height * picture->width; i++)
        snprintf(text + 2 * (size_t)i, 3, "%02x", pixel_of(picture->values[i], low, high));
    return json_pack("{s:s, s:s, s:[i, i], s:f, s:f, s:s}", "map", name, "units", units, "shape",
                     (int)picture->height, (int)picture->width, "low", low, "high", high, "pixels",
                     text);
}

json_t *run_thumbnail(const struct file_recording *recording)
{
    static struct picture picture;
    json_t *const settings = file_read_json(recording->entry, "settings/1");
    const char *const name = choose_map(recording, settings);
    char *units = NULL;
    json_t *json = NULL;
    if (name && read_map(recording, name, &picture, picture.values, &units) == 0) {
        blank_unmeasured(recording, &picture);
        json = picture_json(&picture, name, units ? units : "");
    }
    free(units);
    json_decref(settings);
    return json ? json : json_null();
}
