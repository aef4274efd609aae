#pragma once

/*
 * HDF5 1.10.8 checks most of what it reads from a damaged file, but not all (lengths in the global
 * heap, where text of variable length lies): then it crashes. Who asked is told that the file is
 * damaged, and a partial file is taken away. Builds with a sanitizer crash as they are.
 */
void file_crash_watch(void);

/* The file that is taken away; NULL: none. Stays the caller's. */
void file_crash_takes_away(const char *path);
