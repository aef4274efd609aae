#include "daemon/record/image_dataset.h"

#include <string.h>

#include "daemon/record/blosc_filter.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/nexus.h"

static hid_t pixel_file_type(size_t pixel_size)
{
    return pixel_size == 1 ? H5T_STD_U8LE : pixel_size == 2 ? H5T_STD_U16LE : H5T_STD_U32LE;
}

static hid_t chunk_properties(const struct run *run, int rank, const hsize_t *chunk,
                              uint32_t chunk_frames)
{
    const uint64_t zero = 0;
    const size_t pixel_size = run->format.pixel_size;
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (properties < 0)
        return properties;
    if (H5Pset_chunk(properties, rank, chunk) < 0 ||
        H5Pset_fill_value(properties, H5T_NATIVE_UINT64, &zero) < 0 ||
        blosc_filter_add(properties, &run->plan->recording, pixel_size,
                         chunk_frames * run->format.image_size) < 0) {
        H5Pclose(properties);
        return -1;
    }
    return properties;
}

hid_t image_dataset_access(void)
{
    const hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    if (access >= 0 && H5Pset_chunk_cache(access, 0, 0, H5D_CHUNK_CACHE_W0_DEFAULT) < 0) {
        H5Pclose(access);
        return -1;
    }
    return access;
}

hid_t image_dataset_make(hid_t group, hid_t type, hid_t space, hid_t properties)
{
    hid_t dataset = -1;
    const hid_t access = image_dataset_access();
    if (space >= 0 && properties >= 0 && access >= 0)
        dataset = H5Dcreate2(group, "data", type, space, H5P_DEFAULT, properties, access);
    if (access >= 0)
        H5Pclose(access);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
}

static hid_t create(hid_t group, const struct run *run, int rank, const hsize_t *extent,
                    const hsize_t *limit, const hsize_t *chunk, uint32_t chunk_frames)
{
    return image_dataset_make(group, pixel_file_type(run->format.pixel_size),
                              H5Screate_simple(rank, extent, limit),
                              chunk_properties(run, rank, chunk, chunk_frames));
}

static int describe(hid_t dataset, const char *long_name)
{
    if (nexus_attribute(dataset, "units", "counts") < 0 ||
        nexus_attribute(dataset, "interpretation", "image") < 0 ||
        nexus_attribute(dataset, "long_name", long_name) < 0)
        return -1;
    return 0;
}

static int create_stack(struct image_dataset *images, hid_t group, const struct run *run,
                        uint64_t length, uint32_t chunk_frames)
{
    const hsize_t height = run->format.height, width = run->format.width;
    *images = (struct image_dataset){.rank = 3, .length = length, .height = height, .width = width};
    images->id = create(group, run, 3, (hsize_t[]){length, height, width},
                        (hsize_t[]){H5S_UNLIMITED, height, width},
                        (hsize_t[]){chunk_frames, height, width}, chunk_frames);
    return images->id < 0 ? -1 : 0;
}

static int create_scan(struct image_dataset *images, hid_t group, const struct run *run)
{
    const hsize_t height = run->format.height, width = run->format.width;
    const hsize_t ny = run->scan.ny, nx = run->scan.nx, k = run->chunk_frames;
    const hsize_t passes = scan_geometry_passes(&run->scan);
    /* A scan of one pass has no axis for passes. */
    const int left_out = passes > 1 ? 0 : 1;
    const hsize_t extent[] = {passes, ny, nx, height, width};
    const hsize_t chunk[] = {1, 1, k, height, width};
    hsize_t limit[] = {passes, ny, nx, height, width};
    limit[left_out] = H5S_UNLIMITED;
    *images = (struct image_dataset){
        .rank = 5 - (unsigned)left_out, .ny = ny, .nx = nx, .height = height, .width = width};
    images->id = create(group, run, 5 - left_out, extent + left_out, limit + left_out,
                        chunk + left_out, run->chunk_frames);
    return images->id < 0 ? -1 : 0;
}

int image_dataset_create(struct image_dataset *images, hid_t group, const struct run *run)
{
    const int r =
        scan_geometry_is_stack(&run->scan)
            ? create_stack(images, group, run, scan_geometry_visits(&run->scan), run->chunk_frames)
            : create_scan(images, group, run);
    return r < 0 ? r : describe(images->id, "diffraction patterns");
}

int image_dataset_create_extra(struct image_dataset *images, hid_t group, const struct run *run)
{
    const int r = create_stack(images, group, run, 0, 1);
    return r < 0 ? r : describe(images->id, "frames without a place in the scan");
}

int image_dataset_extend(struct image_dataset *images, uint64_t length)
{
    if (images->rank != 3 || length <= images->length)
        return 0;
    const hsize_t extent[] = {length, images->height, images->width};
    if (H5Dset_extent(images->id, extent) < 0)
        return -1;
    images->length = length;
    return 0;
}

/* The chunk's corner in the dataset: [pass, line, column], without what the dataset has not. */
static void find_corner(const struct image_dataset *images, uint64_t place, hsize_t corner[5])
{
    memset(corner, 0, 5 * sizeof *corner);
    if (images->rank == 3) {
        corner[0] = place;
        return;
    }
    const uint64_t line = place / images->nx;
    hsize_t *at = corner;
    if (images->rank == 5)
        *at++ = line / images->ny;
    *at++ = images->rank == 5 ? line % images->ny : line;
    *at = place % images->nx;
}

int image_dataset_write(struct image_dataset *images, const struct compressed_chunk *chunk,
                        uint64_t place, uint64_t length)
{
    hsize_t corner[5];
    /* The corner of the chunk must lie inside, whatever the caller knows of the frames behind it.
     */
    if (image_dataset_extend(images, length > place ? length : place + 1) < 0)
        return -1;
    find_corner(images, place, corner);
    const herr_t r = H5Dwrite_chunk(images->id, H5P_DEFAULT, 0, corner, chunk->size, chunk->bytes);
    return r < 0 ? -1 : 0;
}

bool image_dataset_find(const struct image_dataset *images, uint64_t place,
                        struct stored_chunk *where)
{
    hsize_t corner[5], size = 0;
    haddr_t address = HADDR_UNDEF;
    unsigned mask;
    find_corner(images, place, corner);
    if (H5Dget_chunk_info_by_coord(images->id, corner, &mask, &address, &size) < 0) {
        hdf5_error_forget();
        return false;
    }
    *where = (struct stored_chunk){.offset = address, .size = size};
    return address != HADDR_UNDEF;
}
