#include "daemon/files/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_one(int folder, const char *name)
{
    return openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Takes over `folder`. */
static int enter(int folder, const char *name, bool make)
{
    int r = open_one(folder, name);
    if (r < 0 && errno == ENOENT && make) {
        if (mkdirat(folder, name, 0777) < 0 && errno != EEXIST)
            r = -errno;
        else
            r = open_one(folder, name);
    }
    if (r == -1)
        r = -errno;
    close(folder);
    return r;
}

int folder_open(int base, const char *path, bool make)
{
    int folder = fcntl(base, F_DUPFD_CLOEXEC, 0);
    if (folder < 0)
        return -errno;
    for (const char *part = path; folder >= 0 && *part;) {
        char name[256];
        const size_t n = strcspn(part, "/");
        if (n == 0 || n >= sizeof name ||
            (part[0] == '.' && (n == 1 || (n == 2 && part[1] == '.')))) {
            close(folder);
            return -EINVAL;
        }
        memcpy(name, part, n);
        name[n] = '\0';
        folder = enter(folder, name, make);
        part += n + (part[n] == '/');
    }
    return folder;
}

static uint64_t number_in(const char *name, const char *prefix, const char *suffix)
{
    const size_t before = strlen(prefix), after = strlen(suffix);
    if (strncmp(name, prefix, before) != 0)
        return 0;
    char *end;
    errno = 0;
    const uint64_t number = strtoull(name + before, &end, 10);
    if (end == name + before || name[before] < '0' || name[before] > '9' || errno)
        return 0;
    return strncmp(end, suffix, after) == 0 && end[after] == '.' ? number : 0;
}

uint64_t folder_highest(int folder, const char *prefix, const char *suffix)
{
    const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *const entries = copy < 0 ? NULL : fdopendir(copy);
    uint64_t highest = 0;
    if (!entries && copy >= 0)
        close(copy);
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        const uint64_t number = number_in(entry->d_name, prefix, suffix);
        highest = number > highest ? number : highest;
    }
    if (entries)
        closedir(entries);
    return highest;
}

bool folder_has(int folder, const char *name)
{
    struct stat facts;
    return fstatat(folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

int folder_rename(int from, const char *old, int to, const char *new)
{
    if (renameat2(from, old, to, new, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* A file system without RENAME_NOREPLACE: the window between the two calls has to be lived
     * with. */
    if (folder_has(to, new))
        return -EEXIST;
    return renameat(from, old, to, new) < 0 ? -errno : 0;
}
