#include "daemon/record/leftovers.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/record/file_name.h"

static int is_partial(const struct dirent *entry)
{
    static const char suffix[] = ".h5.partial";
    const size_t length = strlen(entry->d_name);
    return length > sizeof suffix - 1 &&
           strcmp(entry->d_name + length - (sizeof suffix - 1), suffix) == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

size_t leftovers_find(const char *directory, char **paths, size_t limit)
{
    struct dirent **entries = NULL;
    const int n = scandir(directory, &entries, is_partial, by_name);
    size_t found = 0;
    /* Names begin with the time: the newest first. */
    for (int i = n; i-- > 0;) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0)
            path = NULL;
        free(entries[i]);
        if (path && !file_name_is_held(path)) {
            if (found < limit) {
                paths[found] = path;
                path = NULL;
            }
            found++;
        }
        free(path);
    }
    free(entries);
    return found;
}
