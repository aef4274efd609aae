#include "daemon/record/file_name.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/record/hdf5_error.h"

#define NUMBERS 100000

static int resolve_directory(struct file_name *name, const char *directory, struct error *error)
{
    char resolved[PATH_MAX];
    if (!realpath(directory, resolved))
        return error_set(error, -errno, "cannot use recording.directory %.250s: %s; %s", directory,
                         strerror(errno), write_error_remedy(errno));
    /* 64 bytes are more than any name that is put behind it. */
    if (strlen(resolved) + 64 > sizeof name->directory)
        return error_set(
            error, -ENAMETOOLONG,
            "the path of recording.directory %.250s... is too long; choose another one", resolved);
    strcpy(name->directory, resolved);
    return 0;
}

static bool exists(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0 || errno != ENOENT;
}

static void spell(struct file_name *name, const char *time_stamp, unsigned number)
{
    /* The directory leaves room for it, see resolve_directory. */
    snprintf(name->final, sizeof name->final, "%.1030s/merlin_%s_%03u.h5", name->directory,
             time_stamp, number);
    snprintf(name->partial, sizeof name->partial, "%.1090s.partial", name->final);
}

int file_name_claim(struct file_name *name, const char *directory, uint64_t started_ns,
                    struct error *error)
{
    const time_t started = (time_t)(started_ns / NS_PER_S);
    struct tm local;
    char time_stamp[32];
    const int r = resolve_directory(name, directory, error);
    if (r < 0)
        return r;
    localtime_r(&started, &local);
    strftime(time_stamp, sizeof time_stamp, "%Y%m%d-%H%M%S", &local);
    for (unsigned number = 1; number < NUMBERS; number++) {
        spell(name, time_stamp, number);
        if (exists(name->final))
            continue;
        const int descriptor = open(name->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0) {
            file_name_hold(descriptor);
            return descriptor;
        }
        if (errno != EEXIST)
            return error_set(error, -errno, "cannot create %.250s: %s; %s", name->partial,
                             strerror(errno), write_error_remedy(errno));
    }
    return error_set(error, -EEXIST, "every name like %.250s is taken; clear up the directory",
                     name->final);
}

void file_name_hold(int descriptor)
{
    const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    /* Where a file system has no locks, a file that is written passes for one that was left. */
    (void)fcntl(descriptor, F_OFD_SETLK, &whole);
}

bool file_name_is_held(const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    const bool held = fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(descriptor);
    return held;
}

static int rename_to_free_name(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* A file system without RENAME_NOREPLACE: the window between the two calls has to be lived
     * with. */
    if (exists(to))
        return -EEXIST;
    return rename(from, to) < 0 ? -errno : 0;
}

static int sync_directory(const char *directory)
{
    const int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    const int r = fsync(descriptor) < 0 ? -errno : 0;
    close(descriptor);
    return r;
}

int file_name_settle(const struct file_name *name, int descriptor, struct error *error)
{
    if (fsync(descriptor) < 0)
        return error_set(error, -errno, "cannot bring %.250s to the disk: %s; %s", name->partial,
                         strerror(errno), write_error_remedy(errno));
    int r = rename_to_free_name(name->partial, name->final);
    if (r < 0)
        return error_set(error, r,
                         "%.250s is complete but cannot lose its .partial: %s; rename it by hand",
                         name->partial, strerror(-r));
    r = sync_directory(name->directory);
    if (r < 0 && r != -EINVAL)
        return error_set(error, r, "cannot bring the directory entry of %.250s to the disk: %s; %s",
                         name->final, strerror(-r), write_error_remedy(-r));
    return 0;
}
