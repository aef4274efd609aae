#pragma once

/*
 * A little room set aside on the file system of a recording, in a file without a name (so that it
 * is gone whatever happens). When the disk is full it is given back, and with it HDF5 can write the
 * index of the chunks that are in the file already: without it the library closes a file in which
 * frames that were written cannot be found.
 */

/* Returns a descriptor, or -1 where none could be had: then a full disk may cost what was written
 * since the last flush. */
int disk_reserve_take(const char *directory);

/* -1 does nothing. */
void disk_reserve_give_back(int descriptor);
