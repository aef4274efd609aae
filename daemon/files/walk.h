#pragma once

#include <sys/stat.h>

/* Calls `visit` for every file in and below a directory whose name ends with `suffix`, the names of
 * each folder in falling order (they begin with the time: the newest first). Hidden folders and
 * files, the trash among them, are passed over, and symbolic links are not followed. */
void walk_files(const char *directory, const char *suffix,
                void (*visit)(void *data, const char *path, const struct stat *facts), void *data);
