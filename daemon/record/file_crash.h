#pragma once

/*
 * HDF5 1.10.8 checks most of what it reads from a damaged file, but not all (lengths in the global
 * heap, where text of variable length lies): then it crashes. Who asked is told that the file is
 * damaged, and a partial file is taken away. Builds with a sanitizer crash as they are.
 */
void file_crash_watch(void);

/* From now on a crash ends the process by its signal, without a word, for whoever waits for it
 * (file_trial.h). A partial file is taken away all the same. */
void file_crash_ends_by_signal(void);

/* Says that the library crashed, and returns the exit status. */
int file_crash_told(void);

/* The file that is taken away; NULL: none. Stays the caller's. */
void file_crash_takes_away(const char *path);
