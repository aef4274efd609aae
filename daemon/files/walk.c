#include "daemon/files/walk.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of folders below the directory: a name of a recording has not so many parts. */
#define DEPTH_MAX 16

struct walk {
    const char *suffix;
    void (*visit)(void *data, const char *path, const struct stat *facts);
    void *data;
};

static bool ends_with(const char *name, const char *suffix)
{
    const size_t length = strlen(name), end = strlen(suffix);
    return length > end && strcmp(name + length - end, suffix) == 0;
}

static int is_seen(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void look_into(const struct walk *walk, const char *directory, unsigned depth);

static void look_at(const struct walk *walk, const char *path, unsigned depth)
{
    struct stat facts;
    if (lstat(path, &facts) < 0)
        return;
    if (S_ISDIR(facts.st_mode) && depth < DEPTH_MAX)
        look_into(walk, path, depth + 1);
    else if (S_ISREG(facts.st_mode) && ends_with(path, walk->suffix))
        walk->visit(walk->data, path, &facts);
}

static void look_into(const struct walk *walk, const char *directory, unsigned depth)
{
    struct dirent **entries = NULL;
    const int n = scandir(directory, &entries, is_seen, by_name);
    for (int i = n; i-- > 0;) {
        char *path = NULL;
        if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) >= 0) {
            look_at(walk, path, depth);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
}

void walk_files(const char *directory, const char *suffix,
                void (*visit)(void *data, const char *path, const struct stat *facts), void *data)
{
    const struct walk walk = {suffix, visit, data};
    look_into(&walk, directory, 0);
}
