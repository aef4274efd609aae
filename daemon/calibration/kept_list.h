#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The things of a kept_store (kept_store.h) as they are in memory: sorted by kind, then by name,
 * which are unique together. A list of zeroes is empty. Belongs to whoever has it.
 */

#define KEPT_NAME_SIZE 48

struct kept {
    char kind[24];
    char name[KEPT_NAME_SIZE];
    uint64_t saved_ns; /* UNIX time */
    json_t *document;  /* an object; borrowed, not to be changed */
    json_t *arrays;    /* {ARRAY: file name} */
};

/* Gives back what a thing holds that no list has taken over. */
void kept_finish(struct kept *kept);

struct kept_list {
    struct kept *things;
    size_t n;
};

void kept_list_finish(struct kept_list *list);

/* Makes room for one more, so that putting it cannot fail; the list is as it was. -ENOMEM. */
int kept_list_reserve(struct kept_list *list);

/* Takes `kept` over, in the place of the one with its kind and name. There is room. */
void kept_list_put(struct kept_list *list, const struct kept *kept);

/* It is in the list. */
void kept_list_remove(struct kept_list *list, const struct kept *kept);

/* NULL: there is none. Valid until the next put or remove. */
const struct kept *kept_list_find(const struct kept_list *list, const char *kind, const char *name);

/* The first one after `previous` (NULL: of all) of a kind (NULL: of any). NULL: no more. */
const struct kept *kept_list_next(const struct kept_list *list, const char *kind,
                                  const struct kept *previous);

size_t kept_list_count(const struct kept_list *list, const char *kind);
