#include "daemon/files/links.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE (NAME_MAX + 16)

static const char *const suffixes[] = {".hspy", ".nxs"};
#define N_SUFFIXES (sizeof suffixes / sizeof *suffixes)

struct link {
    char name[NAME_SIZE], target[NAME_SIZE];
};

static struct link link_of(const char *stem, size_t i)
{
    struct link link;
    snprintf(link.name, sizeof link.name, "%s%s", stem, suffixes[i]);
    snprintf(link.target, sizeof link.target, "%s.h5", stem);
    return link;
}

static bool leads_to_file(int folder, const struct link *link)
{
    char target[NAME_SIZE];
    const ssize_t n = readlinkat(folder, link->name, target, sizeof target);
    return n >= 0 && (size_t)n == strlen(link->target) &&
           memcmp(target, link->target, (size_t)n) == 0;
}

int links_make(int folder, const char *stem, struct error *error)
{
    int r = 0;
    for (size_t i = 0; i < N_SUFFIXES; i++) {
        const struct link link = link_of(stem, i);
        const int code = symlinkat(link.target, folder, link.name) == 0 ? 0 : errno;
        if (code == 0 || leads_to_file(folder, &link))
            continue;
        r = error_set(error, -code, "the link %.250s is not made: %s", link.name, strerror(code));
    }
    return r;
}

void links_move(int from, const char *old, int to, const char *stem)
{
    for (size_t i = 0; i < N_SUFFIXES; i++) {
        const struct link before = link_of(old, i), after = link_of(stem, i);
        if (!leads_to_file(from, &before))
            continue;
        (void)symlinkat(after.target, to, after.name);
        (void)unlinkat(from, before.name, 0);
    }
}
