#include "common/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "/a/b" is /a/.b.PID-N.partial on its way: two writers of one name do not meet. */
static int name_partial(const char *path, char partial[PATH_MAX])
{
    static atomic_uint written;
    const char *const slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash - path) + 1 : 0;
    const int length = snprintf(partial, PATH_MAX, "%.*s.%s.%ld-%u.partial", folder, path,
                                path + folder, (long)getpid(), atomic_fetch_add(&written, 1));
    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int write_all(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        const ssize_t n = write(fd, text, left);
        if (n < 0 && errno != EINTR)
            return -errno;
        text += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int write_partial(const char *partial, const char *text, mode_t mode)
{
    const int fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, text);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r;
}

/* A link fails where there is a file of that name, which a rename would replace. */
static int give_name(const char *partial, const char *path, enum text_file_way way)
{
    if (way == TEXT_FILE_REPLACE)
        return rename(partial, path) < 0 ? -errno : 0;
    if (link(partial, path) < 0)
        return -errno;
    return unlink(partial) < 0 ? -errno : 0;
}

/* The name is on the disk too. */
static int sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *const slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    const int r = fsync(fd) < 0 && errno != EINVAL ? -errno : 0; /* not every file system can */
    close(fd);
    return r;
}

int text_file_write(const char *path, const char *text, enum text_file_way way, mode_t mode,
                    struct error *error)
{
    char partial[PATH_MAX];
    int r = name_partial(path, partial);
    if (r < 0)
        return error_set(error, r, "%s cannot be written: %s", path, strerror(-r));
    r = write_partial(partial, text, mode);
    if (r == 0)
        r = give_name(partial, path, way);
    if (r < 0)
        (void)unlink(partial);
    else
        r = sync_folder(path);
    return r < 0 ? error_set(error, r, "%s cannot be written: %s", path, strerror(-r)) : 0;
}
