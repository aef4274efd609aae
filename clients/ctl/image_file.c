#include "clients/ctl/image_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int image_file_give_memory(struct image_file *file, const char *path, uint64_t height,
                           uint64_t width, size_t item_size, struct error *error)
{
    if (height == 0 || width == 0 || height > UINT16_MAX || width > UINT16_MAX ||
        height * width * item_size > IMAGE_FILE_MAX_BYTES)
        return error_set(
            error, -EINVAL,
            "%s: %llu x %llu pixels are too many: an image of at most %zu bytes can be "
            "put",
            path, (unsigned long long)height, (unsigned long long)width, IMAGE_FILE_MAX_BYTES);
    file->array = (struct npy_file){
        .kind = 'f', .item_size = item_size, .n_dims = 2, .shape = {height, width}};
    file->size = height * width * item_size;
    file->bytes = malloc(file->size);
    file->is_image = true;
    return file->bytes ? 0 : error_set(error, -ENOMEM, "no memory for %s", path);
}

/* ---- .npy ---- */

static int size_of(const struct npy_file *array, size_t *size)
{
    *size = array->item_size;
    for (size_t i = 0; i < array->n_dims; i++) {
        if (__builtin_mul_overflow(*size, array->shape[i], size))
            return -EFBIG;
    }
    return *size <= IMAGE_FILE_MAX_BYTES ? 0 : -EFBIG;
}

static int read_items(struct image_file *file, FILE *in, const char *path, struct error *error)
{
    const int r = npy_read_header(&file->array, in, path, error);
    if (r < 0)
        return r;
    if (file->array.fortran_order && file->array.n_dims > 1)
        return error_set(error, -EINVAL,
                         "%s is in Fortran order: save numpy.ascontiguousarray of it", path);
    if (size_of(&file->array, &file->size) < 0)
        return error_set(error, -EINVAL, "%s is too large: a map of at most %zu bytes can be put",
                         path, IMAGE_FILE_MAX_BYTES);
    file->bytes = malloc(file->size + 1);
    if (!file->bytes)
        return error_set(error, -ENOMEM, "no memory for %s", path);
    if (fread(file->bytes, 1, file->size, in) != file->size)
        return error_set(error, -EINVAL, "%s ends before its array does", path);
    return 0;
}

static int read_npy(struct image_file *file, const char *path, struct error *error)
{
    FILE *const in = fopen(path, "rb");
    if (!in)
        return error_set(error, -EINVAL, "%s: %s", path, strerror(errno));
    const int r = read_items(file, in, path, error);
    fclose(in);
    return r;
}

/* ---- any ---- */

static bool ends_in(const char *path, const char *const *endings)
{
    const char *const dot = strrchr(path, '.');
    for (size_t i = 0; dot && endings[i]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

int image_file_read(struct image_file *file, const char *path, const struct image_choice *choice,
                    struct error *error)
{
    static const char *const tiff[] = {".tif", ".tiff", NULL};
    static const char *const hdf5[] = {".emd", ".h5", ".hdf5", NULL};
    *file = (struct image_file){0};
    const int r = ends_in(path, tiff)   ? image_tiff_read(file, path, choice, error)
                  : ends_in(path, hdf5) ? image_hdf5_read(file, path, choice, error)
                                        : read_npy(file, path, error);
    if (r < 0)
        image_file_finish(file);
    return r;
}

void image_file_finish(struct image_file *file)
{
    free(file->bytes);
    *file = (struct image_file){0};
}
