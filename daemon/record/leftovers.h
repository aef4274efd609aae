#pragma once

#include <stddef.h>

/*
 * Files that a crash left in and below a directory of recordings: *.h5.partial that nobody writes
 * (a writer holds a lock on its file, which goes with the process). At most `limit` paths for
 * free(), the newest first. Returns how many there are, which may be more.
 */
size_t leftovers_find(const char *directory, char **paths, size_t limit);
