#include "daemon/record/image_dataset.h"

#include "daemon/record/blosc_filter.h"
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

/* Chunks never pass through the library's chunk cache; without one it costs no memory. */
static hid_t uncached(void)
{
    const hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    if (access >= 0 && H5Pset_chunk_cache(access, 0, 0, H5D_CHUNK_CACHE_W0_DEFAULT) < 0) {
        H5Pclose(access);
        return -1;
    }
    return access;
}

static hid_t create(hid_t group, const struct run *run, int rank, const hsize_t *extent,
                    const hsize_t *limit, const hsize_t *chunk, uint32_t chunk_frames)
{
    hid_t dataset = -1;
    const hid_t space = H5Screate_simple(rank, extent, limit);
    const hid_t properties = chunk_properties(run, rank, chunk, chunk_frames);
    const hid_t access = uncached();
    if (space >= 0 && properties >= 0 && access >= 0)
        dataset = H5Dcreate2(group, "data", pixel_file_type(run->format.pixel_size), space,
                             H5P_DEFAULT, properties, access);
    if (access >= 0)
        H5Pclose(access);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
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
                        uint32_t chunk_frames)
{
    const hsize_t height = run->format.height, width = run->format.width;
    *images = (struct image_dataset){.stack = true, .height = height, .width = width};
    images->id = create(group, run, 3, (hsize_t[]){0, height, width},
                        (hsize_t[]){H5S_UNLIMITED, height, width},
                        (hsize_t[]){chunk_frames, height, width}, chunk_frames);
    return images->id < 0 ? -1 : 0;
}

static int create_scan(struct image_dataset *images, hid_t group, const struct run *run)
{
    const hsize_t height = run->format.height, width = run->format.width;
    const hsize_t ny = run->scan.ny, nx = run->scan.nx;
    *images = (struct image_dataset){.nx = nx, .height = height, .width = width};
    images->id = create(group, run, 4, (hsize_t[]){ny, nx, height, width},
                        (hsize_t[]){H5S_UNLIMITED, nx, height, width},
                        (hsize_t[]){1, run->chunk_frames, height, width}, run->chunk_frames);
    return images->id < 0 ? -1 : 0;
}

int image_dataset_create(struct image_dataset *images, hid_t group, const struct run *run)
{
    const int r = run->scan.ny == 0 ? create_stack(images, group, run, run->chunk_frames)
                                    : create_scan(images, group, run);
    return r < 0 ? r : describe(images->id, "diffraction patterns");
}

int image_dataset_create_extra(struct image_dataset *images, hid_t group, const struct run *run)
{
    const int r = create_stack(images, group, run, 1);
    return r < 0 ? r : describe(images->id, "frames without a place in the scan");
}

int image_dataset_extend(struct image_dataset *images, uint64_t length)
{
    if (!images->stack || length <= images->length)
        return 0;
    const hsize_t extent[] = {length, images->height, images->width};
    if (H5Dset_extent(images->id, extent) < 0)
        return -1;
    images->length = length;
    return 0;
}

int image_dataset_write(struct image_dataset *images, const struct compressed_chunk *chunk,
                        uint64_t position, uint64_t length)
{
    /* The corner of the chunk must lie inside, whatever the caller knows of the frames behind it.
     */
    if (image_dataset_extend(images, length > position ? length : position + 1) < 0)
        return -1;
    hsize_t offset[4] = {position, 0, 0, 0};
    if (!images->stack) {
        offset[0] = position / images->nx;
        offset[1] = position % images->nx;
    }
    return H5Dwrite_chunk(images->id, H5P_DEFAULT, 0, offset, chunk->size, chunk->bytes) < 0 ? -1
                                                                                             : 0;
}
