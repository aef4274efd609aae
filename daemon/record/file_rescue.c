#include "daemon/record/file_rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/record/hdf5_error.h"

#define BLOCK ((size_t)1 << 20)

/* The directory and those above it, as far as they are not there. */
static int make_directories(const char *directory)
{
    char path[FILE_PATH_MAX];
    snprintf(path, sizeof path, "%s", directory);
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, 0777) < 0 && errno != EEXIST)
            return -errno;
        *at = '/';
    }
    return mkdir(path, 0777) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_block(int to, const char *block, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(to, block, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        block += n;
        size -= (size_t)n;
    }
    return 0;
}

static int copy(int to, int from)
{
    char *const block = malloc(BLOCK);
    int r = block ? 0 : -ENOMEM;
    for (off_t at = 0; r == 0;) {
        const ssize_t n = pread(from, block, BLOCK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            r = n < 0 ? -errno : 0;
            break;
        }
        r = write_block(to, block, (size_t)n);
        at += n;
    }
    free(block);
    return r == 0 && fsync(to) < 0 ? -errno : r;
}

int file_rescue(const struct file_name *name, int descriptor, struct error *error)
{
    int r = make_directories(name->directory);
    const int to = r < 0 ? -1 : open(name->final, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (to >= 0)
        r = copy(to, descriptor);
    else if (r == 0)
        r = -errno;
    if (to >= 0)
        close(to);
    if (r == 0)
        return 0;
    if (to >= 0)
        unlink(name->final);
    return error_set(error, r,
                     "somebody has deleted %.200s while it was written, and it cannot be written "
                     "again: %s; %s",
                     name->partial, strerror(-r), write_error_remedy(-r));
}
