#include "daemon/record/file_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/hdf5_error.h"

/* No text that belongs into such a file is longer. */
#define TEXT_MAX ((size_t)64 << 20)

bool file_has(hid_t parent, const char *path)
{
    char part[512];
    const char *end = path;
    do {
        end = strchrnul(end, '/');
        const size_t length = (size_t)(end - path);
        if (length >= sizeof part)
            return false;
        memcpy(part, path, length);
        part[length] = '\0';
        if (length > 0 && H5Lexists(parent, part, H5P_DEFAULT) <= 0) {
            hdf5_error_forget();
            return false;
        }
    } while (*end++ != '\0');
    const bool there = H5Oexists_by_name(parent, path, H5P_DEFAULT) > 0;
    hdf5_error_forget();
    return there;
}

/* ---- text ---- */

/* Reads one element of `type` from a dataset or an attribute. */
typedef herr_t (*read_fn)(hid_t object, hid_t type, void *value);

static herr_t read_dataset(hid_t object, hid_t type, void *value)
{
    return H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value);
}

static herr_t read_attribute(hid_t object, hid_t type, void *value)
{
    return H5Aread(object, type, value);
}

static char *read_variable(hid_t object, hid_t type, hid_t space, read_fn read)
{
    char *value = NULL, *text = NULL;
    if (read(object, type, &value) < 0)
        return NULL;
    if (value)
        text = strdup(value);
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, &value);
    return text;
}

static char *read_fixed(hid_t object, hid_t type, read_fn read)
{
    const size_t size = H5Tget_size(type);
    char *const text = size > 0 && size <= TEXT_MAX ? calloc(1, size + 1) : NULL;
    if (text && read(object, type, text) < 0) {
        free(text);
        return NULL;
    }
    if (text && H5Tget_strpad(type) == H5T_STR_SPACEPAD) {
        size_t length = strlen(text);
        while (length > 0 && text[length - 1] == ' ')
            text[--length] = '\0';
    }
    return text;
}

/* Takes over `type` and `space`. */
static char *read_text(hid_t object, hid_t type, hid_t space, read_fn read)
{
    char *text = NULL;
    if (type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING &&
        H5Sget_simple_extent_npoints(space) == 1)
        text = H5Tis_variable_str(type) > 0 ? read_variable(object, type, space, read)
                                            : read_fixed(object, type, read);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    hdf5_error_forget();
    return text;
}

char *file_read_text(hid_t parent, const char *path)
{
    if (!file_has(parent, path))
        return NULL;
    const hid_t dataset = H5Dopen2(parent, path, H5P_DEFAULT);
    if (dataset < 0) {
        hdf5_error_forget();
        return NULL;
    }
    char *const text =
        read_text(dataset, H5Dget_type(dataset), H5Dget_space(dataset), read_dataset);
    H5Dclose(dataset);
    return text;
}

char *file_read_bytes(hid_t parent, const char *path, size_t *size)
{
    char *bytes = NULL;
    const hid_t dataset =
        file_has(parent, path) ? H5Dopen2(parent, path, H5P_DEFAULT) : H5I_INVALID_HID;
    const hid_t type = dataset >= 0 ? H5Dget_type(dataset) : H5I_INVALID_HID;
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0) {
        *size = H5Tget_size(type);
        bytes = read_fixed(dataset, type, read_dataset);
    }
    if (type >= 0)
        H5Tclose(type);
    if (dataset >= 0)
        H5Dclose(dataset);
    hdf5_error_forget();
    return bytes;
}

static hid_t open_attribute(hid_t object, const char *name)
{
    const hid_t attribute =
        H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : H5I_INVALID_HID;
    hdf5_error_forget();
    return attribute;
}

json_t *file_read_json(hid_t parent, const char *path)
{
    char *const text = file_has(parent, path) ? file_read_text(parent, path) : NULL;
    json_t *const json = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    hdf5_error_forget();
    return json;
}

char *file_read_attribute(hid_t object, const char *name)
{
    const hid_t attribute = open_attribute(object, name);
    if (attribute < 0)
        return NULL;
    char *const text =
        read_text(attribute, H5Aget_type(attribute), H5Aget_space(attribute), read_attribute);
    H5Aclose(attribute);
    return text;
}

/* ---- lists of names ---- */

static bool read_variable_names(hid_t attribute, hid_t type, hid_t space,
                                char names[][FILE_NAME_SIZE], unsigned n)
{
    char *values[FILE_RANK_MAX] = {0};
    if (n > FILE_RANK_MAX || H5Aread(attribute, type, values) < 0)
        return false;
    for (unsigned i = 0; i < n; i++)
        snprintf(names[i], FILE_NAME_SIZE, "%s", values[i] ? values[i] : "");
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, values);
    return true;
}

static bool read_fixed_names(hid_t attribute, hid_t type, char names[][FILE_NAME_SIZE], unsigned n)
{
    const size_t size = H5Tget_size(type);
    if (size == 0 || size >= FILE_NAME_SIZE || n > FILE_RANK_MAX)
        return false;
    char values[FILE_RANK_MAX * FILE_NAME_SIZE];
    if (H5Aread(attribute, type, values) < 0)
        return false;
    for (unsigned i = 0; i < n; i++)
        snprintf(names[i], FILE_NAME_SIZE, "%.*s", (int)size, values + i * size);
    return true;
}

unsigned file_read_names(hid_t object, const char *name, char names[][FILE_NAME_SIZE],
                         unsigned limit)
{
    const hid_t attribute = open_attribute(object, name);
    if (attribute < 0)
        return 0;
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const hssize_t n = space >= 0 ? H5Sget_simple_extent_npoints(space) : 0;
    bool good = false;
    if (type >= 0 && H5Tget_class(type) == H5T_STRING && n > 0 && n <= limit)
        good = H5Tis_variable_str(type) > 0
                   ? read_variable_names(attribute, type, space, names, (unsigned)n)
                   : read_fixed_names(attribute, type, names, (unsigned)n);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    H5Aclose(attribute);
    hdf5_error_forget();
    return good ? (unsigned)n : 0;
}

/* ---- numbers ---- */

bool file_read_number(hid_t parent, const char *path, uint64_t *number)
{
    if (!file_has(parent, path))
        return false;
    const hid_t dataset = H5Dopen2(parent, path, H5P_DEFAULT);
    const hid_t space = dataset >= 0 ? H5Dget_space(dataset) : H5I_INVALID_HID;
    const bool good =
        space >= 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Dread(dataset, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, number) >= 0;
    if (space >= 0)
        H5Sclose(space);
    if (dataset >= 0)
        H5Dclose(dataset);
    hdf5_error_forget();
    return good;
}

bool file_extent(hid_t dataset, unsigned *rank, hsize_t extent[FILE_RANK_MAX])
{
    const hid_t space = H5Dget_space(dataset);
    if (space < 0)
        return false;
    const int n =
        H5Sget_simple_extent_type(space) == H5S_SIMPLE ? H5Sget_simple_extent_ndims(space) : -1;
    const bool good = n > 0 && n <= FILE_RANK_MAX;
    if (good)
        H5Sget_simple_extent_dims(space, extent, NULL);
    *rank = good ? (unsigned)n : 0;
    H5Sclose(space);
    return good;
}

const char *file_type_name(hid_t dataset, char name[8])
{
    const hid_t type = H5Dget_type(dataset);
    const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    snprintf(name, 8, "?");
    if (class == H5T_INTEGER || class == H5T_FLOAT) {
        const size_t size = H5Tget_size(type);
        const char order = size == 1 ? '|' : H5Tget_order(type) == H5T_ORDER_BE ? '>' : '<';
        const char kind = class == H5T_FLOAT ? 'f' : H5Tget_sign(type) == H5T_SGN_NONE ? 'u' : 'i';
        snprintf(name, 8, "%c%c%u", order, kind, (unsigned)size % 100);
    }
    if (type >= 0)
        H5Tclose(type);
    return name;
}

int file_read_rows(hid_t dataset, hid_t memory_type, uint64_t first, uint64_t n, void *values)
{
    const hsize_t start = first, count = n;
    const hid_t file_space = H5Dget_space(dataset);
    const hid_t memory_space = H5Screate_simple(1, &count, NULL);
    herr_t r = -1;
    if (file_space >= 0 && memory_space >= 0 &&
        H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0)
        r = H5Dread(dataset, memory_type, memory_space, file_space, H5P_DEFAULT, values);
    if (memory_space >= 0)
        H5Sclose(memory_space);
    if (file_space >= 0)
        H5Sclose(file_space);
    return r < 0 ? -1 : 0;
}

/*
 * The library calls it a failure to be asked for a chunk that is not there, with these words.
 * H5Dget_chunk_info_by_coord does not, but it goes through all chunks before it answers.
 */
static bool was_for_absence(void)
{
    struct error reason = {0};
    hdf5_error_take(&reason, "read", "");
    return strstr(reason.text, "chunk storage is not allocated") ||
           strstr(reason.text, "chunk address isn't defined");
}

int file_chunk_bytes(hid_t dataset, const hsize_t *corner, hsize_t *bytes)
{
    *bytes = 0;
    hdf5_error_forget();
    if (H5Dget_chunk_storage_size(dataset, corner, bytes) >= 0 || was_for_absence())
        return 0;
    /* Once more, so that the failure is there for whoever tells of it. */
    return H5Dget_chunk_storage_size(dataset, corner, bytes) < 0 ? -1 : 0;
}

int file_buffer_reserve(struct file_buffer *buffer, size_t size)
{
    if (size <= buffer->capacity)
        return 0;
    free(buffer->bytes);
    buffer->capacity = 0;
    buffer->bytes = malloc(size);
    if (!buffer->bytes)
        return -1;
    buffer->capacity = size;
    return 0;
}

int file_chunk_read(hid_t dataset, const hsize_t *corner, struct file_buffer *buffer,
                    hsize_t *bytes, uint32_t *mask)
{
    if (file_chunk_bytes(dataset, corner, bytes) < 0)
        return -1;
    if (*bytes == 0)
        return 0;
    if (file_buffer_reserve(buffer, *bytes) < 0)
        return -1;
    if (H5Dread_chunk(dataset, H5P_DEFAULT, corner, mask, buffer->bytes) >= 0)
        return 0;
    if (was_for_absence()) {
        *bytes = 0;
        return 0;
    }
    return H5Dread_chunk(dataset, H5P_DEFAULT, corner, mask, buffer->bytes) < 0 ? -1 : 0;
}

int file_chunk_count(hid_t dataset, hsize_t *n)
{
    const hid_t space = H5Dget_space(dataset);
    if (space < 0)
        return -1;
    const herr_t r = H5Dget_num_chunks(dataset, space, n);
    H5Sclose(space);
    return r < 0 ? -1 : 0;
}

/* ---- members ---- */

struct each {
    file_member_fn member;
    void *data;
};

static herr_t visit(hid_t group, const char *name, const H5L_info_t *info, void *data)
{
    const struct each *const each = data;
    return each->member(group, name, info->type, each->data) < 0 ? -1 : 0;
}

int file_each_member(hid_t group, file_member_fn member, void *data)
{
    struct each each = {member, data};
    return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, visit, &each) < 0 ? -1 : 0;
}
