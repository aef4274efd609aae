#include <errno.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/image_file.h"

/* The datasets of a file that may be an image. */
struct found {
    char first[512], others[512];
    unsigned n;
};

/* Two axes, or three of which the last are frames. */
static bool is_image(hid_t dataset)
{
    const hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    const H5T_class_t class = H5Tget_class(type);
    const int rank = H5Sget_simple_extent_ndims(space);
    hsize_t shape[3] = {0};
    const bool numbers = class == H5T_INTEGER || class == H5T_FLOAT;
    if (rank == 2 || rank == 3)
        H5Sget_simple_extent_dims(space, shape, NULL);
    H5Tclose(type);
    H5Sclose(space);
    return numbers && shape[0] > 1 && shape[1] > 1;
}

static herr_t look(hid_t file, const char *name, const H5O_info_t *info, void *data)
{
    struct found *const found = data;
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    const hid_t dataset = H5Dopen(file, name, H5P_DEFAULT);
    if (dataset >= 0 && is_image(dataset)) {
        const size_t used = strlen(found->others);
        if (found->n++ == 0)
            snprintf(found->first, sizeof found->first, "/%s", name);
        snprintf(found->others + used, sizeof found->others - used, "%s/%s", used ? ", " : "",
                 name);
    }
    H5Dclose(dataset);
    return 0;
}

static int choose(char name[512], hid_t file, const char *path, const struct image_choice *choice,
                  struct error *error)
{
    struct found found = {0};
    if (choice->dataset) {
        snprintf(name, 512, "%s", choice->dataset);
        return 0;
    }
    H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, look, &found);
    if (found.n == 0)
        return error_set(error, -EINVAL, "%s holds no image: no dataset of two axes", path);
    if (found.n > 1)
        return error_set(error, -EINVAL, "%s holds %u images: name one, dataset=PATH, of %s", path,
                         found.n, found.others);
    memcpy(name, found.first, sizeof found.first);
    return 0;
}

/* One frame of the last axis. */
static int read_frame(struct image_file *file, hid_t dataset, const hsize_t shape[3], int rank,
                      hid_t type, unsigned frame)
{
    const hid_t space = H5Dget_space(dataset);
    const hid_t memory = H5Screate_simple(rank, (const hsize_t[3]){shape[0], shape[1], 1}, NULL);
    const hsize_t start[3] = {0, 0, frame}, count[3] = {shape[0], shape[1], 1};
    const bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
                      H5Dread(dataset, type, memory, space, H5P_DEFAULT, file->bytes) >= 0;
    H5Sclose(memory);
    H5Sclose(space);
    return good ? 0 : -EINVAL;
}

/* Integers up to 16 bits and float32 are exact as float32. */
static bool fits_single(hid_t dataset)
{
    const hid_t type = H5Dget_type(dataset);
    const size_t size = H5Tget_size(type);
    const bool fits = size <= 2 || (H5Tget_class(type) == H5T_FLOAT && size <= 4);
    H5Tclose(type);
    return fits;
}

static int read_dataset(struct image_file *file, hid_t dataset, const char *path, unsigned frame,
                        struct error *error)
{
    hsize_t shape[3] = {0, 0, 1};
    const hid_t space = H5Dget_space(dataset);
    const int rank = H5Sget_simple_extent_ndims(space);
    if (is_image(dataset))
        H5Sget_simple_extent_dims(space, shape, NULL);
    H5Sclose(space);
    if (shape[0] == 0)
        return error_set(error, -EINVAL, "%s: the dataset is no image: numbers on two axes", path);
    if (frame >= shape[2])
        return error_set(error, -EINVAL, "%s has no frame %u (from 0)", path, frame);
    const bool single = fits_single(dataset);
    int r = image_file_give_memory(file, path, shape[0], shape[1],
                                   single ? sizeof(float) : sizeof(double), error);
    if (r == 0 && read_frame(file, dataset, shape, rank,
                             single ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, frame) < 0)
        r = error_set(error, -EINVAL,
                      "%s: the image cannot be read: a filter is missing, or the file is damaged",
                      path);
    return r;
}

int image_hdf5_read(struct image_file *file, const char *path, const struct image_choice *choice,
                    struct error *error)
{
    char name[512];
    H5Eset_auto(H5E_DEFAULT, NULL, NULL);
    const hid_t in = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (in < 0)
        return error_set(error, -EINVAL, "%s cannot be read as an HDF5 file", path);
    int r = choose(name, in, path, choice, error);
    const hid_t dataset = r == 0 ? H5Dopen(in, name, H5P_DEFAULT) : -1;
    if (r == 0 && dataset < 0)
        r = error_set(error, -EINVAL, "%s has no dataset %s", path, name);
    if (r == 0)
        r = read_dataset(file, dataset, path, choice->page, error);
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Fclose(in);
    return r;
}
