#include <string.h>

#include "daemon/record/file_reshape_map.h"
#include "daemon/record/nexus.h"

static const char taken_over[] = "the frames as they were placed when they were measured; "
                                 "merlin-file reshape did not compute it again";

/*
 * /entry/results of the original, group by group: maps move with their frames
 * (file_reshape_map.c), all else is copied.
 */
struct walk {
    struct reshape *reshape;
    unsigned layer;
    hid_t to; /* group in the new file */
};

static bool is_made_attribute(const char *name)
{
    return strcmp(name, "axes") == 0;
}

static bool is_made_member(const char *name)
{
    return strcmp(name, "data") == 0 || reshape_is_scan_axis(name);
}

/* The axes of positions are the file's, the others those of the map. */
static int name_axes(const struct reshape *reshape, hid_t from, hid_t to)
{
    char old[FILE_RANK_MAX][FILE_NAME_SIZE];
    const char *names[FILE_RANK_MAX + 3];
    hsize_t extent[3];
    const bool list = reshape->geometry.ny > 0 && scan_geometry_is_stack(&reshape->geometry);
    unsigned n = reshape_map_axes(&reshape->geometry, names, extent, reshape->length);
    for (unsigned i = 0; i < n; i++) {
        if (nexus_link(to, names[i], list ? "/entry/geometry" : "/entry/data") < 0)
            return -1;
    }
    const unsigned n_old = file_read_names(from, "axes", old, FILE_RANK_MAX);
    for (unsigned i = reshape_count_position_axes(from); i < n_old; i++)
        names[n++] = old[i];
    return nexus_attribute_list(to, "axes", names, n);
}

/* Attributes and axes of a group of maps. */
static int describe_group(const struct walk *walk, hid_t from, hid_t to)
{
    const int r = file_copy_attributes(from, to, is_made_attribute);
    return r < 0 || name_axes(walk->reshape, from, to) < 0 ? -1 : 0;
}

static int fill_map_group(const struct walk *walk, struct reshape_map *map, hid_t from, hid_t to)
{
    int r = reshape_map_move(map, to);
    if (r == 0)
        r = describe_group(walk, from, to);
    return r == 0 ? file_copy_members(&walk->reshape->copier, from, to, is_made_member) : r;
}

static int move_map(const struct walk *walk, struct reshape_map *map, hid_t from, const char *name)
{
    const hid_t group = H5Gcreate2(walk->to, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0)
        return -1;
    const int r = fill_map_group(walk, map, from, group);
    H5Gclose(group);
    return r;
}

/* ---- the rest ---- */

/* Patterns and profiles, and what is not understood. */
static int copy_array(const struct walk *walk, hid_t parent, const char *name)
{
    if (file_copy_member(&walk->reshape->copier, parent, name, walk->to) < 0)
        return -1;
    const hid_t group = H5Gopen2(walk->to, name, H5P_DEFAULT);
    const hid_t data = group < 0 ? -1 : H5Dopen2(group, "data", H5P_DEFAULT);
    int r = data < 0 ? -1 : 0;
    if (r == 0 && H5Aexists(data, "taken_over") <= 0)
        r = nexus_attribute(data, "taken_over", taken_over);
    if (data >= 0)
        H5Dclose(data);
    if (group >= 0)
        H5Gclose(group);
    return r < 0 ? -1 : 0;
}

static int move_result(const struct walk *walk, hid_t parent, const char *name, hid_t group)
{
    struct reshape_map map;
    const bool is_map = reshape_map_open(&map, walk->reshape, walk->layer, group, "data");
    int r = -1;
    if (map.type >= 0)
        r = is_map ? move_map(walk, &map, group, name) : copy_array(walk, parent, name);
    reshape_map_close(&map);
    return r;
}

/* ---- several maps in one group ---- */

/* A list or a text may be as long as a map has positions, and a pattern as large as one: maps have
 * the rank of the axes, and no axes of their own (`dims`). */
static int move_one_of_several(hid_t group, const char *name, H5L_type_t type, void *data)
{
    const struct walk *const walk = data;
    struct reshape_map map;
    if (reshape_is_scan_axis(name))
        return 0;
    const bool is_map = reshape_map_open(&map, walk->reshape, walk->layer, group, name) &&
                        map.rank == map.n_axes && H5Tget_class(map.type) != H5T_COMPOUND &&
                        H5Aexists(map.old, "dims") <= 0;
    int r = -1;
    if (map.type >= 0)
        r = is_map ? reshape_map_move(&map, walk->to)
                   : file_copy_member(&walk->reshape->copier, group, name, walk->to);
    reshape_map_close(&map);
    return r;
}

static int move_several(const struct walk *walk, const char *name, hid_t group)
{
    struct walk below = *walk;
    below.to = H5Gcreate2(walk->to, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (below.to < 0)
        return -1;
    int r = describe_group(walk, group, below.to);
    if (r == 0)
        r = file_each_member(group, move_one_of_several, &below);
    H5Gclose(below.to);
    return r;
}

static int move_member(hid_t parent, const char *name, H5L_type_t type, void *data);

/* A group of results: of a layer when it bears its name. */
static int move_group(const struct walk *walk, const char *name, hid_t group)
{
    struct walk below = *walk;
    for (unsigned i = 0; i < walk->reshape->old.n_layers; i++) {
        if (strcmp(walk->reshape->old.layers[i].name, name) == 0)
            below.layer = i;
    }
    below.to = H5Gcreate2(walk->to, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (below.to < 0)
        return -1;
    int r = file_copy_attributes(group, below.to, NULL);
    if (r == 0)
        r = file_each_member(group, move_member, &below);
    H5Gclose(below.to);
    return r;
}

static bool is_dataset(hid_t parent, const char *path)
{
    H5O_info_t info;
    return file_has(parent, path) &&
           H5Oget_info_by_name2(parent, path, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
           info.type == H5O_TYPE_DATASET;
}

static int move_member(hid_t parent, const char *name, H5L_type_t type, void *data)
{
    const struct walk *const walk = data;
    if (type != H5L_TYPE_HARD || is_dataset(parent, name))
        return file_copy_member(&walk->reshape->copier, parent, name, walk->to);
    const hid_t group = H5Gopen2(parent, name, H5P_DEFAULT);
    if (group < 0)
        return -1;
    const int r = is_dataset(group, "data")                ? move_result(walk, parent, name, group)
                  : reshape_count_position_axes(group) > 0 ? move_several(walk, name, group)
                                                           : move_group(walk, name, group);
    H5Gclose(group);
    return r;
}

int reshape_results(struct reshape *reshape, struct error *error)
{
    if (!file_has(reshape->old.entry, "results"))
        return 0;
    const hid_t old = H5Gopen2(reshape->old.entry, "results", H5P_DEFAULT);
    const struct walk walk = {reshape, 0, reshape->entry};
    const int r = old < 0 ? -1 : move_group(&walk, "results", old);
    if (old >= 0)
        H5Gclose(old);
    if (r < 0)
        return file_output_error(&reshape->output, reshape->old.path, error);
    return file_recording_check(&reshape->old, error);
}
