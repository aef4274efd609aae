#include "daemon/record/leftovers.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/record/file_name.h"

/* Of folders below the directory: a name has not so many parts. */
#define DEPTH_MAX 16

struct search {
    char **paths;
    size_t n, limit;
};

static bool ends_with(const char *name, const char *suffix)
{
    const size_t length = strlen(name), end = strlen(suffix);
    return length > end && strcmp(name + length - end, suffix) == 0;
}

/* Hidden folders are not ours, but for the trash, where nothing is unfinished. */
static int is_seen(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Takes over `path`. */
static void note(struct search *search, char *path)
{
    if (file_name_is_held(path)) {
        free(path);
    } else if (search->n < search->limit) {
        search->paths[search->n++] = path;
    } else {
        search->n++;
        free(path);
    }
}

static void look_into(struct search *search, const char *directory, unsigned depth)
{
    struct dirent **entries = NULL;
    const int n = scandir(directory, &entries, is_seen, by_name);
    /* Names begin with the time: the newest first. */
    for (int i = n; i-- > 0;) {
        char *path = NULL;
        struct stat facts;
        if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0)
            path = NULL;
        free(entries[i]);
        if (!path || lstat(path, &facts) < 0) {
            free(path);
        } else if (S_ISDIR(facts.st_mode)) {
            if (depth < DEPTH_MAX)
                look_into(search, path, depth + 1);
            free(path);
        } else if (S_ISREG(facts.st_mode) && ends_with(path, ".h5.partial")) {
            note(search, path);
        } else {
            free(path);
        }
    }
    free(entries);
}

size_t leftovers_find(const char *directory, char **paths, size_t limit)
{
    struct search search = {.paths = paths, .limit = limit};
    look_into(&search, directory, 0);
    return search.n;
}
