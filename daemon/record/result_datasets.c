#include "daemon/record/result_datasets.h"

#include <stdlib.h>

#include "daemon/record/grown_dataset.h"

/* ---- values ---- */

static bool is_float(const struct result_map *map)
{
    return map->product->maps[map->map].dtype == MAP_DTYPE_F64;
}

static hid_t memory_type(const struct result_map *map)
{
    return is_float(map) ? H5T_NATIVE_DOUBLE : H5T_NATIVE_UINT64;
}

/* The run's columns of a position, NULL when it was not measured. */
static uint64_t gather_measured(const struct run *run, uint64_t first, uint64_t n,
                                uint8_t *measured)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < n; i++)
        count += measured[i] = run_columns_at(run, first + i) != NULL;
    return count;
}

/* ---- writing ---- */

static int write_lines(const struct result_datasets *results, hid_t dataset, hid_t type,
                       uint64_t first, uint64_t n, const void *values)
{
    const hsize_t start[] = {first / results->nx, 0}, count[] = {n / results->nx, results->nx};
    const hid_t file_space = H5Dget_space(dataset);
    const hid_t memory_space = H5Screate_simple(2, count, NULL);
    herr_t r = -1;
    if (file_space >= 0 && memory_space >= 0 &&
        H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
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

static int extend(struct result_datasets *results, uint64_t length)
{
    if (!results->stack || results->measured < 0 || length <= results->length)
        return 0;
    for (unsigned i = 0; i < results->n_maps; i++) {
        if (grown_dataset_extend(results->maps[i].dataset, length) < 0)
            return -1;
    }
    if (grown_dataset_extend(results->measured, length) < 0)
        return -1;
    results->length = length;
    return 0;
}

static int write_block(const struct result_datasets *results, const struct run *run, uint64_t first,
                       uint64_t n)
{
    /* Where nothing was measured the fill values say so already. */
    if (gather_measured(run, first, n, results->measured_values) == 0)
        return 0;
    for (unsigned i = 0; i < results->n_maps; i++) {
        const struct result_map *const map = &results->maps[i];
        run_map_positions(run, map->product, map->map, first, n, results->values, NULL);
        if (write_positions(results, map->dataset, memory_type(map), first, n, results->values) < 0)
            return -1;
    }
    return write_positions(results, results->measured, H5T_NATIVE_UINT8, first, n,
                           results->measured_values);
}

static int write_range(const struct result_datasets *results, const struct run *run, uint64_t first,
                       uint64_t end)
{
    if (results->measured < 0)
        return 0;
    for (uint64_t n; first < end; first += n) {
        n = results->positions_at_once - first % results->positions_at_once;
        if (n > end - first)
            n = end - first;
        if (write_block(results, run, first, n) < 0)
            return -1;
    }
    return 0;
}

/* Positions that there are by now. */
static uint64_t positions(const struct result_datasets *results, const struct run *run)
{
    if (!results->stack)
        return results->ny * results->nx;
    const uint64_t end = frame_table_end(run->frames);
    return end > run->scan.skip_start ? end - run->scan.skip_start : 0;
}

void result_datasets_changed(struct result_datasets *results, uint64_t first, uint64_t n)
{
    if (first < results->changed_first)
        results->changed_first = first;
    if (first + n > results->changed_end)
        results->changed_end = first + n;
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

static int write_image(const struct result_image *image, struct run *run)
{
    const size_t pixels = (size_t)run->format.width * run->format.height;
    uint64_t *const values = calloc(pixels, sizeof *values);
    if (!values)
        return -1;
    run_image(run, image->product, values);
    const herr_t r =
        H5Dwrite(image->dataset, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    free(values);
    return r < 0 ? -1 : 0;
}

int result_datasets_complete(struct result_datasets *results, struct run *run)
{
    const uint64_t end = positions(results, run);
    if (extend(results, end) < 0 || write_range(results, run, 0, end) < 0)
        return -1;
    for (unsigned i = 0; i < results->n_images; i++) {
        if (write_image(&results->images[i], run) < 0)
            return -1;
    }
    return 0;
}

void result_datasets_finish(struct result_datasets *results)
{
    free(results->maps);
    free(results->images);
    free(results->values);
    free(results->measured_values);
    *results = (struct result_datasets){.measured = -1};
}
