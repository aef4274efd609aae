#include "daemon/calibration/kept_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/text_file.h"
#include "processing/pixels/npy_file.h"

#define ARRAY_FILE_MAX (UINT64_C(1) << 30)

struct kept_store {
    char directory[1024];
    bool is_protected;
    struct kept_list list;
};

/* ---- names ---- */

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static bool is_name(const char *text)
{
    const size_t length = strlen(text);
    return length > 0 && length < KEPT_NAME_SIZE && strspn(text, NAME_CHARACTERS) == length;
}

static bool is_kind(const char *text)
{
    const size_t length = strlen(text);
    return length > 0 && length < sizeof((struct kept *)0)->kind && text[0] != '.' &&
           strspn(text, NAME_CHARACTERS ".") == length;
}

static int make_path(const struct kept_store *store, const char *kind, const char *file,
                     char path[PATH_MAX])
{
    const int length =
        snprintf(path, PATH_MAX, "%s/%s%s%s", store->directory, kind, *file ? "/" : "", file);
    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int make_document_path(const struct kept_store *store, const char *kind, const char *name,
                              char path[PATH_MAX])
{
    char file[KEPT_NAME_SIZE + sizeof ".json"];
    snprintf(file, sizeof file, "%s.json", name);
    return make_path(store, kind, file, path);
}

/* ---- reading ---- */

static bool understand(struct kept *kept, json_t *json)
{
    json_int_t seconds, ns;
    const char *kind, *name;
    json_t *document, *arrays;
    if (json_unpack(json, "{s:s, s:s, s:[I, I], s:o, s:o}", "kind", &kind, "name", &name, "saved",
                    &seconds, &ns, "document", &document, "arrays", &arrays) < 0 ||
        !json_is_object(document) || !json_is_object(arrays) || !is_kind(kind) || !is_name(name))
        return false;
    *kept = (struct kept){
        .saved_ns = (uint64_t)seconds * NS_PER_S + (uint64_t)ns,
        .document = json_incref(document),
        .arrays = json_incref(arrays),
    };
    memcpy(kept->kind, kind, strlen(kind) + 1);
    memcpy(kept->name, name, strlen(name) + 1);
    return true;
}

static int load_one(struct kept_store *store, const char *kind, const char *file)
{
    char path[PATH_MAX];
    struct kept kept;
    json_error_t why;
    if (make_path(store, kind, file, path) < 0)
        return 0;
    json_t *const json = json_load_file(path, 0, &why);
    const bool understood = json && understand(&kept, json);
    json_decref(json);
    if (!understood) {
        log_warning("kept", "%s is passed over: %s", path,
                    json ? "it is not what merlind writes there" : why.text);
        return 0;
    }
    const size_t length = strlen(kept.name);
    const bool right = strcmp(kept.kind, kind) == 0 && strncmp(kept.name, file, length) == 0 &&
                       strcmp(file + length, ".json") == 0;
    if (right && kept_list_reserve(&store->list) == 0) {
        kept_list_put(&store->list, &kept);
        return 0;
    }
    kept_finish(&kept);
    if (!right) {
        log_warning("kept", "%s is passed over: another name stands in it", path);
        return 0;
    }
    return -ENOMEM;
}

static int load_kind(struct kept_store *store, const char *kind)
{
    char path[PATH_MAX];
    int r = 0;
    if (make_path(store, kind, "", path) < 0)
        return 0;
    DIR *const directory = opendir(path);
    if (!directory)
        return 0;
    for (const struct dirent *entry; r == 0 && (entry = readdir(directory));) {
        const size_t length = strlen(entry->d_name);
        if (entry->d_name[0] != '.' && length > 5 &&
            strcmp(entry->d_name + length - 5, ".json") == 0)
            r = load_one(store, kind, entry->d_name);
    }
    closedir(directory);
    return r;
}

static int load(struct kept_store *store, struct error *error)
{
    int r = 0;
    DIR *const directory = opendir(store->directory);
    if (!directory) {
        /* It is made when something is kept, which tells what is wrong with it. A scan does not
         * wait for that. */
        if (errno != ENOENT)
            log_warning("kept",
                        "nothing is known of what was kept: the directory %s cannot be read: %s",
                        store->directory, strerror(errno));
        return 0;
    }
    for (const struct dirent *entry; r == 0 && (entry = readdir(directory));) {
        if (is_kind(entry->d_name))
            r = load_kind(store, entry->d_name);
    }
    closedir(directory);
    return r < 0 ? error_set(error, r, "no memory for what is kept in %s", store->directory) : 0;
}

int kept_store_open(struct kept_store **out, const char *directory, struct error *error)
{
    struct kept_store *const store = calloc(1, sizeof *store);
    *out = NULL;
    if (!store)
        return error_set(error, -ENOMEM, "no memory");
    snprintf(store->directory, sizeof store->directory, "%s", directory);
    const int r = load(store, error);
    if (r < 0)
        kept_store_close(store);
    else
        *out = store;
    return r;
}

void kept_store_close(struct kept_store *store)
{
    if (!store)
        return;
    kept_list_finish(&store->list);
    free(store);
}

/* ---- writing ---- */

static int make_directories(const struct kept_store *store, const char *kind, struct error *error)
{
    char path[PATH_MAX];
    if (make_path(store, kind, "", path) < 0)
        return error_set(error, -ENAMETOOLONG, "the directory's name is too long");
    if ((mkdir(store->directory, 0755) < 0 && errno != EEXIST) ||
        (mkdir(path, 0755) < 0 && errno != EEXIST))
        return error_set(error, -errno, "the directory %s cannot be made: %s", path,
                         strerror(errno));
    return 0;
}

static void remove_file(const struct kept_store *store, const char *kind, const char *file)
{
    char path[PATH_MAX];
    if (make_path(store, kind, file, path) == 0)
        (void)unlink(path);
}

static void remove_arrays(const struct kept_store *store, const struct kept *kept)
{
    const char *key;
    json_t *file;
    json_object_foreach(kept->arrays, key, file)
    {
        const char *const name = json_string_value(file);
        if (name && !strchr(name, '/'))
            remove_file(store, kept->kind, name);
    }
}

/* Adds its file to kept->arrays. */
static int write_array(const struct kept_store *store, struct kept *kept,
                       const struct kept_array *array, struct error *error)
{
    char file[NAME_MAX], path[PATH_MAX];
    if (!is_name(array->name))
        return error_set(error, -EINVAL, "%s is no name of an array", array->name);
    snprintf(file, sizeof file, "%s.%" PRIu64 ".%s.npy", kept->name, kept->saved_ns, array->name);
    if (make_path(store, kept->kind, file, path) < 0)
        return error_set(error, -ENAMETOOLONG, "the directory's name is too long");
    const int r = npy_file_write(&array->values, path, error);
    if (r < 0) {
        error_prefix(error, "%s", path);
        return r;
    }
    if (json_object_set_new(kept->arrays, array->name, json_string(file)) == 0)
        return 0;
    (void)unlink(path);
    return error_set(error, -ENOMEM, "no memory");
}

static int write_document(const struct kept_store *store, const struct kept *kept,
                          struct error *error)
{
    char path[PATH_MAX];
    if (make_document_path(store, kept->kind, kept->name, path) < 0)
        return error_set(error, -ENAMETOOLONG, "the directory's name is too long");
    json_t *const json =
        json_pack("{s:s, s:s, s:[I, I], s:O, s:O}", "kind", kept->kind, "name", kept->name, "saved",
                  (json_int_t)(kept->saved_ns / NS_PER_S), (json_int_t)(kept->saved_ns % NS_PER_S),
                  "document", kept->document, "arrays", kept->arrays);
    char *const text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
    if (!text)
        return error_set(error, -ENOMEM, "no memory");
    const int r = text_file_write(path, text, TEXT_FILE_REPLACE, 0644, error);
    free(text);
    return r;
}

static int write_files(struct kept_store *store, struct kept *kept, const struct kept_array *arrays,
                       size_t n_arrays, struct error *error)
{
    int r = make_directories(store, kept->kind, error);
    for (size_t i = 0; r == 0 && i < n_arrays; i++)
        r = write_array(store, kept, &arrays[i], error);
    if (r == 0)
        r = write_document(store, kept, error);
    if (r < 0)
        remove_arrays(store, kept);
    return r;
}

void kept_store_protect(struct kept_store *store)
{
    store->is_protected = true;
}

static int check_change(const struct kept_store *store, struct error *error)
{
    return store->is_protected
               ? error_set(error, -EROFS,
                           "nothing is saved or removed from an old run: another merlind owns %s",
                           store->directory)
               : 0;
}

static int check_put(const struct kept_store *store, const char *kind, const char *name,
                     struct error *error)
{
    if (!is_kind(kind) || !is_name(name))
        return error_set(error, -EINVAL,
                         "%s is no name: it has to have 1 to %d letters, digits, _ and -", name,
                         KEPT_NAME_SIZE - 1);
    if (kept_list_count(&store->list, kind) >= KEPT_MAX && !kept_store_find(store, kind, name))
        return error_set(error, -ENOSPC, "%d are kept already: remove some that are not needed",
                         KEPT_MAX);
    return 0;
}

int kept_store_put(struct kept_store *store, const char *kind, const char *name, json_t *document,
                   const struct kept_array *arrays, size_t n_arrays, struct error *error)
{
    int r = check_change(store, error);
    if (r == 0)
        r = check_put(store, kind, name, error);
    if (r < 0)
        return r;
    struct kept kept = {
        .saved_ns = clock_realtime_ns(),
        .document = json_incref(document),
        .arrays = json_object(),
    };
    memcpy(kept.kind, kind, strlen(kind) + 1);
    memcpy(kept.name, name, strlen(name) + 1);
    r = !kept.arrays || kept_list_reserve(&store->list) < 0
            ? error_set(error, -ENOMEM, "no memory")
            : write_files(store, &kept, arrays, n_arrays, error);
    if (r < 0) {
        kept_finish(&kept);
        return r;
    }
    const struct kept *const before = kept_store_find(store, kind, name);
    if (before)
        remove_arrays(store, before);
    kept_list_put(&store->list, &kept);
    return 0;
}

int kept_store_remove(struct kept_store *store, const char *kind, const char *name,
                      struct error *error)
{
    char path[PATH_MAX];
    const struct kept *const kept = kept_store_find(store, kind, name);
    if (check_change(store, error) < 0)
        return -EROFS;
    if (!kept)
        return error_set(error, -ENOENT, "there is no %s", name);
    if (make_document_path(store, kind, name, path) < 0)
        return error_set(error, -ENAMETOOLONG, "the directory's name is too long");
    if (unlink(path) < 0 && errno != ENOENT)
        return error_set(error, -errno, "%s cannot be removed: %s", path, strerror(errno));
    remove_arrays(store, kept);
    kept_list_remove(&store->list, kept);
    return 0;
}

/* ---- asking ---- */

const struct kept *kept_store_find(const struct kept_store *store, const char *kind,
                                   const char *name)
{
    return kept_list_find(&store->list, kind, name);
}

const struct kept *kept_store_next(const struct kept_store *store, const char *kind,
                                   const struct kept *previous)
{
    return kept_list_next(&store->list, kind, previous);
}

int kept_store_read(const struct kept_store *store, const struct kept *kept, const char *array,
                    struct npy_array *values, void **bytes, struct error *error)
{
    char path[PATH_MAX];
    const char *const file = json_string_value(json_object_get(kept->arrays, array));
    *bytes = NULL;
    if (!file || strchr(file, '/'))
        return error_set(error, -ENOENT, "%s has no array %s", kept->name, array);
    if (make_path(store, kept->kind, file, path) < 0)
        return error_set(error, -ENAMETOOLONG, "the directory's name is too long");
    const int r = npy_file_read(values, bytes, path, ARRAY_FILE_MAX, error);
    if (r < 0)
        error_prefix(error, "%s", path);
    return r;
}

const char *kept_store_directory(const struct kept_store *store)
{
    return store->directory;
}
