#include "daemon/record/leftovers.h"

#include <string.h>

#include "daemon/files/walk.h"
#include "daemon/record/file_name.h"

struct search {
    char **paths;
    size_t n, limit;
};

static void note(void *data, const char *path, const struct stat *facts)
{
    (void)facts;
    struct search *const search = data;
    if (file_name_is_held(path))
        return;
    char *const copy = search->n < search->limit ? strdup(path) : NULL;
    if (copy)
        search->paths[search->n] = copy;
    if (copy || search->n >= search->limit)
        search->n++;
}

size_t leftovers_find(const char *directory, char **paths, size_t limit)
{
    struct search search = {.paths = paths, .limit = limit};
    walk_files(directory, ".h5.partial", note, &search);
    return search.n;
}
