#include "daemon/record/file_reshape_map.h"

#include <stdlib.h>
#include <string.h>

/* Maps with further axes (a profile for each position) are moved in slabs of about this size. */
#define SLAB_BYTES ((size_t)64 << 20)

/* ---- what is a map ---- */

static uint64_t product(const hsize_t *extent, unsigned n)
{
    uint64_t all = 1;
    for (unsigned i = 0; i < n; i++)
        all *= extent[i];
    return all;
}

unsigned reshape_count_position_axes(hid_t group)
{
    char names[FILE_RANK_MAX][FILE_NAME_SIZE];
    const unsigned n = file_read_names(group, "axes", names, FILE_RANK_MAX);
    unsigned count = 0;
    while (count < n && reshape_is_scan_axis(names[count]))
        count++;
    return count;
}

/* Whether its positions are those of the frames. A stack may be longer than its maps. */
static bool is_map_of_storage(const struct reshape_map *map)
{
    const char *names[3];
    hsize_t extent[3];
    const unsigned n = reshape_map_axes(&map->reshape->old.storage, names, extent, map->extent[0]);
    return map->n_axes == n && n <= map->rank && map->rank - n + 3 <= FILE_RANK_MAX &&
           memcmp(extent, map->extent, n * sizeof *extent) == 0;
}

/* ---- moving ---- */

/* What the map has where nothing was measured. */
static int read_fill(struct reshape_map *map)
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

static int read_slab(const struct reshape_map *map, uint64_t from, uint64_t n, void *values)
{
    hid_t space, memory;
    int r = select_slab(map->old, map->extent, map->rank, map->n_axes, from, n, &space, &memory);
    if (r == 0)
        r = H5Dread(map->old, map->type, memory, space, H5P_DEFAULT, values) < 0 ? -1 : 0;
    close_slab(space, memory);
    return r;
}

static int write_slab(const struct reshape_map *map, uint64_t from, uint64_t n, const void *values)
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
static void rearrange(const struct reshape_map *map, size_t bytes, const uint8_t *old,
                      uint8_t *made)
{
    struct file_recording *const recording = &map->reshape->old;
    for (uint64_t position = 0; position < map->made_positions; position++) {
        const int64_t index = scan_geometry_frame_index(&map->reshape->geometry, position);
        uint8_t *const to = made + position * bytes;
        int64_t from = -1;
        if (index >= 0)
            from = file_frames_look(&recording->frames,
                                    (uint64_t)index * recording->n_layers + map->layer)
                       .position;
        if (from >= 0 && (uint64_t)from < map->positions) {
            memcpy(to, old + (uint64_t)from * bytes, bytes);
            continue;
        }
        for (size_t at = 0; at < bytes; at += map->size)
            memcpy(to + at, map->fill, map->size);
    }
}

static int move_slabs(const struct reshape_map *map)
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
            rearrange(map, n * step, old, made);
        if (r == 0)
            r = write_slab(map, from, n, made);
    }
    free(made);
    free(old);
    return r;
}

/* ---- making ---- */

static hid_t create_made(const struct reshape_map *map, hid_t group)
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
static void measure(struct reshape_map *map)
{
    const struct reshape *const reshape = map->reshape;
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

/* ---- one map ---- */

bool reshape_map_open(struct reshape_map *map, struct reshape *reshape, unsigned layer, hid_t group,
                      const char *name)
{
    *map = (struct reshape_map){
        .reshape = reshape, .layer = layer, .name = name, .made = -1, .type = -1};
    map->old = H5Dopen2(group, name, H5P_DEFAULT);
    map->type = map->old < 0 ? -1 : H5Dget_type(map->old);
    if (map->type < 0)
        return false;
    map->size = H5Tget_size(map->type);
    map->n_axes = reshape_count_position_axes(group);
    return map->size > 0 && file_extent(map->old, &map->rank, map->extent) &&
           H5Tdetect_class(map->type, H5T_VLEN) <= 0 && map->n_axes > 0 && is_map_of_storage(map);
}

void reshape_map_close(struct reshape_map *map)
{
    free(map->fill);
    if (map->type >= 0)
        H5Tclose(map->type);
    if (map->old >= 0)
        H5Dclose(map->old);
}

int reshape_map_move(struct reshape_map *map, hid_t to)
{
    if (read_fill(map) < 0)
        return -1;
    measure(map);
    map->made = create_made(map, to);
    int r = map->made < 0 ? -1 : file_copy_attributes(map->old, map->made, NULL);
    if (r == 0)
        r = move_slabs(map);
    if (map->made >= 0)
        H5Dclose(map->made);
    return r;
}
