#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_reshape.h"
#include "daemon/record/nexus.h"

/* Maps with further axes (a profile for each position) are moved in slabs of about this size. */
#define SLAB_BYTES ((size_t)64 << 20)

static const char taken_over[] = "the frames as they were placed when they were measured; "
                                 "merlin-file reshape did not compute it again";

struct walk {
    struct reshape *reshape;
    unsigned layer;
    hid_t to; /* group in the new file */
};

/* A map of the original and its copy: [positions..., others...]. */
struct map {
    const char *name; /* of the dataset */
    hid_t old, made, type;
    size_t size;           /* of an element */
    unsigned rank, n_axes; /* the first n_axes are of positions */
    unsigned made_rank, made_axes;
    hsize_t extent[FILE_RANK_MAX], made_extent[FILE_RANK_MAX];
    uint64_t positions, made_positions;
    uint64_t inner; /* elements of a position and a step along the first of the other axes */
    uint8_t *fill;
};

/* ---- what is a map ---- */

static uint64_t product(const hsize_t *extent, unsigned n)
{
    uint64_t all = 1;
    for (unsigned i = 0; i < n; i++)
        all *= extent[i];
    return all;
}

/* The axes of positions that the data of a group has, in front of the others; 0: none. */
static unsigned count_position_axes(hid_t group)
{
    char names[FILE_RANK_MAX][FILE_NAME_SIZE];
    const unsigned n = file_read_names(group, "axes", names, FILE_RANK_MAX);
    unsigned count = 0;
    while (count < n && reshape_is_scan_axis(names[count]))
        count++;
    return count;
}

/* Whether its positions are those of the frames. A stack may be longer than its maps. */
static bool is_map_of_storage(const struct reshape *reshape, const struct map *map)
{
    const char *names[3];
    hsize_t extent[3];
    const unsigned n = reshape_map_axes(&reshape->old.storage, names, extent, map->extent[0]);
    return map->n_axes == n && n <= map->rank && map->rank - n + 3 <= FILE_RANK_MAX &&
           memcmp(extent, map->extent, n * sizeof *extent) == 0;
}

/* ---- moving ---- */

/* What the map has where nothing was measured. */
static int read_fill(struct map *map)
{
    H5D_fill_value_t defined;
    const hid_t properties = H5Dget_create_plist(map->old);
    map->fill = calloc(1, map->size + sizeof(double));
    int r =
        properties >= 0 && map->fill && H5Pfill_value_defined(properties, &defined) >= 0 ? 0 : -1;
    if (r == 0 && defined == H5D_FILL_VALUE_USER_DEFINED) {
        r = H5Pget_fill_value(properties, map->type, map->fill) < 0 ? -1 : 0;
    } else if (r == 0 && H5Tget_class(map->type) == H5T_FLOAT && map->size <= sizeof(double)) {
        const double nothing = __builtin_nan("");
        memcpy(map->fill, &nothing, sizeof nothing);
        r = H5Tconvert(H5T_NATIVE_DOUBLE, map->type, 1, map->fill, NULL, H5P_DEFAULT) < 0 ? -1 : 0;
    }
    if (properties >= 0)
        H5Pclose(properties);
    return r;
}

/* Elements [from, from + n) of the first other axis, of all positions: *space of the file and
 * *memory. The axes of positions are the first n_axes of `extent`. */
static int select_slab(hid_t dataset, const hsize_t *extent, unsigned rank, unsigned n_axes,
                       uint64_t from, uint64_t n, hid_t *space, hid_t *memory)
{
    hsize_t start[FILE_RANK_MAX] = {0}, count[FILE_RANK_MAX];
    memcpy(count, extent, rank * sizeof *count);
    if (rank > n_axes) {
        start[n_axes] = from;
        count[n_axes] = n;
    }
    *space = H5Dget_space(dataset);
    *memory = H5Screate_simple((int)rank, count, NULL);
    if (*space < 0 || *memory < 0)
        return -1;
    return H5Sselect_hyperslab(*space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ? -1 : 0;
}

static void close_slab(hid_t space, hid_t memory)
{
    if (memory >= 0)
        H5Sclose(memory);
    if (space >= 0)
        H5Sclose(space);
}

static int read_slab(const struct map *map, uint64_t from, uint64_t n, void *values)
{
    hid_t space, memory;
    int r = select_slab(map->old, map->extent, map->rank, map->n_axes, from, n, &space, &memory);
    if (r == 0)
        r = H5Dread(map->old, map->type, memory, space, H5P_DEFAULT, values) < 0 ? -1 : 0;
    close_slab(space, memory);
    return r;
}

static int write_slab(const struct map *map, uint64_t from, uint64_t n, const void *values)
{
    hid_t space, memory;
    int r = select_slab(map->made, map->made_extent, map->made_rank, map->made_axes, from, n,
                        &space, &memory);
    if (r == 0)
        r = H5Dwrite(map->made, map->type, memory, space, H5P_DEFAULT, values) < 0 ? -1 : 0;
    close_slab(space, memory);
    return r;
}

/* `bytes`: of a position. */
static void rearrange(const struct walk *walk, const struct map *map, size_t bytes,
                      const uint8_t *old, uint8_t *made)
{
    struct file_recording *const recording = &walk->reshape->old;
    for (uint64_t position = 0; position < map->made_positions; position++) {
        const int64_t index = scan_geometry_frame_index(&walk->reshape->geometry, position);
        uint8_t *const to = made + position * bytes;
        int64_t from = -1;
        if (index >= 0)
            from = file_frames_look(&recording->frames,
                                    (uint64_t)index * recording->n_layers + walk->layer)
                       .position;
        if (from >= 0 && (uint64_t)from < map->positions) {
            memcpy(to, old + (uint64_t)from * bytes, bytes);
            continue;
        }
        for (size_t at = 0; at < bytes; at += map->size)
            memcpy(to + at, map->fill, map->size);
    }
}

static int move_slabs(const struct walk *walk, const struct map *map)
{
    const uint64_t steps = map->rank > map->n_axes ? map->extent[map->n_axes] : 1;
    const uint64_t step = map->inner * map->size;
    const uint64_t larger =
        map->positions > map->made_positions ? map->positions : map->made_positions;
    const uint64_t at_once =
        larger * step < SLAB_BYTES && larger > 0 ? SLAB_BYTES / (larger * step) : 1;
    const uint64_t n_max = at_once < steps ? at_once : steps;
    uint8_t *const old = malloc(map->positions * n_max * step + 1);
    uint8_t *const made = malloc(map->made_positions * n_max * step + 1);
    int r = old && made ? 0 : -1;
    for (uint64_t from = 0, n; r == 0 && from < steps; from += n) {
        n = steps - from < n_max ? steps - from : n_max;
        r = read_slab(map, from, n, old);
        if (r == 0)
            rearrange(walk, map, n * step, old, made);
        if (r == 0)
            r = write_slab(map, from, n, made);
    }
    free(made);
    free(old);
    return r;
}

/* ---- making ---- */

static hid_t create_made(const struct map *map, hid_t group)
{
    const hid_t space = H5Screate_simple((int)map->made_rank, map->made_extent, NULL);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (space >= 0 && properties >= 0 && H5Pset_fill_value(properties, map->type, map->fill) >= 0)
        dataset =
            H5Dcreate2(group, map->name, map->type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
}

/* The extent of the copy, and how many of what. */
static void measure(struct map *map, const struct reshape *reshape)
{
    const char *names[3];
    hsize_t extent[3];
    const unsigned n = reshape_map_axes(&reshape->geometry, names, extent, reshape->length);
    const unsigned others = map->rank - map->n_axes;
    map->positions = product(map->extent, map->n_axes);
    map->made_positions = product(extent, n);
    map->made_axes = n;
    map->made_rank = n + others;
    map->inner = others > 0 ? product(map->extent + map->n_axes + 1, others - 1) : 1;
    memcpy(map->made_extent, extent, n * sizeof *extent);
    memcpy(map->made_extent + n, map->extent + map->n_axes, others * sizeof *extent);
}

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
    for (unsigned i = count_position_axes(from); i < n_old; i++)
        names[n++] = old[i];
    return nexus_attribute_list(to, "axes", names, n);
}

/* The dataset of a map in its new group. */
static int move_dataset(const struct walk *walk, struct map *map, hid_t to)
{
    map->made = -1;
    if (read_fill(map) < 0)
        return -1;
    measure(map, walk->reshape);
    map->made = create_made(map, to);
    int r = map->made < 0 ? -1 : file_copy_attributes(map->old, map->made, NULL);
    if (r == 0)
        r = move_slabs(walk, map);
    if (map->made >= 0)
        H5Dclose(map->made);
    return r;
}

/* Attributes and axes of a group of maps. */
static int describe_group(const struct walk *walk, hid_t from, hid_t to)
{
    const int r = file_copy_attributes(from, to, is_made_attribute);
    return r < 0 || name_axes(walk->reshape, from, to) < 0 ? -1 : 0;
}

static int fill_map_group(const struct walk *walk, struct map *map, hid_t from, hid_t to)
{
    int r = move_dataset(walk, map, to);
    if (r == 0)
        r = describe_group(walk, from, to);
    return r == 0 ? file_copy_members(&walk->reshape->copier, from, to, is_made_member) : r;
}

static int move_map(const struct walk *walk, struct map *map, hid_t from, const char *name)
{
    const hid_t group = H5Gcreate2(walk->to, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0)
        return -1;
    const int r = fill_map_group(walk, map, from, group);
    free(map->fill);
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

/* Whether it is a map, with all that is known of it before it is moved. */
static bool open_map(const struct walk *walk, struct map *map, hid_t group, const char *name)
{
    *map = (struct map){.name = name, .made = -1, .type = -1};
    map->old = H5Dopen2(group, name, H5P_DEFAULT);
    map->type = map->old < 0 ? -1 : H5Dget_type(map->old);
    if (map->type < 0)
        return false;
    map->size = H5Tget_size(map->type);
    map->n_axes = count_position_axes(group);
    return map->size > 0 && file_extent(map->old, &map->rank, map->extent) &&
           H5Tdetect_class(map->type, H5T_VLEN) <= 0 && map->n_axes > 0 &&
           is_map_of_storage(walk->reshape, map);
}

static void close_map(struct map *map)
{
    if (map->type >= 0)
        H5Tclose(map->type);
    if (map->old >= 0)
        H5Dclose(map->old);
}

static int move_result(const struct walk *walk, hid_t parent, const char *name, hid_t group)
{
    struct map map;
    const bool is_map = open_map(walk, &map, group, "data");
    int r = -1;
    if (map.type >= 0)
        r = is_map ? move_map(walk, &map, group, name) : copy_array(walk, parent, name);
    close_map(&map);
    return r;
}

/* ---- several maps in one group ---- */

/* A list or a text may be as long as a map has positions, and a pattern as large as one: maps have
 * the rank of the axes, and no axes of their own (`dims`). */
static int move_one_of_several(hid_t group, const char *name, H5L_type_t type, void *data)
{
    const struct walk *const walk = data;
    struct map map;
    if (reshape_is_scan_axis(name))
        return 0;
    const bool is_map = open_map(walk, &map, group, name) && map.rank == map.n_axes &&
                        H5Tget_class(map.type) != H5T_COMPOUND && H5Aexists(map.old, "dims") <= 0;
    int r = -1;
    if (map.type >= 0)
        r = is_map ? move_dataset(walk, &map, walk->to)
                   : file_copy_member(&walk->reshape->copier, group, name, walk->to);
    free(map.fill);
    close_map(&map);
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
    const int r = is_dataset(group, "data")        ? move_result(walk, parent, name, group)
                  : count_position_axes(group) > 0 ? move_several(walk, name, group)
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
