#include "processing/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What others see of a run while it goes on and afterwards: reasons, maps, images. */

uint64_t run_missing(const struct run *run)
{
    const uint64_t placed = atomic_load_explicit(&run->counts.placed, memory_order_relaxed);
    uint64_t due = run->expected;
    if (atomic_load_explicit(&run->end, memory_order_acquire) == RUN_END_NONE)
        due = scan_geometry_positions_before(&run->scan, frame_table_end(run->frames));
    return due > placed ? due - placed : 0;
}

const char *run_reason(const struct run *run)
{
    const int end = atomic_load_explicit(&run->end, memory_order_acquire);
    if (end == RUN_END_NONE)
        return "";
    const uint64_t placed = atomic_load_explicit(&run->counts.placed, memory_order_relaxed);
    if (run->expected > 0 && placed >= run->expected)
        return "complete";
    if (end == RUN_END_STOPPED)
        return run->expected == 0 ? "complete" : "stopped";
    if (end == RUN_END_SHUTDOWN)
        return "shutdown";
    return "short";
}

const char *run_end_name(enum run_end end)
{
    static const char *const names[] = {
        [RUN_END_NONE] = "",
        [RUN_END_LAST] = "last_frame",
        [RUN_END_IDLE] = "detector_idle",
        [RUN_END_FAULT] = "detector_error",
        [RUN_END_STOPPED] = "stopped",
        [RUN_END_LINK] = "link",
        [RUN_END_NEXT_RUN] = "next_run",
        [RUN_END_SHUTDOWN] = "shutdown",
    };
    return names[end];
}

const char *recording_state_name(enum recording_state state)
{
    static const char *const names[] = {
        [RECORDING_OFF] = "off",       [RECORDING_OPENING] = "opening",
        [RECORDING_ACTIVE] = "active", [RECORDING_FAILED] = "failed",
        [RECORDING_CLOSED] = "closed",
    };
    return names[state];
}

const struct product *run_find_map(const struct run *run, const char *name, unsigned *map)
{
    for (unsigned i = 0; i < run->n_products; i++) {
        for (unsigned j = 0; j < run->products[i].n_maps; j++) {
            if (strcmp(run->products[i].maps[j].name, name) != 0)
                continue;
            *map = j;
            return &run->products[i];
        }
    }
    return NULL;
}

void run_map_shape(const struct run *run, uint64_t *ny, uint64_t *nx)
{
    if (run->scan.ny > 0) {
        *ny = run->scan.ny;
        *nx = run->scan.nx;
        return;
    }
    const uint64_t end = frame_table_end(run->frames);
    *ny = 1;
    *nx = end > run->scan.skip_start ? end - run->scan.skip_start : 0;
}

static void value_clear(const struct product_map *map, void *value)
{
    if (map->dtype == MAP_DTYPE_F64)
        *(double *)value = NAN;
    else
        *(uint64_t *)value = 0;
}

const uint64_t *run_columns_at(const struct run *run, uint64_t position)
{
    const uint64_t *columns;
    const struct frame_facts *const facts =
        frame_table_look(run->frames, scan_geometry_frame_index(&run->scan, position), &columns);
    if (!facts || atomic_load_explicit(&facts->state, memory_order_acquire) != FRAME_ANALYSED)
        return NULL;
    return columns;
}

void run_map_positions(const struct run *run, const struct product *product, unsigned map,
                       uint64_t first, uint64_t count, void *values, uint8_t *measured)
{
    uint8_t *value = values;
    for (uint64_t i = 0; i < count; i++, value += 8) {
        const uint64_t *const columns = run_columns_at(run, first + i);
        if (columns)
            product->class->map_value(product, map, columns + product->first_column, value);
        else
            value_clear(&product->maps[map], value);
        if (measured)
            measured[i] = columns != NULL;
    }
}

void run_want_images(struct run *run)
{
    atomic_fetch_add_explicit(&run->partials_wanted, 1, memory_order_relaxed);
}

void run_image(struct run *run, const struct product *product, uint64_t *image)
{
    const unsigned which = (unsigned)(product - run->products);
    void *const merged = product_accumulator_create(product->accumulator_size);
    if (!merged) {
        memset(image, 0, sizeof *image * run->format.width * run->format.height);
        return;
    }
    for (unsigned i = 0; i < run->n_workers; i++) {
        struct run_partial *const partial = &run->partials[i];
        pthread_mutex_lock(&partial->mutex);
        product->class->merge(product, merged, partial->shared[which]);
        pthread_mutex_unlock(&partial->mutex);
    }
    product->class->image(product, merged, image);
    free(merged);
}
