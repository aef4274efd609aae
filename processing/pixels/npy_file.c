#include "processing/pixels/npy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- reading ---- */

static int read_all(int fd, uint8_t *bytes, size_t size, struct error *error)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = read(fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(error, -errno, "it cannot be read: %s", strerror(errno));
        if (n == 0)
            return error_set(error, -EBADMSG, "it became shorter while it was read");
        done += (size_t)n;
    }
    return 0;
}

static int read_open(struct npy_array *array, void **bytes, int fd, size_t limit,
                     struct error *error)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return error_set(error, -errno, "it cannot be read: %s", strerror(errno));
    if (!S_ISREG(stat.st_mode))
        return error_set(error, -EINVAL, "it is no ordinary file");
    if ((uint64_t)stat.st_size > limit)
        return error_set(error, -EFBIG, "it is larger than it can be (%jd bytes)",
                         (intmax_t)stat.st_size);
    const size_t size = (size_t)stat.st_size;
    *bytes = malloc(size + 1);
    if (!*bytes)
        return error_set(error, -ENOMEM, "no memory to read its %zu bytes", size);
    int r = read_all(fd, *bytes, size, error);
    if (r == 0)
        r = npy_parse(array, *bytes, size, error);
    if (r == 0)
        return 0;
    free(*bytes);
    *bytes = NULL;
    return r;
}

int npy_file_read(struct npy_array *array, void **bytes, const char *path, size_t limit,
                  struct error *error)
{
    *bytes = NULL;
    /* Somebody else's pipe must not keep the daemon waiting. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(error, -errno, "it cannot be opened: %s", strerror(errno));
    const int r = read_open(array, bytes, fd, limit, error);
    close(fd);
    return r;
}

/* ---- writing ---- */

/* Magic, version 1.0, length of the header, the header; 128 bytes together. */
static void make_header(char header[128], const struct npy_array *array)
{
    static const char magic[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, 0x76, 0};
    char text[118];
    const int length =
        snprintf(text, sizeof text,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRIu32 ", %" PRIu32 "), }",
                 npy_descr(array->type), array->height, array->width);
    memset(header, ' ', 128);
    memcpy(header, magic, sizeof magic);
    memcpy(header + 10, text, (size_t)length);
    header[127] = '\n';
}

static int write_all(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = write(fd, (const char *)bytes + done, size - done);
        if (n < 0 && errno != EINTR)
            return -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int npy_file_write(const struct npy_array *array, const char *path, struct error *error)
{
    char header[128];
    make_header(header, array);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set(error, -errno, "it cannot be made: %s", strerror(errno));
    int r = write_all(fd, header, sizeof header);
    if (r == 0)
        r = write_all(fd, array->values,
                      (size_t)array->height * array->width * npy_value_size(array->type));
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0)
        return 0;
    (void)unlink(path);
    return error_set(error, r, "it cannot be written: %s", strerror(-r));
}
