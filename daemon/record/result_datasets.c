#include "daemon/record/result_datasets.h"

#include <stdlib.h>

#include "daemon/record/grown_dataset.h"

static hid_t memory_type(enum map_dtype dtype)
{
    return dtype == MAP_DTYPE_F64  ? H5T_NATIVE_DOUBLE
           : dtype == MAP_DTYPE_U8 ? H5T_NATIVE_UINT8
                                   : H5T_NATIVE_UINT64;
}

/* ---- positions ---- */

static uint64_t positions_of_pass(const struct result_datasets *results)
{
    return results->ny * results->nx;
}

/* Positions that there are by now. */
static uint64_t positions(const struct result_datasets *results, const struct run *run)
{
    if (results->stack)
        return run_map_shape(run, &run->scan).nx;
    return results->passes * positions_of_pass(results);
}

/* How many positions from `first` on, below `end`, are written in one go. */
static uint64_t block_length(const struct result_datasets *results, uint64_t first, uint64_t end)
{
    const uint64_t in_pass = results->stack ? first : first % positions_of_pass(results);
    uint64_t n = results->positions_at_once - in_pass % results->positions_at_once;
    if (!results->stack && n > positions_of_pass(results) - in_pass)
        n = positions_of_pass(results) - in_pass;
    return n < end - first ? n : end - first;
}

/* ---- writing ---- */

/* Whole lines of one pass. */
static int write_lines(const struct result_datasets *results, hid_t dataset, hid_t type,
                       uint64_t first, uint64_t n, const void *values)
{
    const uint64_t line = first / results->nx;
    const hsize_t start[] = {line / results->ny, line % results->ny, 0};
    const hsize_t count[] = {1, n / results->nx, results->nx};
    /* A scan of one pass has no axis for passes. */
    const int left_out = results->passes > 1 ? 0 : 1;
    const hid_t file_space = H5Dget_space(dataset);
    const hid_t memory_space = H5Screate_simple(3 - left_out, count + left_out, NULL);
    herr_t r = -1;
    if (file_space >= 0 && memory_space >= 0 &&
        H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start + left_out, NULL, count + left_out,
                            NULL) >= 0)
        r = H5Dwrite(dataset, type, memory_space, file_space, H5P_DEFAULT, values);
    if (memory_space >= 0)
        H5Sclose(memory_space);
    if (file_space >= 0)
        H5Sclose(file_space);
    return r < 0 ? -1 : 0;
}

static int write_positions(const struct result_datasets *results, hid_t dataset, hid_t type,
                           uint64_t first, uint64_t n, const void *values)
{
    if (!results->stack)
        return write_lines(results, dataset, type, first, n, values);
    return grown_dataset_write(dataset, type, first, n, values) < 0 ? -1 : 0;
}

static int write_map_block(const struct result_datasets *results, const struct run *run,
                           const struct result_map *map, uint64_t first, uint64_t n)
{
    const struct product *const product = bragg_datasets_newest(map->product, run);
    run_map_positions(run, &run->scan, product, map->map, first, n, results->values, NULL);
    return write_positions(results, map->dataset, memory_type(product->maps[map->map].dtype), first,
                           n, results->values);
}

static int write_layer_block(const struct result_datasets *results, const struct run *run,
                             unsigned layer, uint64_t first, uint64_t n)
{
    /* Where nothing was measured the fill values say so already. */
    if (run_measured(run, &run->scan, layer, first, n, results->measured_values) == 0)
        return 0;
    for (unsigned i = 0; i < results->n_maps; i++) {
        const struct result_map *const map = &results->maps[i];
        if (map->product->layer == layer && write_map_block(results, run, map, first, n) < 0)
            return -1;
    }
    return write_positions(results, results->measured[layer], H5T_NATIVE_UINT8, first, n,
                           results->measured_values);
}

static int write_range(const struct result_datasets *results, const struct run *run, uint64_t first,
                       uint64_t end)
{
    for (uint64_t n; first < end; first += n) {
        n = block_length(results, first, end);
        for (unsigned layer = 0; layer < results->n_layers; layer++) {
            if (write_layer_block(results, run, layer, first, n) < 0)
                return -1;
        }
    }
    return 0;
}

static int extend(struct result_datasets *results, uint64_t length)
{
    if (!results->stack || length <= results->length)
        return 0;
    for (unsigned i = 0; i < results->n_maps; i++) {
        if (grown_dataset_extend(results->maps[i].dataset, length) < 0)
            return -1;
    }
    for (unsigned layer = 0; layer < results->n_layers; layer++) {
        if (grown_dataset_extend(results->measured[layer], length) < 0)
            return -1;
    }
    results->length = length;
    return 0;
}

/* ---- what changed ---- */

static void note_change(struct result_datasets *results, uint64_t first, uint64_t n)
{
    if (first < results->changed_first)
        results->changed_first = first;
    if (first + n > results->changed_end)
        results->changed_end = first + n;
}

/* Places of a list are neighbours in time; their positions may be anywhere. */
static void note_places_of_list(struct result_datasets *results, const struct run *run,
                                uint64_t place)
{
    const struct scan_list *const list = run->scan.list;
    const uint64_t pass = place / list->n * positions_of_pass(results);
    for (uint64_t i = place % list->n, k = 0; i < list->n && k < run->chunk_frames; i++, k++)
        note_change(results, pass + list->positions[i], 1);
}

void result_datasets_changed(struct result_datasets *results, const struct compressed_chunk *chunk)
{
    const struct run *const run = chunk->run;
    if (chunk->extra) {
        /* A late frame has its value in the maps all the same. */
        if ((chunk->flags & FRAME_FLAG_LATE) && chunk->position >= 0)
            note_change(results, (uint64_t)chunk->position, 1);
    } else if (run->scan.order == SCAN_ORDER_LIST && run->scan.ny > 0) {
        note_places_of_list(results, run, (uint64_t)chunk->first_place);
    } else {
        note_change(results, (uint64_t)chunk->first_place, run->chunk_frames);
    }
}

int result_datasets_update(struct result_datasets *results, const struct run *run)
{
    uint64_t first = results->changed_first, end = results->changed_end;
    if (!results->stack) {
        first -= first % results->nx;
        end = (end + results->nx - 1) / results->nx * results->nx;
    }
    const uint64_t there = positions(results, run);
    if (end > there)
        end = there;
    if (first >= end)
        return 0;
    if (extend(results, end) < 0 || write_range(results, run, first, end) < 0)
        return -1;
    results->changed_first = UINT64_MAX;
    results->changed_end = 0;
    return 0;
}

/* ---- the end ---- */

int result_positions_write(const struct result_datasets *results, const struct run *run,
                           hid_t dataset, hid_t memory, result_fill_fn fill, const void *data)
{
    const uint64_t end = positions(results, run);
    if (results->stack && grown_dataset_extend(dataset, end) < 0)
        return -1;
    for (uint64_t first = 0, n; first < end; first += n) {
        n = block_length(results, first, end);
        fill(data, first, n, results->values);
        if (write_positions(results, dataset, memory, first, n, results->values) < 0)
            return -1;
    }
    return 0;
}

int result_map_write(const struct result_datasets *results, const struct run *run,
                     const struct result_map *map)
{
    const uint64_t end = positions(results, run);
    if (results->stack && grown_dataset_extend(map->dataset, end) < 0)
        return -1;
    for (uint64_t first = 0, n; first < end; first += n) {
        n = block_length(results, first, end);
        if (write_map_block(results, run, map, first, n) < 0)
            return -1;
    }
    return 0;
}

int result_array_write(const struct result_array *array, const void *sums)
{
    const struct product_array *const facts = &array->product->arrays[array->array];
    const size_t n = (size_t)facts->shape[0] * (facts->rank == 2 ? facts->shape[1] : 1);
    uint64_t *const values = calloc(n, sizeof *values);
    if (!values)
        return -1;
    array->product->class->array(array->product, array->array, sums, values);
    const herr_t r =
        H5Dwrite(array->dataset, memory_type(facts->dtype), H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    free(values);
    return r < 0 ? -1 : 0;
}

/* The n arrays from `first` on, all of one product. */
static int write_arrays(const struct result_array *first, unsigned n, const struct run *run)
{
    void *const sums = run_sums(first->product);
    int r = sums ? 0 : -1;
    for (unsigned i = 0; r == 0 && i < n; i++)
        r = result_array_write(&first[i], sums);
    free(sums);
    return r;
}

static unsigned arrays_of_one_product(const struct result_datasets *results, unsigned first)
{
    unsigned n = 1;
    while (first + n < results->n_arrays &&
           results->arrays[first + n].product == results->arrays[first].product)
        n++;
    return n;
}

int result_datasets_complete(struct result_datasets *results, const struct run *run)
{
    const uint64_t end = positions(results, run);
    if (extend(results, end) < 0 || write_range(results, run, 0, end) < 0)
        return -1;
    for (unsigned i = 0, n; i < results->n_arrays; i += n) {
        n = arrays_of_one_product(results, i);
        if (write_arrays(&results->arrays[i], n, run) < 0)
            return -1;
    }
    return bragg_datasets_complete(&results->bragg, results, run);
}

void result_datasets_finish(struct result_datasets *results)
{
    free(results->maps);
    free(results->arrays);
    free(results->values);
    free(results->measured_values);
    *results = (struct result_datasets){0};
}
