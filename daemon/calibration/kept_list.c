#include "daemon/calibration/kept_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void kept_finish(struct kept *kept)
{
    json_decref(kept->document);
    json_decref(kept->arrays);
}

void kept_list_finish(struct kept_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        kept_finish(&list->things[i]);
    free(list->things);
}

static int compare(const struct kept *kept, const char *kind, const char *name)
{
    const int by_kind = strcmp(kept->kind, kind);
    return by_kind ? by_kind : strcmp(kept->name, name);
}

/* Where it is, or would be. */
static size_t index_of(const struct kept_list *list, const char *kind, const char *name)
{
    size_t i = 0;
    while (i < list->n && compare(&list->things[i], kind, name) < 0)
        i++;
    return i;
}

static bool is_at(const struct kept_list *list, size_t i, const char *kind, const char *name)
{
    return i < list->n && compare(&list->things[i], kind, name) == 0;
}

int kept_list_reserve(struct kept_list *list)
{
    struct kept *const longer = realloc(list->things, (list->n + 1) * sizeof *longer);
    if (!longer)
        return -ENOMEM;
    list->things = longer;
    return 0;
}

void kept_list_put(struct kept_list *list, const struct kept *kept)
{
    const size_t i = index_of(list, kept->kind, kept->name);
    struct kept *const at = &list->things[i];
    if (is_at(list, i, kept->kind, kept->name)) {
        kept_finish(at);
    } else {
        memmove(at + 1, at, (list->n - i) * sizeof *at);
        list->n++;
    }
    *at = *kept;
}

void kept_list_remove(struct kept_list *list, const struct kept *kept)
{
    const size_t i = (size_t)(kept - list->things);
    struct kept *const at = &list->things[i];
    kept_finish(at);
    list->n--;
    memmove(at, at + 1, (list->n - i) * sizeof *at);
}

const struct kept *kept_list_find(const struct kept_list *list, const char *kind, const char *name)
{
    const size_t i = index_of(list, kind, name);
    return is_at(list, i, kind, name) ? &list->things[i] : NULL;
}

const struct kept *kept_list_next(const struct kept_list *list, const char *kind,
                                  const struct kept *previous)
{
    for (size_t i = previous ? (size_t)(previous - list->things) + 1 : 0; i < list->n; i++) {
        if (!kind || strcmp(list->things[i].kind, kind) == 0)
            return &list->things[i];
    }
    return NULL;
}

size_t kept_list_count(const struct kept_list *list, const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        n += strcmp(list->things[i].kind, kind) == 0;
    return n;
}
