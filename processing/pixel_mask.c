#include "processing/pixel_mask.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "processing/mask_values.h"

static int allocate(struct pixel_mask **mask, uint32_t height, uint32_t width, struct error *error)
{
    const uint64_t n = (uint64_t)height * width;
    *mask = NULL;
    if (n == 0 || n > MASK_VALUES_MAX)
        return error_set(error, -EINVAL,
                         "a mask of %" PRIu32 " x %" PRIu32
                         " pixels is not possible: 1 to %u pixels are",
                         height, width, MASK_VALUES_MAX);
    *mask = calloc(1, sizeof **mask + n);
    if (!*mask)
        return error_set(error, -ENOMEM, "no memory for a mask of %" PRIu64 " pixels", n);
    atomic_init(&(*mask)->references, 1);
    (*mask)->height = height;
    (*mask)->width = width;
    return 0;
}

int pixel_mask_create(struct pixel_mask **mask, const uint8_t *bad, uint32_t height, uint32_t width,
                      struct error *error)
{
    const int r = allocate(mask, height, width, error);
    if (!*mask)
        return r;
    for (size_t i = 0; i < (size_t)height * width; i++) {
        (*mask)->bad[i] = bad[i] != 0;
        (*mask)->n_bad += bad[i] != 0;
    }
    return 0;
}

int pixel_mask_read(struct pixel_mask **mask, const char *path, struct error *error)
{
    struct mask_values *values;
    int r = mask_values_read(&values, path, error);
    if (r < 0)
        return r;
    r = allocate(mask, values->height, values->width, error);
    for (size_t i = 0; *mask && i < (size_t)values->height * values->width; i++) {
        const bool bad = values->values[i] != 0;
        (*mask)->bad[i] = bad;
        (*mask)->n_bad += bad;
    }
    mask_values_unref(values);
    return r;
}

/* Magic, version 1.0, length of the header, the header; 128 bytes together. */
static void npy_header(char header[128], uint32_t height, uint32_t width)
{
    memset(header, ' ', 128);
    static const char magic[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, 0x76, 0};
    memcpy(header, magic, sizeof magic);
    char text[118];
    const int length =
        snprintf(text, sizeof text,
                 "{'descr': '|b1', 'fortran_order': False, 'shape': (%" PRIu32 ", %" PRIu32 "), }",
                 height, width);
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

int pixel_mask_write(const struct pixel_mask *mask, const char *path, struct error *error)
{
    char header[128];
    npy_header(header, mask->height, mask->width);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set(error, -errno, "mask file %s cannot be made: %s", path, strerror(errno));
    int r = write_all(fd, header, sizeof header);
    if (r == 0)
        r = write_all(fd, mask->bad, (size_t)mask->height * mask->width);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0)
        return 0;
    (void)unlink(path);
    return error_set(error, r, "mask file %s cannot be written: %s", path, strerror(-r));
}

struct pixel_mask *pixel_mask_ref(struct pixel_mask *mask)
{
    if (mask)
        atomic_fetch_add_explicit(&mask->references, 1, memory_order_relaxed);
    return mask;
}

void pixel_mask_unref(struct pixel_mask *mask)
{
    if (mask && atomic_fetch_sub_explicit(&mask->references, 1, memory_order_acq_rel) == 1)
        free(mask);
}

const uint8_t *pixel_mask_fit(const struct pixel_mask *mask, uint32_t height, uint32_t width)
{
    return mask && mask->height == height && mask->width == width ? mask->bad : NULL;
}
