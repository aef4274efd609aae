#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Whether the disk has room for what is to be written next: a recording stops in time, while HDF5
 * can still do all it has to, instead of finding out in the middle of a call. Looks at the file
 * system ten times a second at most, and in between counts what was written. The writer's.
 */
struct disk_room {
    int descriptor;      /* of a file there, borrowed */
    uint64_t margin;     /* bytes that have to stay free */
    uint64_t free_bytes; /* when it was looked at, less what was written since */
    uint64_t look_ns;    /* monotonic: when to look again */
};

/* -ENOSPC with a sentence: the disk is too small even for the end of a recording. */
int disk_room_init(struct disk_room *room, int descriptor, const char *path, struct error *error);

/* `bytes` are about to be written. false: they would eat into the margin. */
bool disk_room_take(struct disk_room *room, uint64_t bytes);
