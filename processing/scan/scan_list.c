#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "processing/scan/scan_geometry.h"

static int fill(struct scan_list *list, const uint32_t (*positions)[2], struct error *error)
{
    const uint64_t map_size = (uint64_t)list->ny * list->nx;
    for (uint64_t i = 0; i < map_size; i++)
        list->ordinals[i] = -1;
    for (uint64_t i = 0; i < list->n; i++) {
        const uint32_t y = positions[i][0], x = positions[i][1];
        if (y >= list->ny || x >= list->nx)
            return error_set(error, -EINVAL,
                             "position %" PRIu64 " of the list, [%" PRIu32 ", %" PRIu32
                             "], lies outside the map of %" PRIu32 " x %" PRIu32,
                             i, y, x, list->ny, list->nx);
        const uint64_t place = (uint64_t)y * list->nx + x;
        if (list->ordinals[place] >= 0)
            return error_set(error, -EINVAL,
                             "position [%" PRIu32 ", %" PRIu32
                             "] is in the list twice, as number %" PRId64 " and %" PRIu64
                             ": to visit it again use repeats",
                             y, x, list->ordinals[place], i);
        list->ordinals[place] = (int64_t)i;
        list->positions[i] = (uint32_t)place;
    }
    return 0;
}

int scan_list_create(struct scan_list **out, uint32_t ny, uint32_t nx,
                     const uint32_t (*positions)[2], uint64_t n, struct error *error)
{
    const uint64_t map_size = (uint64_t)ny * nx;
    if (n == 0 || map_size == 0 || map_size > UINT32_MAX)
        return error_set(
            error, -EINVAL,
            "a list of positions needs at least one position and a map of 1 to %" PRIu32 " places",
            UINT32_MAX);
    struct scan_list *const list = calloc(1, sizeof *list);
    if (!list)
        return error_set(error, -ENOMEM, "no memory for a list of positions");
    atomic_init(&list->references, 1);
    list->ny = ny;
    list->nx = nx;
    list->n = n;
    list->ordinals = malloc(map_size * sizeof *list->ordinals);
    list->positions = malloc(n * sizeof *list->positions);
    const int r = list->ordinals && list->positions
                      ? fill(list, positions, error)
                      : error_set(error, -ENOMEM, "no memory for a list of positions");
    if (r < 0)
        scan_list_unref(list);
    else
        *out = list;
    return r;
}

struct scan_list *scan_list_ref(struct scan_list *list)
{
    if (list)
        atomic_fetch_add_explicit(&list->references, 1, memory_order_relaxed);
    return list;
}

void scan_list_unref(struct scan_list *list)
{
    if (!list || atomic_fetch_sub_explicit(&list->references, 1, memory_order_acq_rel) != 1)
        return;
    free(list->ordinals);
    free(list->positions);
    free(list);
}
