#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/name_template.h"
#include "daemon/files/folder.h"
#include "daemon/files/trash.h"
#include "daemon/record/file_name.h"
#include "daemon/record/hdf5_error.h"
#include "processing/products/acquisition_plan.h"

#define NUMBERS 100000

/* What is asked for, while a name is looked for. */
struct claim {
    const char *text; /* the template */
    const struct name_facts *facts;
    char directory[PATH_MAX]; /* resolved */
    int top;                  /* a descriptor of it */
};

static int unusable(const char *directory, int error_number, struct error *error)
{
    return error_set(error, -error_number, "cannot use recording.directory %.250s: %s; %s",
                     directory, strerror(error_number), write_error_remedy(error_number));
}

static int open_directory(struct claim *claim, const char *directory, struct error *error)
{
    if (!realpath(directory, claim->directory))
        return unusable(directory, errno, error);
    if (strlen(claim->directory) > FILE_NAME_DIRECTORY_MAX - NAME_PATH_SIZE)
        return error_set(error, -ENAMETOOLONG,
                         "the path of recording.directory %.250s... is too long; choose another "
                         "one",
                         claim->directory);
    claim->top = open(claim->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return claim->top < 0 ? unusable(directory, errno, error) : 0;
}

/* The last part of a path, what is before it ending there. "" is the directory itself. */
static char *split(char *path, const char **folder)
{
    char *const slash = strrchr(path, '/');
    *folder = slash ? path : "";
    if (slash)
        *slash = '\0';
    return slash ? slash + 1 : path;
}

static uint64_t highest_in(int top, const char *path, const char *prefix, const char *suffix)
{
    const int folder = folder_open(top, path, false);
    const uint64_t highest = folder < 0 ? 0 : folder_highest(folder, prefix, suffix);
    if (folder >= 0)
        close(folder);
    return highest;
}

/* The number to begin with; further ones may be taken too. */
static uint64_t first_number(const struct claim *claim)
{
    char path[NAME_PATH_SIZE], trash[NAME_PATH_SIZE + sizeof TRASH_FOLDER + 1];
    const char *folder;
    if (name_template_expand(claim->text, claim->facts, 0, path, NULL) < 0)
        return 1;
    char *const base = split(path, &folder);
    char *const mark = strchr(base, NAME_NUMBER_MARK);
    if (!mark || strchr(mark + 1, NAME_NUMBER_MARK) || strchr(folder, NAME_NUMBER_MARK))
        return 1;
    *mark = '\0';
    snprintf(trash, sizeof trash, "%s/%s", TRASH_FOLDER, folder);
    const uint64_t there = highest_in(claim->top, folder, base, mark + 1);
    const uint64_t discarded = highest_in(claim->top, trash, base, mark + 1);
    return (there > discarded ? there : discarded) + 1;
}

/* Sets the name with that number. */
static int name_it(const struct claim *claim, struct file_name *name, uint64_t number,
                   struct error *error)
{
    char path[NAME_PATH_SIZE] = "", with_mark[NAME_PATH_SIZE] = "";
    char base[sizeof name->base];
    char directory[PATH_MAX + NAME_PATH_SIZE];
    const char *folder = "";
    int r = name_template_expand(claim->text, claim->facts, 0, with_mark, error);
    if (r == 0)
        r = name_template_expand(claim->text, claim->facts, number, path, error);
    if (r < 0)
        return r;
    const bool counted = strchr(with_mark, NAME_NUMBER_MARK);
    const char *const last = split(path, &folder);
    if (counted || number == 1)
        snprintf(base, sizeof base, "%.220s.h5", last);
    else
        snprintf(base, sizeof base, "%.220s_%" PRIu64 ".h5", last, number);
    snprintf(directory, sizeof directory, "%s%s%s", claim->directory, *folder ? "/" : "", folder);
    file_name_finish(name);
    const int descriptor = folder_open(claim->top, folder, true);
    if (descriptor < 0)
        return error_set(error, descriptor, "cannot make the folder %.250s: %s; %s", directory,
                         strerror(-descriptor), write_error_remedy(-descriptor));
    r = file_name_place(name, descriptor, directory, base);
    return r < 0 ? error_set(error, r, "the path %.250s... is too long", directory) : 0;
}

/* Returns a descriptor of the new file, or a negative errno; -EEXIST: the name is taken. */
static int make_partial(const struct file_name *name)
{
    char partial[FILE_NAME_PARTIAL_SIZE];
    file_name_spell_partial(name, partial);
    if (folder_has(name->folder, name->base))
        return -EEXIST;
    const int descriptor =
        openat(name->folder, partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return descriptor < 0 ? -errno : descriptor;
}

static int claim_number(const struct claim *claim, struct file_name *name, struct error *error)
{
    const uint64_t first = first_number(claim);
    for (uint64_t number = first; number < first + NUMBERS; number++) {
        const int named = name_it(claim, name, number, error);
        if (named < 0)
            return named;
        const int descriptor = make_partial(name);
        if (descriptor >= 0)
            return descriptor;
        if (descriptor != -EEXIST)
            return error_set(error, descriptor, "cannot create %.250s: %s; %s", name->partial,
                             strerror(-descriptor), write_error_remedy(-descriptor));
    }
    return error_set(error, -EEXIST, "every name like %.250s is taken; clear up the directory",
                     name->final);
}

int file_name_claim(struct file_name *name, const struct recording_settings *settings,
                    const struct name_facts *facts, struct error *error)
{
    struct claim claim = {.text = *settings->name ? settings->name : RECORDING_NAME,
                          .facts = facts};
    name->folder = -1;
    const int r = open_directory(&claim, settings->directory, error);
    if (r < 0)
        return r;
    const int descriptor = claim_number(&claim, name, error);
    close(claim.top);
    if (descriptor >= 0)
        file_name_hold(descriptor);
    return descriptor;
}
