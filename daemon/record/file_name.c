#include "daemon/record/file_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/files/folder.h"
#include "daemon/record/hdf5_error.h"

static void spell_paths(struct file_name *name)
{
    snprintf(name->final, sizeof name->final, "%.800s/%.240s", name->directory, name->base);
    snprintf(name->partial, sizeof name->partial, "%.1060s.partial", name->final);
}

void file_name_spell_partial(const struct file_name *name, char partial[FILE_NAME_PARTIAL_SIZE])
{
    snprintf(partial, FILE_NAME_PARTIAL_SIZE, "%s.partial", name->base);
}

int file_name_place(struct file_name *name, int folder, const char *directory, const char *base)
{
    name->folder = folder;
    if (strlen(directory) > FILE_NAME_DIRECTORY_MAX || strlen(base) >= sizeof name->base - 16)
        return -ENAMETOOLONG;
    snprintf(name->directory, sizeof name->directory, "%s", directory);
    snprintf(name->base, sizeof name->base, "%s", base);
    spell_paths(name);
    return 0;
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

/* Where the folder is now. */
static void follow_folder(struct file_name *name)
{
    char link[40], now[sizeof name->directory];
    snprintf(link, sizeof link, "/proc/self/fd/%d", name->folder);
    const ssize_t length = readlink(link, now, sizeof now - 1);
    if (length <= 0 || length > FILE_NAME_DIRECTORY_MAX)
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
    char partial[FILE_NAME_PARTIAL_SIZE];
    if (fsync(descriptor) < 0)
        return error_set(error, -errno, "cannot bring %.250s to the disk: %s; %s", name->partial,
                         strerror(errno), write_error_remedy(errno));
    int r = check_deleted(name, descriptor, error);
    if (r < 0)
        return r;
    file_name_spell_partial(name, partial);
    follow_folder(name);
    r = folder_rename(name->folder, partial, name->folder, name->base);
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
