#include "daemon/record/figure/figure.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A dataset of /entry/results with the group that has its axes. */
struct result {
    hid_t group, data;
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX];
    struct reader_axis axes[FILE_RANK_MAX];
};

static void close_result(struct result *result)
{
    if (result->data >= 0)
        H5Dclose(result->data);
    if (result->group >= 0)
        H5Gclose(result->group);
}

/* The dataset that a name leads to: itself, or the signal of a group. */
static hid_t open_signal(hid_t results, const char *name)
{
    char path[2 * FILE_NAME_SIZE];
    H5O_info_t info;
    if (!file_has(results, name) ||
        H5Oget_info_by_name2(results, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return -1;
    snprintf(path, sizeof path, "%.120s", name);
    if (info.type == H5O_TYPE_GROUP) {
        const hid_t group = H5Gopen2(results, name, H5P_DEFAULT);
        char *const signal = group < 0 ? NULL : file_read_attribute(group, "signal");
        snprintf(path, sizeof path, "%.120s/%.100s", name, signal ? signal : "data");
        free(signal);
        if (group >= 0)
            H5Gclose(group);
    }
    return file_has(results, path) ? H5Dopen2(results, path, H5P_DEFAULT) : -1;
}

static hid_t open_parent(hid_t dataset)
{
    char path[4 * FILE_NAME_SIZE];
    if (H5Iget_name(dataset, path, sizeof path) <= 0)
        return -1;
    *strrchr(path, '/') = '\0';
    return H5Gopen2(dataset, path, H5P_DEFAULT);
}

static void read_axes(struct result *result)
{
    char names[FILE_RANK_MAX][FILE_NAME_SIZE];
    unsigned n = file_read_names(result->data, "dims", names, FILE_RANK_MAX);
    if (n != result->rank)
        n = file_read_names(result->group, "axes", names, FILE_RANK_MAX);
    for (unsigned i = 0; i < result->rank; i++) {
        memset(&result->axes[i], 0, sizeof result->axes[i]);
        if (n == result->rank)
            memcpy(result->axes[i].name, names[i], sizeof names[i]);
        reader_axis_read(result->group, &result->axes[i]);
        result->axes[i].n = result->extent[i];
    }
}

static int open_result(struct result *result, hid_t entry, const char *name, struct error *error)
{
    const hid_t results = file_has(entry, "results") ? H5Gopen2(entry, "results", H5P_DEFAULT) : -1;
    *result = (struct result){.group = -1, .data = results < 0 ? -1 : open_signal(results, name)};
    if (results >= 0)
        H5Gclose(results);
    if (result->data < 0)
        return error_set(error, -ENOENT,
                         "there is no result \"%.80s\": merlin-file info names those of the file",
                         name);
    result->group = open_parent(result->data);
    if (result->group < 0 || !file_extent(result->data, &result->rank, result->extent) ||
        result->rank < 1 || result->rank > 3)
        return error_set(error, -EINVAL, "\"%.80s\" is neither a map nor a pattern nor a profile",
                         name);
    read_axes(result);
    if (result->rank == 3 && result->axes[0].name[0] != '\0' &&
        strcmp(result->axes[0].name, "repeat") != 0)
        return error_set(error, -EINVAL,
                         "\"%.80s\" has a profile for each position, which is no picture; the mean "
                         "one is radial_mean",
                         name);
    return 0;
}

/* ---- values ---- */

/* One pass: the last two axes. */
static int read_page(const struct result *result, hid_t dataset, uint64_t pass, double *values)
{
    const hsize_t first[3] = {pass, 0, 0};
    const hsize_t count[3] = {1, result->extent[result->rank - 2],
                              result->extent[result->rank - 1]};
    const hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(3, count, NULL);
    int r = -1;
    if (space >= 0 && memory >= 0 &&
        (result->rank < 3 ||
         H5Sselect_hyperslab(space, H5S_SELECT_SET, first, NULL, count, NULL) >= 0) &&
        H5Dread(dataset, H5T_NATIVE_DOUBLE, result->rank < 3 ? H5S_ALL : memory,
                result->rank < 3 ? H5S_ALL : space, H5P_DEFAULT, values) >= 0)
        r = 0;
    if (memory >= 0)
        H5Sclose(memory);
    if (space >= 0)
        H5Sclose(space);
    return r;
}

/* Maps have zeros where no frame was analysed. */
static void blank_unmeasured(struct figure *figure, const struct result *result, hid_t entry,
                             const struct figure_wish *wish)
{
    struct error error = {0};
    struct result measured;
    char path[FILE_NAME_SIZE] = "measured";
    const char *const layer = strchr(wish->what, '/');
    if (layer && strncmp(wish->what, "bragg/", 6) != 0)
        snprintf(path, sizeof path, "%.*s/measured", (int)(layer - wish->what), wish->what);
    double *const there = calloc(figure->height * figure->width + 1, sizeof *there);
    const bool opened = open_result(&measured, entry, path, &error) == 0;
    if (there && opened && measured.rank == result->rank &&
        memcmp(measured.extent, result->extent, measured.rank * sizeof *measured.extent) == 0 &&
        H5Aexists(result->data, "provenance") <= 0 &&
        read_page(&measured, measured.data, wish->pass, there) == 0) {
        for (uint64_t i = 0; i < figure->height * figure->width; i++)
            figure->values[i] = there[i] > 0 ? figure->values[i] : NAN;
    }
    close_result(&measured);
    free(there);
}

static void describe(struct figure *figure, const struct result *result, const char *name)
{
    char *const units = file_read_attribute(result->data, "units");
    snprintf(figure->title, sizeof figure->title, "%.100s", name);
    snprintf(figure->units, sizeof figure->units, "%.60s", units ? units : "");
    free(units);
    const size_t length = strlen(name);
    const bool classes =
        length >= 5 && strcmp(name + length - 5, "class") == 0 && strstr(name, "bragg");
    figure->kind = result->rank == 1 ? FIGURE_PROFILE : classes ? FIGURE_CLASSES : FIGURE_IMAGE;
    figure->width = result->extent[result->rank - 1];
    figure->height = result->rank == 1 ? 1 : result->extent[result->rank - 2];
    figure->x = result->axes[result->rank - 1];
    if (result->rank > 1)
        figure->y = result->axes[result->rank - 2];
}

static bool is_map(const struct result *result)
{
    const char *const name = result->axes[result->rank - 1].name;
    return strcmp(name, "scan_x") == 0 || strcmp(name, "frame") == 0;
}

static int read_values(struct figure *figure, const struct result *result, hid_t entry,
                       const struct figure_wish *wish, struct error *error)
{
    if (result->rank == 3 && wish->pass >= result->extent[0])
        return error_set(error, -EINVAL, "the scan has %llu passes",
                         (unsigned long long)result->extent[0]);
    if (figure->width == 0 || figure->height == 0)
        return error_set(error, -EINVAL, "there is nothing in \"%.80s\"", wish->what);
    const int r = figure_make_room(figure, error);
    if (r < 0)
        return r;
    const int read = result->rank > 1 ? read_page(result, result->data, wish->pass, figure->values)
                                      : H5Dread(result->data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL,
                                                H5P_DEFAULT, figure->values);
    if (read < 0)
        return error_set(error, -EIO, "\"%.80s\" cannot be read as numbers", wish->what);
    if (is_map(result) && figure->kind != FIGURE_CLASSES && strcmp(wish->what, "measured") != 0)
        blank_unmeasured(figure, result, entry, wish);
    return 0;
}

int figure_read_result(struct figure *figure, hid_t entry, const struct figure_wish *wish,
                       struct error *error)
{
    struct result result;
    int r = open_result(&result, entry, wish->what, error);
    if (r == 0) {
        describe(figure, &result, wish->what);
        r = read_values(figure, &result, entry, wish, error);
    }
    close_result(&result);
    return r;
}
