#include "daemon/record/file_images.h"

#include <blosc.h>
#include <errno.h>
#include <string.h>

#include "daemon/record/blosc_filter.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/image_dataset.h"

#define FILTER_VALUES 7
/* Meaning of the filter's values: blosc_filter.c. */
enum { VALUE_TYPE_SIZE = 2, VALUE_CHUNK_SIZE = 3, VALUE_LEVEL = 4, VALUE_SHUFFLE, VALUE_CODEC };

/* ---- opening ---- */

static bool read_shape(struct image_store *store)
{
    unsigned rank;
    hsize_t extent[FILE_RANK_MAX];
    if (!file_extent(store->id, &rank, extent) || rank < 3 || rank > 5)
        return false;
    store->rank = rank;
    memcpy(store->extent, extent, rank * sizeof *extent);
    store->passes = rank == 5 ? extent[0] : 1;
    store->ny = rank == 3 ? 1 : extent[rank - 4];
    store->nx = extent[rank - 3];
    store->pixel_size = H5Tget_size(store->type);
    const double size =
        (double)extent[rank - 2] * (double)extent[rank - 1] * (double)store->pixel_size;
    const double places = (double)store->passes * (double)store->ny * (double)store->nx;
    if (size < 1 || size > BLOSC_MAX_BUFFERSIZE || places > (double)((uint64_t)1 << 40))
        return false;
    store->frame_size = (size_t)size;
    return true;
}

/* The k of chunks (1, k, y, x), else 0. */
static uint32_t read_chunk_frames(const struct image_store *store, hid_t properties)
{
    hsize_t chunk[FILE_RANK_MAX];
    const unsigned rank = store->rank;
    if (H5Pget_layout(properties) != H5D_CHUNKED ||
        H5Pget_chunk(properties, FILE_RANK_MAX, chunk) != (int)rank)
        return 0;
    if (chunk[rank - 1] != store->extent[rank - 1] || chunk[rank - 2] != store->extent[rank - 2])
        return 0;
    for (unsigned i = 0; i + 3 < rank; i++) {
        if (chunk[i] != 1)
            return 0;
    }
    const hsize_t k = chunk[rank - 3];
    return k * store->frame_size <= BLOSC_MAX_BUFFERSIZE ? (uint32_t)k : 0;
}

static const char *codec_name(unsigned code)
{
    const char *name = NULL;
    if (blosc_compcode_to_compname((int)code, &name) < 0 || !name)
        return BLOSC_LZ4_COMPNAME;
    return name;
}

static void read_compression(struct image_store *store, hid_t properties)
{
    unsigned flags, values[FILTER_VALUES] = {0};
    size_t n = FILTER_VALUES;
    const int n_filters = H5Pget_nfilters(properties);
    store->filtered = n_filters > 0;
    if (n_filters != 1 ||
        H5Pget_filter_by_id2(properties, BLOSC_FILTER_ID, &flags, &n, values, 0, NULL, NULL) < 0) {
        hdf5_error_forget();
        return;
    }
    store->blosc = true;
    store->level = values[VALUE_LEVEL] <= 9 ? (int)values[VALUE_LEVEL] : 9;
    store->shuffle =
        values[VALUE_SHUFFLE] <= BLOSC_BITSHUFFLE ? (int)values[VALUE_SHUFFLE] : BLOSC_SHUFFLE;
    store->type_size = (int)store->pixel_size;
    store->codec = codec_name(n > VALUE_CODEC ? values[VALUE_CODEC] : BLOSC_BLOSCLZ);
}

static bool describe(struct image_store *store)
{
    store->type = H5Dget_type(store->id);
    const hid_t properties = H5Dget_create_plist(store->id);
    const bool good = store->type >= 0 && properties >= 0 &&
                      H5Tget_class(store->type) == H5T_INTEGER && read_shape(store);
    if (good) {
        store->chunk_frames = read_chunk_frames(store, properties);
        read_compression(store, properties);
    }
    if (properties >= 0)
        H5Pclose(properties);
    return good;
}

int image_store_open(struct image_store *store, hid_t dataset, const char *name,
                     struct error *error)
{
    *store = (struct image_store){.id = dataset, .type = -1};
    if (dataset >= 0 && describe(store))
        return 0;
    image_store_finish(store);
    hdf5_error_forget();
    return error_set(error, -EBADMSG,
                     "%s holds no frames: a stack or scan of images of whole numbers is expected",
                     name);
}

void image_store_finish(struct image_store *store)
{
    if (store->type >= 0)
        H5Tclose(store->type);
    if (store->id >= 0)
        H5Dclose(store->id);
    store->id = store->type = -1;
}

/* ---- making ---- */

/* The filters of `like` for chunks of another size. */
static hid_t chunk_properties(const struct image_store *like, unsigned rank, const hsize_t *chunk,
                              uint32_t chunk_frames)
{
    const hid_t properties = H5Dget_create_plist(like->id);
    unsigned flags, values[FILTER_VALUES] = {0};
    size_t n = FILTER_VALUES;
    if (properties < 0)
        return properties;
    herr_t r = H5Pset_chunk(properties, (int)rank, chunk);
    if (r >= 0)
        r = H5Pset_alloc_time(properties, H5D_ALLOC_TIME_INCR);
    if (r >= 0 && like->blosc) {
        r = H5Pget_filter_by_id2(properties, BLOSC_FILTER_ID, &flags, &n, values, 0, NULL, NULL);
        values[VALUE_CHUNK_SIZE] = (unsigned)(chunk_frames * like->frame_size);
        if (r >= 0)
            r = H5Pmodify_filter(properties, BLOSC_FILTER_ID, H5Z_FLAG_MANDATORY, FILTER_VALUES,
                                 values);
    }
    if (r >= 0)
        return properties;
    H5Pclose(properties);
    return -1;
}

static hid_t create(hid_t group, const struct image_store *like, unsigned rank,
                    const hsize_t *extent, const hsize_t *limit, const hsize_t *chunk,
                    uint32_t chunk_frames)
{
    return image_dataset_make(group, like->type, H5Screate_simple((int)rank, extent, limit),
                              chunk_properties(like, rank, chunk, chunk_frames));
}

int image_store_create(struct image_store *store, hid_t group, const struct image_store *like,
                       const struct scan_geometry *geometry, uint64_t length, uint32_t chunk_frames)
{
    const bool stack = !geometry || scan_geometry_is_stack(geometry);
    const hsize_t height = like->extent[like->rank - 2], width = like->extent[like->rank - 1];
    const hsize_t passes = stack ? 1 : scan_geometry_passes(geometry);
    const hsize_t ny = stack ? 1 : geometry->ny, nx = stack ? length : geometry->nx;
    const unsigned left_out = stack ? 2 : passes > 1 ? 0 : 1;
    /* The chunk of a dimension that cannot grow must fit into it. */
    if (!stack && chunk_frames > nx)
        chunk_frames = (uint32_t)nx;
    const hsize_t extent[] = {passes, ny, nx, height, width};
    const hsize_t chunk[] = {1, 1, chunk_frames, height, width};
    hsize_t limit[] = {passes, ny, nx, height, width};
    limit[left_out] = H5S_UNLIMITED;
    *store = (struct image_store){.type = -1};
    store->id = create(group, like, 5 - left_out, extent + left_out, limit + left_out,
                       chunk + left_out, chunk_frames);
    if (store->id >= 0 && describe(store)) {
        store->like = like;
        return 0;
    }
    image_store_finish(store);
    return -1;
}

bool image_store_same_chunks(const struct image_store *made, const struct image_store *from)
{
    /* A Blosc chunk tells itself how it was compressed. */
    const bool same_coding =
        made->like == from || (made->blosc && from->blosc) || (!made->filtered && !from->filtered);
    return from->chunk_frames > 0 && made->chunk_frames == from->chunk_frames && same_coding;
}

int image_store_extend(struct image_store *store, uint64_t length)
{
    store->extent[0] = store->nx = length;
    return H5Dset_extent(store->id, store->extent) < 0 ? -1 : 0;
}

/* ---- places ---- */

uint64_t image_store_places(const struct image_store *store)
{
    return store->passes * store->ny * store->nx;
}

uint64_t image_store_chunk(const struct image_store *store, uint64_t place, uint32_t *n)
{
    const uint32_t k = store->chunk_frames ? store->chunk_frames : 1;
    const uint64_t column = place % store->nx;
    const uint64_t first = column - column % k;
    *n = (uint32_t)(first + k < store->nx ? k : store->nx - first);
    return place - column + first;
}

/* [pass, line, column, 0, 0] without what the dataset has not. */
static void find_corner(const struct image_store *store, uint64_t place, hsize_t corner[5])
{
    const uint64_t line = place / store->nx;
    memset(corner, 0, 5 * sizeof *corner);
    hsize_t *at = corner;
    if (store->rank == 5)
        *at++ = line / store->ny;
    if (store->rank >= 4)
        *at++ = line % store->ny;
    *at = place % store->nx;
}

/* ---- chunks ---- */

int image_store_chunk_bytes(const struct image_store *store, uint64_t first, hsize_t *bytes)
{
    hsize_t corner[5];
    find_corner(store, first, corner);
    return file_chunk_bytes(store->id, corner, bytes);
}

int image_store_read_raw(const struct image_store *store, uint64_t first,
                         struct file_buffer *buffer, hsize_t *bytes, uint32_t *mask)
{
    hsize_t corner[5];
    find_corner(store, first, corner);
    return file_chunk_read(store->id, corner, buffer, bytes, mask);
}

int image_store_write_raw(const struct image_store *store, uint64_t first, const void *buffer,
                          size_t bytes, uint32_t mask)
{
    hsize_t corner[5];
    find_corner(store, first, corner);
    return H5Dwrite_chunk(store->id, H5P_DEFAULT, mask, corner, bytes, buffer) < 0 ? -1 : 0;
}

/* Reads or writes n frames, which lie on one line, through HDF5's filters. */
static int transfer(const struct image_store *store, uint64_t first, uint32_t n, void *into,
                    const void *from)
{
    hsize_t corner[5], count[5] = {1, 1, 1, 1, 1};
    const unsigned rank = store->rank;
    find_corner(store, first, corner);
    count[rank - 3] = n;
    count[rank - 2] = store->extent[rank - 2];
    count[rank - 1] = store->extent[rank - 1];
    const hid_t space = H5Dget_space(store->id);
    const hid_t memory = H5Screate_simple((int)rank, count, NULL);
    herr_t r = -1;
    if (space >= 0 && memory >= 0 &&
        H5Sselect_hyperslab(space, H5S_SELECT_SET, corner, NULL, count, NULL) >= 0)
        r = into ? H5Dread(store->id, store->type, memory, space, H5P_DEFAULT, into)
                 : H5Dwrite(store->id, store->type, memory, space, H5P_DEFAULT, from);
    if (memory >= 0)
        H5Sclose(memory);
    if (space >= 0)
        H5Sclose(space);
    return r < 0 ? -1 : 0;
}

int image_store_read(const struct image_store *store, uint64_t first, uint32_t n, void *pixels)
{
    return transfer(store, first, n, pixels, NULL);
}

size_t image_store_scratch(const struct image_store *store)
{
    return store->chunk_frames * store->frame_size + BLOSC_MAX_OVERHEAD;
}

int image_store_write(const struct image_store *store, uint64_t first, const void *pixels,
                      void *scratch)
{
    uint32_t n;
    image_store_chunk(store, first, &n);
    if (!store->blosc)
        return transfer(store, first, n, NULL, pixels);
    const size_t size = store->chunk_frames * store->frame_size;
    const int bytes =
        blosc_compress_ctx(store->level, store->shuffle, (size_t)store->type_size, size, pixels,
                           scratch, image_store_scratch(store), store->codec, 0, 1);
    return bytes <= 0 ? -1 : image_store_write_raw(store, first, scratch, (size_t)bytes, 0);
}
