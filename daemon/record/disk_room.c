#include "daemon/record/disk_room.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/clock.h"
#include "daemon/record/hdf5_error.h"
#include "daemon/record/recorder.h"

#define LOOK_NS (100 * NS_PER_MS)
/* What stays free is what a flush may need at once beside a chunk: tables grow by 32 KiB a column,
 * the index of chunks by its blocks. The reserve comes on top of it. Of a small file system it is
 * not more than this part of what is free. */
#define MARGIN_PART 8
/* With less, what is set aside and what HDF5 holds in memory could not both be written. */
#define LEAST ((uint64_t)4 << 20)

static uint64_t bytes_free(int descriptor)
{
    struct statvfs system;
    /* Where the question cannot be answered, writing will tell. */
    if (fstatvfs(descriptor, &system) < 0)
        return UINT64_MAX;
    return (uint64_t)system.f_bavail * system.f_frsize;
}

int disk_room_init(struct disk_room *room, int descriptor, const char *path, struct error *error)
{
    const uint64_t free_now = bytes_free(descriptor);
    const uint64_t part = free_now / MARGIN_PART;
    *room = (struct disk_room){
        .descriptor = descriptor,
        .margin = part < RECORDER_KEEPS_FREE ? part : RECORDER_KEEPS_FREE,
        .free_bytes = free_now,
        .look_ns = clock_monotonic_ns() + LOOK_NS,
    };
    if (free_now >= LEAST)
        return 0;
    return error_set(error, -ENOSPC, "cannot record to %.250s: %s, %u KiB are free; %s", path,
                     strerror(ENOSPC), (unsigned)(free_now / 1024), write_error_remedy(ENOSPC));
}

bool disk_room_take(struct disk_room *room, uint64_t bytes)
{
    const uint64_t now = clock_monotonic_ns();
    if (now >= room->look_ns || room->free_bytes < room->margin + bytes) {
        room->free_bytes = bytes_free(room->descriptor);
        room->look_ns = now + LOOK_NS;
    }
    if (room->free_bytes < room->margin + bytes)
        return false;
    room->free_bytes -= bytes;
    return true;
}
