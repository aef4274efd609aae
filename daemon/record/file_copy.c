#include "daemon/record/file_copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_read.h"

#define DEPTH_MAX 64
#define PATH_MAX_HERE 1024

struct file_copy_object {
    unsigned long file_number;
    haddr_t address; /* in the old file */
    char path[PATH_MAX_HERE];
};

void file_copier_init(struct file_copier *copier, hid_t into)
{
    *copier = (struct file_copier){.into = into};
}

void file_copier_finish(struct file_copier *copier)
{
    free(copier->objects);
    *copier = (struct file_copier){.into = -1};
}

/* ---- objects with several names ---- */

static int note(struct file_copier *copier, const H5O_info_t *info, const char *path)
{
    if (copier->n == copier->capacity) {
        const size_t capacity = copier->capacity ? 2 * copier->capacity : 16;
        void *const larger = realloc(copier->objects, capacity * sizeof *copier->objects);
        if (!larger)
            return -1;
        copier->objects = larger;
        copier->capacity = capacity;
    }
    struct file_copy_object *const object = &copier->objects[copier->n];
    object->file_number = info->fileno;
    object->address = info->addr;
    const int length = snprintf(object->path, sizeof object->path, "%s", path);
    if (length < 0 || (size_t)length >= sizeof object->path)
        return -1;
    copier->n++;
    return 0;
}

static const struct file_copy_object *find(const struct file_copier *copier, const H5O_info_t *info)
{
    for (size_t i = 0; i < copier->n; i++) {
        const struct file_copy_object *const object = &copier->objects[i];
        if (object->address == info->addr && object->file_number == info->fileno)
            return object;
    }
    return NULL;
}

int file_copy_note(struct file_copier *copier, hid_t old, hid_t made)
{
    H5O_info_t info;
    char path[PATH_MAX_HERE];
    if (H5Oget_info2(old, &info, H5O_INFO_BASIC) < 0 || H5Iget_name(made, path, sizeof path) <= 0)
        return -1;
    return info.rc > 1 ? note(copier, &info, path) : 0;
}

/* ---- members ---- */

/* "PATH-OF-OBJECT SEPARATOR NAME"; false: it is too long, or the object has no path. */
static bool path_within(char path[PATH_MAX_HERE], hid_t object, const char *separator,
                        const char *name)
{
    const ssize_t length = H5Iget_name(object, path, PATH_MAX_HERE);
    if (length <= 0 || length >= PATH_MAX_HERE)
        return false;
    const size_t left = PATH_MAX_HERE - (size_t)length;
    const char *const between = length == 1 && *separator == '/' ? "" : separator;
    return (size_t)snprintf(path + length, left, "%s%s", between, name) < left;
}

/* Of a group whose list of members breaks off those before it are kept. */
static int copy_all_members(struct file_copier *copier, hid_t old, hid_t made)
{
    const struct file_copy_judge *const judge = copier->judge;
    char path[PATH_MAX_HERE];
    const int r = file_copy_members(copier, old, made, NULL);
    if (r == 0 || !judge || !path_within(path, old, "/", "..."))
        return r;
    return judge->lost(judge->data, path);
}

static int copy_group(struct file_copier *copier, hid_t from, const char *name, hid_t to,
                      const H5O_info_t *info)
{
    char path[PATH_MAX_HERE];
    if (copier->depth >= DEPTH_MAX)
        return -1;
    const hid_t old = H5Gopen2(from, name, H5P_DEFAULT);
    const hid_t made = H5Gcreate2(to, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    int r = -1;
    copier->depth++;
    /* Noted before its members, for one of them may be the group itself under another name. */
    if (old >= 0 && made >= 0 &&
        (info->rc < 2 ||
         (H5Iget_name(made, path, sizeof path) > 0 && note(copier, info, path) == 0)) &&
        file_copy_attributes_judged(old, made, copier->judge) == 0)
        r = copy_all_members(copier, old, made);
    copier->depth--;
    if (made >= 0)
        H5Gclose(made);
    if (old >= 0)
        H5Gclose(old);
    return r;
}

static int copy_object(struct file_copier *copier, hid_t from, const char *name, hid_t to)
{
    H5O_info_t info;
    if (H5Oget_info_by_name2(from, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return -1;
    const struct file_copy_object *const known = find(copier, &info);
    if (known)
        return H5Lcreate_hard(copier->into, known->path, to, name, H5P_DEFAULT, H5P_DEFAULT);
    if (info.type == H5O_TYPE_GROUP)
        return copy_group(copier, from, name, to, &info);
    const int r = info.type == H5O_TYPE_DATASET
                      ? file_copy_dataset(from, name, to, copier->judge)
                      : H5Ocopy(from, name, to, name, H5P_DEFAULT, H5P_DEFAULT);
    if (r < 0)
        return -1;
    if (info.rc < 2)
        return 0;
    char path[PATH_MAX_HERE];
    const ssize_t length = H5Iget_name(to, path, sizeof path);
    if (length <= 0 || (size_t)length + 1 + strlen(name) >= sizeof path)
        return -1;
    snprintf(path + length, sizeof path - (size_t)length, "%s%s", length > 1 ? "/" : "", name);
    return note(copier, &info, path);
}

static int create_link(const char *value, size_t size, H5L_type_t type, hid_t to, const char *name)
{
    const char *file = NULL, *path = NULL;
    if (type == H5L_TYPE_SOFT)
        return H5Lcreate_soft(value, to, name, H5P_DEFAULT, H5P_DEFAULT) < 0 ? -1 : 0;
    if (H5Lunpack_elink_val(value, size, NULL, &file, &path) < 0)
        return -1;
    return H5Lcreate_external(file, path, to, name, H5P_DEFAULT, H5P_DEFAULT) < 0 ? -1 : 0;
}

static int copy_link(hid_t from, const char *name, hid_t to, const H5L_info_t *info)
{
    char *const value = calloc(1, info->u.val_size + 1);
    if (!value)
        return -1;
    int r = -1;
    if (H5Lget_val(from, name, value, info->u.val_size, H5P_DEFAULT) >= 0)
        r = create_link(value, info->u.val_size, info->type, to, name);
    free(value);
    return r;
}

static int copy_member(struct file_copier *copier, hid_t from, const char *name, hid_t to)
{
    H5L_info_t info;
    if (H5Lget_info(from, name, &info, H5P_DEFAULT) < 0)
        return -1;
    if (info.type == H5L_TYPE_HARD)
        return copy_object(copier, from, name, to) < 0 ? -1 : 0;
    if (info.type == H5L_TYPE_SOFT || info.type == H5L_TYPE_EXTERNAL)
        return copy_link(from, name, to, &info);
    return 0;
}

/* What there is of it that is not whole is taken away again. */
static int leave_out(const struct file_copy_judge *judge, hid_t to, const char *name,
                     const char *path)
{
    const int r = judge->lost(judge->data, path);
    if (H5Lexists(to, name, H5P_DEFAULT) > 0)
        H5Ldelete(to, name, H5P_DEFAULT);
    return r;
}

int file_copy_member(struct file_copier *copier, hid_t from, const char *name, hid_t to)
{
    const struct file_copy_judge *const judge = copier->judge;
    char parent[PATH_MAX_HERE], path[PATH_MAX_HERE];
    if (!judge)
        return copy_member(copier, from, name, to);
    if (!path_within(parent, from, "", "") || !path_within(path, from, "/", name))
        return -1;
    if (!judge->enter(judge->data, path))
        return 0;
    const int r = copy_member(copier, from, name, to);
    judge->leave(judge->data, parent);
    return r < 0 ? leave_out(judge, to, name, path) : 0;
}

struct members_copy {
    struct file_copier *copier;
    hid_t to;
    file_copy_filter left_out;
};

static int visit_member(hid_t from, const char *name, H5L_type_t type, void *data)
{
    const struct members_copy *const copy = data;
    if ((copy->left_out && copy->left_out(name)) || H5Lexists(copy->to, name, H5P_DEFAULT) > 0)
        return 0;
    return file_copy_member(copy->copier, from, name, copy->to);
}

int file_copy_members(struct file_copier *copier, hid_t from, hid_t to, file_copy_filter left_out)
{
    struct members_copy copy = {copier, to, left_out};
    return file_each_member(from, visit_member, &copy);
}
