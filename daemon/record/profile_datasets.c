#include "daemon/record/profile_datasets.h"

#include <blosc.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemon/record/blosc_filter.h"
#include "daemon/record/nexus.h"
#include "daemon/record/result_datasets.h"
#include "processing/products/profile_products.h"
#include "processing/tables/column_table.h"

/* A chunk has about so many bytes: quick to read for one position, few to be written. */
#define CHUNK_BYTES ((size_t)512 << 10)

/* Whatever the pixels are packed with: neighbouring profiles are much alike. */
static const struct recording_settings packing = {
    .codec = RECORDING_CODEC_LZ4,
    .shuffle = RECORDING_SHUFFLE_BIT,
    .level = 1,
};

enum { PASS, LINE, COLUMN, RING, N_AXES };

/* ---- making ---- */

/* Axes that the dataset does not have: one pass has none of passes, a stack is one line. */
static unsigned left_out(const struct result_datasets *results)
{
    return results->stack ? COLUMN : results->passes > 1 ? PASS : LINE;
}

static size_t profile_size(const struct product *product)
{
    return radial_profile_bins(product)->n_bins * radial_profile_count_size(product);
}

static uint64_t at_most(uint64_t n, uint64_t most)
{
    return n < 1 ? 1 : n < most ? n : most;
}

/* Whole lines as long as they are short. */
static void choose_chunk(struct layer_profiles *layer, const struct result_datasets *results,
                         const struct run *run)
{
    const uint64_t profiles = CHUNK_BYTES / profile_size(layer->product);
    const uint64_t line = results->stack ? run->frames_to_come : results->nx;
    layer->chunk[PASS] = 1;
    layer->chunk[COLUMN] = at_most(profiles, line);
    layer->chunk[LINE] = results->stack ? 1 : at_most(profiles / layer->chunk[COLUMN], results->ny);
    layer->chunk[RING] = radial_profile_bins(layer->product)->n_bins;
}

static size_t chunk_size(const struct layer_profiles *layer)
{
    return layer->chunk[LINE] * layer->chunk[COLUMN] * profile_size(layer->product);
}

static hid_t dataset_create(const struct layer_profiles *layer,
                            const struct result_datasets *results, hid_t group)
{
    const unsigned first = left_out(results);
    const int rank = (int)(N_AXES - first);
    const size_t size = radial_profile_count_size(layer->product);
    const hsize_t n_bins = layer->chunk[RING];
    const hsize_t extent[] = {results->passes, results->ny, results->stack ? 0 : results->nx,
                              n_bins};
    const hsize_t limit[] = {results->passes, results->ny,
                             results->stack ? H5S_UNLIMITED : results->nx, n_bins};
    const hid_t space = H5Screate_simple(rank, extent + first, limit + first);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (space >= 0 && properties >= 0 &&
        H5Pset_chunk(properties, rank, layer->chunk + first) >= 0 &&
        blosc_filter_add(properties, &packing, size, chunk_size(layer)) >= 0)
        dataset = H5Dcreate2(group, "data", size == 4 ? H5T_STD_U32LE : H5T_STD_U64LE, space,
                             H5P_DEFAULT, properties, H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
}

static int give_areas(hid_t group, const struct radial_bins *bins)
{
    const hsize_t extent = bins->n_bins;
    const hid_t space = H5Screate_simple(1, &extent, NULL);
    const hid_t dataset = space < 0 ? -1
                                    : H5Dcreate2(group, "area", H5T_STD_U64LE, space, H5P_DEFAULT,
                                                 H5P_DEFAULT, H5P_DEFAULT);
    int r = -1;
    if (dataset >= 0 &&
        H5Dwrite(dataset, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, bins->areas) >= 0)
        r = result_describe(dataset, "px", "good pixels of each ring");
    if (dataset >= 0)
        H5Dclose(dataset);
    if (space >= 0)
        H5Sclose(space);
    return r;
}

static int fill_group(struct layer_profiles *layer, const struct result_datasets *results,
                      hid_t group, const struct run *run)
{
    const struct radial_bins *const bins = radial_profile_bins(layer->product);
    layer->dataset = dataset_create(layer, results, group);
    if (layer->dataset < 0 || give_areas(group, bins) < 0 ||
        result_ring_axes_create(group, bins->n_bins, bins->settings.bin_width, run) < 0)
        return -1;
    return result_describe(layer->dataset, "counts",
                           "counts of each ring at each position, 0 where nothing was measured; "
                           "divided by area: per pixel");
}

static void tell_there_are_none(const struct run *run, const struct product *product)
{
    if (product->layer > 0)
        return;
    if (run->frames_to_come > 0)
        log_notice("record",
                   "the file gets no radial profiles of single positions: those of %" PRIu64
                   " frames are too large to be kept; the mean profile is there, and "
                   "analysis.bin_width makes them smaller",
                   run->frames_to_come);
    else
        log_notice("record", "the file gets no radial profiles of single frames: nobody knows how "
                             "many will come; the mean profile is there");
}

static void spell_name(char name[PRODUCT_NAME_SIZE], const struct run *run, unsigned layer)
{
    const char *const layer_name = run_layer_name(run, layer);
    snprintf(name, PRODUCT_NAME_SIZE, "%s%sradial_profile", layer_name, *layer_name ? "/" : "");
}

int profile_datasets_create(struct profile_datasets *datasets,
                            const struct result_datasets *results, hid_t parent,
                            const struct run *run, const struct product *product)
{
    if (!run->plan->recording.profiles)
        return 0;
    if (!product->columns) {
        tell_there_are_none(run, product);
        return 0;
    }
    char name[PRODUCT_NAME_SIZE];
    struct layer_profiles *const layer = &datasets->layers[datasets->n];
    spell_name(name, run, product->layer);
    layer->product = product;
    choose_chunk(layer, results, run);
    const hid_t group =
        result_positions_group(results, parent, name, "data", result_ring_axis(run));
    const int r = group < 0 ? -1 : fill_group(layer, results, group, run);
    if (group >= 0)
        H5Gclose(group);
    datasets->n += r == 0;
    return r;
}

/* ---- filling ---- */

uint64_t profile_datasets_bytes(const struct profile_datasets *datasets, const struct run *run)
{
    const struct run_map_shape shape = run_map_shape(run, &run->scan);
    const uint64_t positions = shape.passes * shape.ny * shape.nx;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < datasets->n; i++)
        bytes += positions * profile_size(datasets->layers[i].product);
    return bytes;
}

/* Profiles of a chunk as they are packed. */
struct profile_chunk {
    const struct layer_profiles *layer;
    const struct run *run;
    hsize_t extent[N_AXES];
    hsize_t corner[N_AXES];
    uint8_t *values, *packed;
    size_t size; /* of the values */
};

/* Whether it was measured. */
static bool fill_position(const struct profile_chunk *chunk, uint64_t position, uint8_t *values)
{
    const struct product *const product = chunk->layer->product;
    const uint32_t n_bins = radial_profile_bins(product)->n_bins;
    const size_t size = radial_profile_count_size(product);
    uint64_t columns[PRODUCT_MAX_COLUMNS], counts[RADIAL_MAX_BINS];
    const int64_t frame = scan_geometry_frame_index(&chunk->run->scan, position);
    if (frame < 0 || !column_table_get(product->columns, (uint64_t)frame, columns))
        return false;
    radial_profile_columns_to_counts(product, columns, counts);
    if (size == sizeof *counts) {
        memcpy(values, counts, n_bins * size);
        return true;
    }
    uint32_t *const narrow = (uint32_t *)(void *)values;
    for (uint32_t bin = 0; bin < n_bins; bin++)
        narrow[bin] = (uint32_t)counts[bin];
    return true;
}

/* Returns how many of its positions were measured. */
static uint64_t fill_chunk(const struct profile_chunk *chunk)
{
    const hsize_t *const corner = chunk->corner, *const extent = chunk->extent;
    const hsize_t *const shape = chunk->layer->chunk;
    const size_t one = profile_size(chunk->layer->product);
    uint64_t n = 0;
    memset(chunk->values, 0, chunk->size);
    for (hsize_t y = 0; y < shape[LINE] && corner[LINE] + y < extent[LINE]; y++) {
        const uint64_t line = corner[PASS] * extent[LINE] + corner[LINE] + y;
        for (hsize_t x = 0; x < shape[COLUMN] && corner[COLUMN] + x < extent[COLUMN]; x++)
            n += fill_position(chunk, line * extent[COLUMN] + corner[COLUMN] + x,
                               chunk->values + (y * shape[COLUMN] + x) * one);
    }
    return n;
}

static int write_chunk(const struct profile_chunk *chunk, unsigned first_axis)
{
    if (fill_chunk(chunk) == 0)
        return 0;
    const int bytes = blosc_compress_ctx(
        packing.level, BLOSC_BITSHUFFLE, radial_profile_count_size(chunk->layer->product),
        chunk->size, chunk->values, chunk->packed, chunk->size + BLOSC_MAX_OVERHEAD,
        BLOSC_LZ4_COMPNAME, 0, 1);
    if (bytes <= 0)
        return -1;
    return H5Dwrite_chunk(chunk->layer->dataset, H5P_DEFAULT, 0, chunk->corner + first_axis,
                          (size_t)bytes, chunk->packed) < 0
               ? -1
               : 0;
}

/* The corner of the next chunk; false: there is none. */
static bool step(struct profile_chunk *chunk)
{
    for (unsigned axis = COLUMN + 1; axis-- > PASS;) {
        chunk->corner[axis] += chunk->layer->chunk[axis];
        if (chunk->corner[axis] < chunk->extent[axis])
            return true;
        chunk->corner[axis] = 0;
    }
    return false;
}

static int write_chunks(struct profile_chunk *chunk, unsigned first_axis)
{
    int r = chunk->values && chunk->packed ? 0 : -1;
    if (chunk->extent[COLUMN] == 0)
        return r;
    do {
        if (r == 0)
            r = write_chunk(chunk, first_axis);
    } while (r == 0 && step(chunk));
    return r;
}

static int write_layer(const struct layer_profiles *layer, const struct result_datasets *results,
                       const struct run *run)
{
    const struct run_map_shape shape = run_map_shape(run, &run->scan);
    const unsigned first = left_out(results);
    struct profile_chunk chunk = {
        .layer = layer,
        .run = run,
        .extent = {shape.passes, shape.ny, shape.nx, layer->chunk[RING]},
        .size = chunk_size(layer),
    };
    if (results->stack && H5Dset_extent(layer->dataset, chunk.extent + first) < 0)
        return -1;
    chunk.values = malloc(chunk.size);
    chunk.packed = malloc(chunk.size + BLOSC_MAX_OVERHEAD);
    const int r = write_chunks(&chunk, first);
    free(chunk.packed);
    free(chunk.values);
    return r;
}

int profile_datasets_complete(const struct profile_datasets *datasets,
                              const struct result_datasets *results, const struct run *run)
{
    for (unsigned i = 0; i < datasets->n; i++) {
        if (write_layer(&datasets->layers[i], results, run) < 0)
            return -1;
    }
    return 0;
}

int profile_datasets_remove(const struct profile_datasets *datasets, hid_t file,
                            const struct run *run)
{
    const hid_t parent = H5Gopen2(file, "/entry/results", H5P_DEFAULT);
    int r = parent < 0 ? -1 : 0;
    for (unsigned i = 0; r == 0 && i < datasets->n; i++) {
        char name[PRODUCT_NAME_SIZE];
        spell_name(name, run, datasets->layers[i].product->layer);
        r = H5Ldelete(parent, name, H5P_DEFAULT) < 0 ? -1 : 0;
    }
    if (parent >= 0)
        H5Gclose(parent);
    return r;
}
