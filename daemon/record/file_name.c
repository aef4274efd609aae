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
/* Leaves room for the longest name behind it. */
#define DIRECTORY_MAX 800
#define PARTIAL_SIZE (sizeof((struct file_name *)0)->base + 16)

static int resolve_directory(struct file_name *name, const char *directory, struct error *error)
{
    char resolved[PATH_MAX];
    if (!realpath(directory, resolved))
        return error_set(error, -errno, "cannot use recording.directory %.250s: %s; %s", directory,
                         strerror(errno), write_error_remedy(errno));
    if (strlen(resolved) > DIRECTORY_MAX)
        return error_set(
            error, -ENAMETOOLONG,
            "the path of recording.directory %.250s... is too long; choose another one", resolved);
    strcpy(name->directory, resolved);
    name->folder = open(resolved, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (name->folder < 0)
        return error_set(error, -errno, "cannot use recording.directory %.250s: %s; %s", resolved,
                         strerror(errno), write_error_remedy(errno));
    return 0;
}

static bool exists(int folder, const char *base)
{
    struct stat facts;
    return fstatat(folder, base, &facts, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static void spell_paths(struct file_name *name)
{
    /* The directory leaves room for it, see resolve_directory. */
    snprintf(name->final, sizeof name->final, "%.800s/%.240s", name->directory, name->base);
    snprintf(name->partial, sizeof name->partial, "%.1060s.partial", name->final);
}

static void spell_partial(const struct file_name *name, char partial[PARTIAL_SIZE])
{
    snprintf(partial, PARTIAL_SIZE, "%s.partial", name->base);
}

/* Returns a descriptor of the new file. */
static int make_partial(const struct file_name *name)
{
    char partial[PARTIAL_SIZE];
    spell_partial(name, partial);
    return openat(name->folder, partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

int file_name_claim(struct file_name *name, const char *directory, uint64_t started_ns,
                    struct error *error)
{
    const time_t started = (time_t)(started_ns / NS_PER_S);
    struct tm local;
    char time_stamp[32];
    name->folder = -1;
    const int r = resolve_directory(name, directory, error);
    if (r < 0)
        return r;
    localtime_r(&started, &local);
    strftime(time_stamp, sizeof time_stamp, "%Y%m%d-%H%M%S", &local);
    for (unsigned number = 1; number < NUMBERS; number++) {
        snprintf(name->base, sizeof name->base, "merlin_%s_%03u.h5", time_stamp, number);
        spell_paths(name);
        if (exists(name->folder, name->base))
            continue;
        const int descriptor = make_partial(name);
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

static int rename_to_free_name(int folder, const char *from, const char *to)
{
    if (renameat2(folder, from, folder, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* A file system without RENAME_NOREPLACE: the window between the two calls has to be lived
     * with. */
    if (exists(folder, to))
        return -EEXIST;
    return renameat(folder, from, folder, to) < 0 ? -errno : 0;
}

/* Where the folder is now. */
static void follow_folder(struct file_name *name)
{
    char link[40], now[sizeof name->directory];
    snprintf(link, sizeof link, "/proc/self/fd/%d", name->folder);
    const ssize_t length = readlink(link, now, sizeof now - 1);
    if (length <= 0 || length > DIRECTORY_MAX)
        return;
    now[length] = '\0';
    strcpy(name->directory, now);
    spell_paths(name);
}

static int check_deleted(const struct file_name *name, int descriptor, struct error *error)
{
    struct stat facts;
    if (fstat(descriptor, &facts) < 0 || facts.st_nlink > 0)
        return 0;
    return error_set(error, -ENOENT, "somebody has deleted %.250s while it was written",
                     name->partial);
}

int file_name_check(const struct file_name *name, int descriptor, struct error *error)
{
    struct stat there, here;
    const int r = check_deleted(name, descriptor, error);
    if (r < 0)
        return r;
    if (fstat(descriptor, &here) < 0 ||
        (stat(name->partial, &there) == 0 && there.st_dev == here.st_dev &&
         there.st_ino == here.st_ino))
        return 0;
    return error_set(error, -ESTALE,
                     "%.250s is not where it was made: its directory was moved or unmounted; "
                     "recording goes on into it",
                     name->partial);
}

int file_name_settle(struct file_name *name, int descriptor, struct error *error)
{
    char partial[PARTIAL_SIZE];
    if (fsync(descriptor) < 0)
        return error_set(error, -errno, "cannot bring %.250s to the disk: %s; %s", name->partial,
                         strerror(errno), write_error_remedy(errno));
    int r = check_deleted(name, descriptor, error);
    if (r < 0)
        return r;
    spell_partial(name, partial);
    follow_folder(name);
    r = rename_to_free_name(name->folder, partial, name->base);
    if (r < 0)
        return error_set(error, r,
                         "%.250s is complete but cannot lose its .partial: %s; rename it by hand",
                         name->partial, strerror(-r));
    name->settled = true;
    r = fsync(name->folder) < 0 ? -errno : 0;
    if (r < 0 && r != -EINVAL)
        return error_set(error, r, "cannot bring the directory entry of %.250s to the disk: %s; %s",
                         name->final, strerror(-r), write_error_remedy(-r));
    return 0;
}

void file_name_finish(struct file_name *name)
{
    if (name->folder >= 0)
        close(name->folder);
    name->folder = -1;
}
