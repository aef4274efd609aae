#include "daemon/record/grown_dataset.h"

hid_t grown_dataset_create(hid_t group, const char *name, hid_t file_type, hid_t memory_type,
                           const void *fill)
{
    const hsize_t length = 0, limit = H5S_UNLIMITED, chunk = GROWN_DATASET_CHUNK;
    hid_t dataset = -1;
    const hid_t space = H5Screate_simple(1, &length, &limit);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (space >= 0 && properties >= 0 && H5Pset_chunk(properties, 1, &chunk) >= 0 &&
        H5Pset_fill_value(properties, memory_type, fill) >= 0)
        dataset = H5Dcreate2(group, name, file_type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    if (properties >= 0)
        H5Pclose(properties);
    if (space >= 0)
        H5Sclose(space);
    return dataset;
}

herr_t grown_dataset_extend(hid_t dataset, uint64_t length)
{
    const hsize_t extent = length;
    return H5Dset_extent(dataset, &extent);
}

static herr_t transfer(hid_t dataset, hid_t memory_type, uint64_t first, uint64_t n, void *into,
                       const void *from)
{
    const hsize_t start = first, count = n;
    const hid_t file_space = H5Dget_space(dataset);
    const hid_t memory_space = H5Screate_simple(1, &count, NULL);
    herr_t r = -1;
    if (file_space >= 0 && memory_space >= 0 &&
        H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0)
        r = into ? H5Dread(dataset, memory_type, memory_space, file_space, H5P_DEFAULT, into)
                 : H5Dwrite(dataset, memory_type, memory_space, file_space, H5P_DEFAULT, from);
    if (memory_space >= 0)
        H5Sclose(memory_space);
    if (file_space >= 0)
        H5Sclose(file_space);
    return r;
}

herr_t grown_dataset_read(hid_t dataset, hid_t memory_type, uint64_t first, uint64_t n,
                          void *values)
{
    return transfer(dataset, memory_type, first, n, values, NULL);
}

herr_t grown_dataset_write(hid_t dataset, hid_t memory_type, uint64_t first, uint64_t n,
                           const void *values)
{
    return transfer(dataset, memory_type, first, n, NULL, values);
}
