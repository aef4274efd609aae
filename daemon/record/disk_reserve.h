#pragma once

#include <stdint.h>

/*
 * A little room set aside on the file system of a recording, in a file without a name (so that it
 * is gone whatever happens). When the disk is full it is given back, and with it HDF5 can write the
 * index of the chunks that are in the file already, and the recorder what is only known at the end.
 */

/* What the end of a recording takes that expects so many images (0: not known). Bytes. */
uint64_t disk_reserve_size(uint64_t n_images);

/* Sets `bytes` aside, but of a small file system not more than half of what is free. Returns a
 * descriptor, or -1 where none could be had: then a full disk may cost what was written since the
 * last flush. */
int disk_reserve_take(const char *directory, uint64_t bytes);

/* -1 does nothing. */
void disk_reserve_give_back(int descriptor);
