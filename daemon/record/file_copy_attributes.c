#include <stdio.h>
#include <stdlib.h>

#include "daemon/record/file_copy.h"

struct attribute_copy {
    hid_t to;
    file_copy_filter left_out;
    const struct file_copy_judge *judge;
    char path[1024], *name; /* of the object for the judge, and where "@NAME" goes behind it */
};

static bool has_references(hid_t type)
{
    return H5Tdetect_class(type, H5T_REFERENCE) > 0;
}

static int write_value(hid_t from, hid_t to, hid_t type, hid_t space)
{
    const hssize_t n = H5Sget_simple_extent_npoints(space);
    const size_t size = H5Tget_size(type);
    if (n < 0)
        return -1;
    void *const value = calloc((size_t)n + 1, size);
    if (!value)
        return -1;
    int r = -1;
    if (n == 0 || (H5Aread(from, type, value) >= 0 && H5Awrite(to, type, value) >= 0))
        r = 0;
    if (n > 0)
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, value);
    free(value);
    return r;
}

static int copy_attribute(hid_t attribute, hid_t to, const char *name)
{
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    int r = -1;
    if (type >= 0 && space >= 0 && has_references(type)) {
        r = 0;
    } else if (type >= 0 && space >= 0) {
        const hid_t copy = H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        if (copy >= 0) {
            r = write_value(attribute, copy, type, space);
            H5Aclose(copy);
        }
    }
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return r;
}

static int copy_named(hid_t from, const char *name, hid_t to)
{
    const hid_t attribute = H5Aopen(from, name, H5P_DEFAULT);
    if (attribute < 0)
        return -1;
    const int r = copy_attribute(attribute, to, name);
    H5Aclose(attribute);
    return r;
}

static void set_name(const struct attribute_copy *copy, const char *name)
{
    const size_t room = sizeof copy->path - (size_t)(copy->name - copy->path);
    snprintf(copy->name, room, "%s%s", *name ? "@" : "", name);
}

static int copy_judged(struct attribute_copy *copy, hid_t from, const char *name)
{
    const struct file_copy_judge *const judge = copy->judge;
    set_name(copy, name);
    if (!judge->enter(judge->data, copy->path))
        return 0;
    int r = copy_named(from, name, copy->to);
    if (r < 0) {
        r = judge->lost(judge->data, copy->path);
        if (H5Aexists(copy->to, name) > 0)
            H5Adelete(copy->to, name);
    }
    set_name(copy, "");
    judge->leave(judge->data, copy->path);
    return r;
}

static herr_t visit_attribute(hid_t from, const char *name, const H5A_info_t *info, void *data)
{
    struct attribute_copy *const copy = data;
    if ((copy->left_out && copy->left_out(name)) || H5Aexists(copy->to, name) > 0)
        return 0;
    return copy->judge ? copy_judged(copy, from, name) : copy_named(from, name, copy->to);
}

static int copy_each(hid_t from, struct attribute_copy *copy)
{
    return H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_attribute, copy) < 0 ? -1 : 0;
}

int file_copy_attributes(hid_t from, hid_t to, file_copy_filter left_out)
{
    return copy_each(from, &(struct attribute_copy){.to = to, .left_out = left_out});
}

int file_copy_attributes_judged(hid_t from, hid_t to, const struct file_copy_judge *judge)
{
    struct attribute_copy copy = {.to = to, .judge = judge};
    if (!judge)
        return copy_each(from, &copy);
    const ssize_t length = H5Iget_name(from, copy.path, sizeof copy.path);
    if (length <= 0 || (size_t)length >= sizeof copy.path)
        return -1;
    copy.name = copy.path + length;
    if (copy_each(from, &copy) == 0)
        return 0;
    set_name(&copy, "*");
    return judge->lost(judge->data, copy.path);
}
