#include "processing/run/run.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/counter.h"
#include "common/huge_memory.h"
#include "processing/run/given_maps.h"
#include "processing/run/run_excluded.h"
#include "processing/run/run_products.h"
#include "processing/tables/column_table.h"

/* What others see of a run while it goes on and afterwards: reasons, maps, arrays. */

const char *run_layer_name(const struct run *run, unsigned layer)
{
    static const char *const counters[] = {"counter0", "counter1"};
    static const char *const layers[] = {"layer0", "layer1", "layer2", "layer3",
                                         "layer4", "layer5", "layer6", "layer7"};
    if (run->n_layers == 1)
        return "";
    return run->colour ? layers[layer] : counters[layer];
}

/* ---- geometry ---- */

const struct run_view *run_view(const struct run *run)
{
    return atomic_load_explicit(&run->view, memory_order_acquire);
}

const struct scan_geometry *run_scan(const struct run *run)
{
    return &run_view(run)->scan;
}

int run_set_view(struct run *run, const struct scan_geometry *scan, const char *source)
{
    struct run_view *const older = atomic_load_explicit(&run->view, memory_order_relaxed);
    struct run_view *const view = calloc(1, sizeof *view);
    if (!view)
        return -ENOMEM;
    view->scan = *scan;
    scan_list_ref(view->scan.list);
    view->version = older ? older->version + 1 : 1;
    view->source = source;
    view->frame = counter_read(&run->counts.received);
    view->time_ns = clock_realtime_ns();
    view->older = older;
    atomic_store_explicit(&run->view, view, memory_order_release);
    return 0;
}

struct run_map_shape run_map_shape(const struct run *run, const struct scan_geometry *scan)
{
    if (scan->ny > 0)
        return (struct run_map_shape){scan_geometry_passes(scan), scan->ny, scan->nx};
    const int64_t end = (int64_t)frame_table_end(run->frames);
    const int64_t first = (int64_t)scan->skip_start + scan->shift;
    return (struct run_map_shape){1, 1, end > first ? (uint64_t)(end - first) : 0};
}

/* ---- accounts ---- */

uint64_t run_missing(const struct run *run)
{
    const uint64_t placed = atomic_load_explicit(&run->counts.placed, memory_order_relaxed);
    uint64_t due = run->expected;
    if (run->recycle)
        return 0;
    if (atomic_load_explicit(&run->end, memory_order_acquire) == RUN_END_NONE)
        due = scan_geometry_positions_before(&run->scan, frame_table_end(run->frames)) *
              run->n_layers;
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
    if (end == RUN_END_PASS)
        return "complete";
    if (end == RUN_END_STOPPED)
        return run->expected == 0 && !run->recycle ? "complete" : "stopped";
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
        [RUN_END_PASS] = "next_pass",
        [RUN_END_SHUTDOWN] = "shutdown",
    };
    return names[end];
}

bool run_has_images(const struct run *run)
{
    return run->store.read || atomic_load_explicit(&run->recording_wanted, memory_order_relaxed);
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

/* ---- maps and arrays ---- */

static bool has_name(const struct run *run, const struct product *product, const char *full,
                     const char *name)
{
    if (strcmp(full, name) == 0)
        return true;
    const char *const layer = run_layer_name(run, product->layer);
    const size_t length = strlen(layer);
    return !product->given && product->layer == 0 && length > 0 &&
           strcmp(full + length + 1, name) == 0;
}

const struct product *run_find_map(const struct run *run, const char *name, unsigned *which)
{
    const struct product_set *const set = run_set(run);
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        for (*which = 0; *which < product->n_maps; (*which)++) {
            if (has_name(run, product, product->maps[*which].name, name))
                return product;
        }
    }
    return NULL;
}

const struct product *run_find_array(const struct run *run, const char *name, unsigned *which)
{
    const struct product_set *const set = run_set(run);
    for (unsigned i = 0; i < set->n; i++) {
        const struct product *const product = set->products[i];
        for (*which = 0; *which < product->n_arrays; (*which)++) {
            if (has_name(run, product, product->arrays[*which].name, name))
                return product;
        }
    }
    return NULL;
}

static void value_clear(const struct product_map *map, void *value)
{
    if (map->dtype == MAP_DTYPE_F64)
        *(double *)value = NAN;
    else if (map->dtype == MAP_DTYPE_U8)
        *(uint8_t *)value = map->unmeasured;
    else
        *(uint64_t *)value = 0;
}

void run_map_positions(const struct run *run, const struct scan_geometry *scan,
                       const struct product *product, unsigned map, uint64_t first, uint64_t count,
                       void *values, uint8_t *measured)
{
    uint64_t columns[PRODUCT_MAX_COLUMNS];
    uint8_t *value = values;
    const size_t size = map_dtype_size(product->maps[map].dtype);
    const bool is_bragg = product_is_bragg(product);
    for (uint64_t i = 0; i < count; i++, value += size) {
        const int64_t frame = scan_geometry_frame_index(scan, first + i);
        const bool there = frame >= 0 &&
                           column_table_get(product->columns, (uint64_t)frame, columns) &&
                           (!product->given || given_maps_there(product, map, columns));
        if (there && is_bragg && run_excludes(run, (uint64_t)frame))
            bragg_product_exclude(columns);
        if (there)
            product->class->map_value(product, map, columns, value);
        else
            value_clear(&product->maps[map], value);
        if (measured)
            measured[i] = there;
    }
}

static bool is_analysed(const struct run *run, int64_t frame, unsigned layer)
{
    if (frame < 0)
        return false;
    const uint64_t exposure = run->recycle ? (uint64_t)frame % run->recycle : (uint64_t)frame;
    const struct frame_facts *const facts =
        frame_table_look(run->frames, exposure * run->n_layers + layer);
    return facts && atomic_load_explicit(&facts->state, memory_order_acquire) == FRAME_ANALYSED;
}

uint64_t run_measured(const struct run *run, const struct scan_geometry *scan, unsigned layer,
                      uint64_t first, uint64_t count, uint8_t *measured)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < count; i++) {
        const bool is = is_analysed(run, scan_geometry_frame_index(scan, first + i), layer);
        if (measured)
            measured[i] = is;
        n += is;
    }
    return n;
}

void run_want_arrays(struct run *run)
{
    atomic_fetch_add_explicit(&run->arrays_wanted, 1, memory_order_relaxed);
}

static uint64_t array_length(const struct product_array *array)
{
    return array->rank == 2 ? (uint64_t)array->shape[0] * array->shape[1] : array->shape[0];
}

void product_partial_add(const struct product *product, struct product_partial *partial,
                         const void *sums)
{
    pthread_mutex_lock(&partial->mutex);
    product->class->merge(product, partial->shared, sums);
    partial->given = true;
    pthread_mutex_unlock(&partial->mutex);
}

/* The share changes places with the memory that nobody has touched yet. */
static void give_first(struct product_partial *partial)
{
    void *const untouched = partial->shared;
    partial->shared = partial->own;
    partial->own = untouched;
    partial->given = true;
}

void product_partial_give(const struct product *product, struct product_partial *partial)
{
    if (!partial->dirty)
        return;
    pthread_mutex_lock(&partial->mutex);
    const bool is_first = !partial->given;
    if (is_first)
        give_first(partial);
    else
        product->class->merge(product, partial->shared, partial->own);
    pthread_mutex_unlock(&partial->mutex);
    if (!is_first)
        memset(partial->own, 0, product->accumulator_size);
    partial->dirty = false;
}

void *run_sums(const struct product *product)
{
    bool is_first = true;
    void *const merged = huge_memory_allocate(product->accumulator_size);
    for (unsigned i = 0; merged && i < product->n_partials; i++) {
        struct product_partial *const partial = &product->partials[i];
        pthread_mutex_lock(&partial->mutex);
        if (partial->given && is_first)
            memcpy(merged, partial->shared, product->accumulator_size);
        else if (partial->given)
            product->class->merge(product, merged, partial->shared);
        is_first &= !partial->given;
        pthread_mutex_unlock(&partial->mutex);
    }
    if (merged && is_first)
        memset(merged, 0, product->accumulator_size);
    return merged;
}

int run_array(const struct run *run, const struct product *product, unsigned which, void *values)
{
    void *const merged = run_sums(product);
    if (!merged) {
        memset(values, 0, 8 * array_length(&product->arrays[which]));
        return -ENOMEM;
    }
    product->class->array(product, which, merged, values);
    free(merged);
    return 0;
}
