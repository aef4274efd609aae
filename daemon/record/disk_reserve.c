#include "daemon/record/disk_reserve.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What HDF5 holds in memory when it fails: at most 1 MiB for each of the growing tables, 20 bytes
 * for each chunk since the last flush. */
#define RESERVE_BYTES ((uint64_t)16 << 20)
/* A row of /entry/frames, which comes even where the image cannot be recorded. */
#define BYTES_PER_IMAGE 64
/* Of more images than that nobody reserves the rows. */
#define IMAGES_MAX ((uint64_t)1 << 24)
/* ... but of a small file system not more than this part of what is free. */
#define RESERVE_PART 2

uint64_t disk_reserve_size(uint64_t n_images)
{
    return RESERVE_BYTES + BYTES_PER_IMAGE * (n_images < IMAGES_MAX ? n_images : IMAGES_MAX);
}

static uint64_t reserve_of(int descriptor, uint64_t bytes)
{
    struct statvfs system;
    if (fstatvfs(descriptor, &system) < 0)
        return bytes;
    const uint64_t part = (uint64_t)system.f_bavail * system.f_frsize / RESERVE_PART;
    return part < bytes ? part : bytes;
}

int disk_reserve_take(const char *directory, uint64_t bytes)
{
    const int descriptor = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return -1;
    /* fallocate and not posix_fallocate, which would write zeros where the file system cannot
     * reserve. */
    if (fallocate(descriptor, 0, 0, (off_t)reserve_of(descriptor, bytes)) < 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

void disk_reserve_give_back(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}
